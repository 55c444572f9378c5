"""Recorded balls played again: their sightings through filter and controller, with the arm in simulation.

The filter sees what the cameras saw. The ball that the simulated blade meets starts as the recorded one was fitted, and
follows the laws from there; from its hit on, its own sightings are seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.filter import BallFilter, FilterConfig
from llm_policy_improver.table_tennis.ball.flight_path import state_at
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.bench.trials import true_outcome
from llm_policy_improver.table_tennis.calibration.flight_model import settled, shared_of, unit_law
from llm_policy_improver.table_tennis.calibration.flights import Flight
from llm_policy_improver.table_tennis.calibration.joint_fit import first_guess
from llm_policy_improver.table_tennis.calibration.recordings import RecordingError
from llm_policy_improver.table_tennis.control.controller import ControllerConfig, LowLevelController
from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.tracing.observed import Outcome

Array = NDArray[np.float64]

AHEAD: Final = 0.25
"""s before the ball is at the arm, at which its place there is predicted."""
_PLANE: Final = -1.3
"""m, y: past here a ball is the arm's to hit."""
_MISFIT: Final = 0.03
"""m, root mean square: a flight that fits no better follows no law."""


@dataclass(frozen=True, slots=True)
class IncomingBall:
    """A recorded ball on its way to the robot, with one bounce on its half, in frame ``table``.

    Attributes:
        flight: its sightings.
        own: (12,) its fitted state; see `flight_model`.
        off: m, root mean square.
    """

    flight: Flight
    own: Array
    off: float


@dataclass(frozen=True, slots=True)
class ReplayedBall:
    """How it went.

    Attributes:
        source: the recording.
        time: s of the recording at which the ball came into view.
        outcome: of the simulated stroke.
        prediction_m: by how much the filter was off, `AHEAD` before the ball was at the arm; None where the flight was
            not seen so long.
    """

    source: str
    time: float
    outcome: Outcome
    prediction_m: float | None

    @property
    def hit(self) -> bool:
        """Whether the racket met the ball."""
        return self.outcome not in (Outcome.MISSED, Outcome.BAD_FEED, Outcome.DOUBLE_BOUNCE)


@dataclass(frozen=True, slots=True)
class ReplayedBalls:
    """All of them; ``flights`` were looked through for balls that an arm could play."""

    flights: int
    balls: tuple[ReplayedBall, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'flights': self.flights,
            'balls': len(self.balls),
            'hit': sum(ball.hit for ball in self.balls),
            'returned': sum(ball.outcome is Outcome.LANDED for ball in self.balls),
            'prediction_m': self.prediction_m,
            'rows': [
                {
                    'source': ball.source,
                    'time': ball.time,
                    'outcome': ball.outcome.value,
                    'prediction_m': ball.prediction_m,
                }
                for ball in self.balls
            ],
        }

    @property
    def prediction_m(self) -> float:
        """m, median; NaN without any."""
        errors = [ball.prediction_m for ball in self.balls if ball.prediction_m is not None]
        return float(np.median(errors)) if errors else float('nan')


def incoming_balls(flights: Sequence[Flight], model: BallModel, config: FilterConfig) -> list[IncomingBall]:
    """Those of these flights that come to the robot after one bounce on its half and follow the laws."""
    unit, shared = unit_law(model), shared_of(model)
    precision = np.array([0.0] * 6 + [1.0 / 300.0] * 3 + [1.0 / max(config.bounce_velocity, 0.01)] * 3)
    found = []
    for flight in flights:
        first, last = flight.position[0], flight.position[-1]
        if flight.bounce is None or flight.follows or last[1] - first[1] > -0.5:
            continue
        time = flight.time - flight.time[0]
        at = np.array([np.interp(flight.bounce, flight.time, flight.position[:, axis]) for axis in range(3)])
        if at[1] > 0.0 or not table.over_surface(float(at[0]), float(at[1])):
            continue
        weight = np.full(3 * len(time), 1.0 / config.sighting)
        position = np.ascontiguousarray(flight.position)
        guess = first_guess(unit.gravity, time, position)
        own, _ = settled(unit, shared, time, position, weight, precision, guess, 30)
        seen = np.array([state_at(model.law, own, float(moment))[:3] for moment in time])
        off = float(np.sqrt(np.mean((seen - position) ** 2)))
        if off < _MISFIT:
            found.append(IncomingBall(flight, own, off))
    return found


