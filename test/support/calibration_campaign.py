"""Calibrations of cells whose coefficients are drawn: how often they are right, and what they are worth."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from recorded_balls import DRAWN, drawn_ball, recorded_balls, recorded_strokes

from llm_policy_improver.table_tennis.arm.frames import CameraFrame
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.calibrate import calibrate, with_coefficients
from llm_policy_improver.table_tennis.calibration.flight_model import LAWS, SHARED, shared_of
from llm_policy_improver.table_tennis.calibration.flights_of import flights_of
from llm_policy_improver.table_tennis.calibration.held_out import held_out, prediction_errors
from llm_policy_improver.table_tennis.calibration.joint_fit import fit_together
from llm_policy_improver.table_tennis.simulation.latency import Latency

Array = NDArray[np.float64]


@dataclass
class Coverage:
    """By coefficient: what it was off, in standard errors, of every cell in which it was determined."""

    off: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float, error: float, truth: float) -> None:
        self.off.setdefault(name, []).append((value - truth) / error)

    @property
    def within(self) -> dict[str, float]:
        """Share within two standard errors."""
        return {name: float(np.mean(np.abs(each) <= 2.0)) for name, each in self.off.items()}

    @property
    def whole(self) -> float:
        """The same of all coefficients together."""
        return float(np.mean(np.abs(np.concatenate([np.array(each) for each in self.off.values()])) <= 2.0))


def cover_flights(seeds: Iterable[int], balls: int = 40) -> Coverage:
    """Cells of which only balls are recorded, past an arm that stands still."""
    coverage = Coverage()
    for seed in seeds:
        ball = drawn_ball(seed)
        fit = fit_together(flights_of(recorded_balls(ball, balls, seed), CameraFrame()), BallModel())
        for row, truth in enumerate(shared_of(ball).tolist()):
            if fit.determined[row]:
                coverage.add(SHARED[row], float(fit.shared[row]), float(fit.standard_error[row]), truth)
    return coverage


def cover_strokes(seeds: Iterable[int], balls: int = 40) -> Coverage:
    """Cells of which strokes are recorded: racket, and delays beside the published ones."""
    coverage, published = Coverage(), Latency.published()
    for seed in seeds:
        ball = drawn_ball(seed, racket=True)
        recordings = recorded_strokes(ball, balls, seed)
        found = calibrate(recordings).coefficients
        truth = {name: getattr(ball, name) for name in (*DRAWN, 'racket_restitution', 'racket_grip')}
        truth |= {
            name: getattr(published, name)
            for name in ('arm_state', 'slide_state', 'arm_action', 'slide_x_action', 'slide_y_action')
        }
        for name, value in truth.items():
            if found[name].determined:
                coverage.add(name, found[name].value, found[name].standard_error, float(value))
    return coverage


def gone(seed: int, balls: int = 60) -> tuple[float, float, float]:
    """m, median prediction errors of held-out flights: defaults that are 15 % off, calibrated, and the true ones."""
    generator = np.random.default_rng([seed, 15])
    names = ('drag_coefficient', 'lift_coefficient', 'table_restitution', 'table_friction')
    truth = {
        name: getattr(BallModel(), name)
        * (0.85 if name == 'table_restitution' else generator.choice((0.85, 1.15)))
        for name in names
    }
    ball = with_coefficients(BallModel(), truth)
    flights = flights_of(recorded_balls(ball, balls, 500 + seed), CameraFrame())
    kept = held_out(len(flights))
    fit = fit_together([flight for flight, out in zip(flights, kept, strict=True) if not out], BallModel())
    fitted = with_coefficients(BallModel(), {name: float(fit.shared[row]) for row, name in enumerate(LAWS)})
    judged = [flight for flight, out in zip(flights, kept, strict=True) if out]
    config = FilterConfig(sighting=0.003)
    before, after, best = (
        float(np.median(prediction_errors(judged, model, config))) for model in (BallModel(), fitted, ball)
    )
    return before, after, best
