"""What is seen of the incoming ball's spin, and what that tells of the balls to come."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.flight_fit import fit_flight
from llm_policy_improver.table_tennis.ball.spin import Spin, expected_spin
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.tracing.flight import find_hit
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

SPIN: Final = ('spin_x', 'spin_y', 'spin_z')
"""Measures: rad/s in frame ``table``, of the ball as it came into view."""
ERROR: Final = ('spin_x_sd', 'spin_y_sd', 'spin_z_sd')
"""Measures: rad/s, standard errors of those."""
EXPECTED: Final = ('expected_spin_x', 'expected_spin_y', 'expected_spin_z')
"""Measures: rad/s, what the controller expected of it before, where trials told; ..."""
DEVIATION: Final = ('expected_spin_x_sd', 'expected_spin_y_sd', 'expected_spin_z_sd')
"""... and as how sure, standard deviations."""
_DIGITS: Final = 3
"""Of a spin: what is computed from it is then the same wherever it is computed."""


def spin_measures(
    samples: TraceSamples, expected: Spin | None, model: BallModel, config: FilterConfig
) -> dict[str, float]:
    """The incoming ball's spin, from its whole flight up to the hit, and what was expected of it; by name.

    Args:
        samples: of a trial whose ball bounced once on the robot's half.
        expected: by the controller; None where it knew nothing.
        model, config: laws and noise.
    """
    time, position = samples.ball_time, samples.ball_position
    hit = find_hit(time, position)
    below = np.flatnonzero(position[:, 2] < 0.0)  # a ball that was missed falls beside the table
    end = min(len(time) if hit is None else hit, int(below[0]) if len(below) else len(time))
    fit = fit_flight(model, config, time[:end], position[:end])
    found: dict[str, float] = {}
    if fit is not None:
        found |= zip(SPIN + ERROR, (round(each, _DIGITS) for each in fit.spin + fit.spin_error), strict=True)
    if expected is not None:
        found |= zip(EXPECTED + DEVIATION, expected.mean + expected.deviation, strict=True)
    return found


def spin_to_expect(trials: Sequence[Trial], version: int) -> Spin | None:
    """What the trials before those of a version tell of the balls that it will meet; None where they do not.

    Trials of the version itself do not count: what is published with a version holds for all of its trials.

    Args:
        trials: all, oldest first.
    """
    own = next((place for place, trial in enumerate(trials) if trial.version == version), len(trials))
    return expected_spin([spin for trial in trials[:own] if (spin := measured_spin(trial)) is not None])


def measured_spin(trial: Trial) -> Spin | None:
    """What the flight showed; None where it was not measured."""
    return _told(trial, SPIN, ERROR)


def expected_in(trial: Trial) -> Spin | None:
    """What the controller expected; None where nothing was known."""
    return _told(trial, EXPECTED, DEVIATION)


def _told(trial: Trial, *names: tuple[str, ...]) -> Spin | None:
    told = trial.measures
    if any(name not in told for each in names for name in each):
        return None
    (x, y, z), (dx, dy, dz) = ([told[name] for name in each] for each in names)
    return Spin((x, y, z), (dx, dy, dz))