def replay_balls(
    flights: Sequence[Flight],
    simulation: SimulationConfig,
    controller: ControllerConfig,
    step: Callable[[int, int], None] = lambda *_: None,
) -> ReplayedBalls:
    """Play all incoming balls of these flights.

    Args:
        flights: in frame ``table``.
        simulation: of arm, delays and air; its balls are not used.
        controller: the settings of the arm's.
        step: told the balls done and the balls in all.

    Raises:
        RecordingError: no ball comes to the robot.
    """
    balls = incoming_balls(flights, simulation.ball, controller.filter)
    if not balls:
        raise RecordingError(
            f'none of {len(flights)} flights comes to the robot, towards smaller y, with a bounce on its half: '
            'record incoming balls, or calibrate the frame first'
        )
    played, arm = [], LowLevelController(controller)
    for number, ball in enumerate(balls):
        outcome = _play(ball, simulation, arm, number)
        flight = ball.flight
        played.append(
            ReplayedBall(flight.source, float(flight.time[0]), outcome, _prediction_error(flight, controller))
        )
        step(number + 1, len(balls))
    return ReplayedBalls(len(flights), tuple(played))


def _play(
    ball: IncomingBall, simulation: SimulationConfig, controller: LowLevelController, seed: int
) -> Outcome:
    (px, py, pz), (vx, vy, vz), (wx, wy, wz) = ball.own[:9].reshape(3, 3).tolist()
    launched = replace(
        simulation, balls='standard', launcher=Launcher((px, py, pz), (vx, vy, vz), (wx, wy, wz))
    )
    simulator = make_simulator(launched)
    controller.end_ball()
    simulator.launch(seed)
    seen = [
        BallObservation(round((moment - ball.flight.time[0]) * NANOSECONDS), (x, y, z))
        for moment, (x, y, z) in zip(ball.flight.time.tolist(), ball.flight.position.tolist(), strict=True)
    ]
    # As late as the simulated ones of this trial, whose delay was drawn at the launch.
    delay = round(simulator.ball_delay * NANOSECONDS)
    while not simulator.finished:
        arm_now, own = simulator.observe()
        struck = any(contact.what == 'blade' for contact in simulator.contacts)
        if struck:
            seen = []
            for sighting in own:
                controller.observe_ball(sighting)
        while seen and seen[0].stamp + delay <= arm_now.stamp:
            controller.observe_ball(seen.pop(0))
        simulator.step(controller.command(arm_now).applied)
    return true_outcome(simulator.contacts, simulator.arm_contact)[0]


def _prediction_error(flight: Flight, config: ControllerConfig) -> float | None:
    """m, `AHEAD` before the ball is at the arm, or out of sight before that."""
    past = np.flatnonzero(flight.position[:, 1] < _PLANE)
    end = int(past[0]) if len(past) else len(flight.time) - 1
    until = flight.time[end] - AHEAD
    filtered = BallFilter(config.ball, config.filter)
    for moment, (x, y, z) in zip(flight.time.tolist(), flight.position.tolist(), strict=True):
        if moment > until:
            break
        filtered.observe(moment - flight.time[0], (x, y, z))
    state = filtered.state
    if state is None or filtered.sightings < config.first_plan:
        return None
    ahead = _advanced(config.ball, state, float(flight.time[end] - flight.time[0]))
    return float(np.linalg.norm(np.array(ahead.position) - flight.position[end]))


def _advanced(model: BallModel, state: BallState, until: float) -> BallState:
    steps = max(1, round((until - state.time) / 0.01))
    gap = (until - state.time) / steps
    for _ in range(steps):
        state, _ = advance(model.law, state, gap)
    return state
