"""What is seen of the incoming ball's spin and bounce, and what that tells of the balls to come."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.flight_fit import fit_flight
from llm_policy_improver.table_tennis.ball.restitution import Restitution, expected_restitution
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
RESTITUTION: Final = ('table_restitution', 'table_restitution_sd')
"""Measures: of the table, as the ball's bounce shows it, and its standard error."""
EXPECTED_RESTITUTION: Final = ('expected_restitution', 'expected_restitution_sd')
"""Measures: what the controller expected of it before, where trials told, and as how sure, standard deviation."""
_DIGITS: Final = 3
_DIGITS_OF_BOUNCE: Final = 5
"""Of a spin and of a restitution: what is computed from it is then the same wherever it is computed."""


def incoming_measures(
    samples: TraceSamples, expected: Expected, model: BallModel, config: FilterConfig
) -> dict[str, float]:
    """The incoming ball's spin and bounce, from its whole flight up to the hit, and what was expected; by name.

    Args:
        samples: of a trial whose ball bounced once on the robot's half.
        expected: by the controller.
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
    if fit is not None and fit.restitution is not None:
        bounce = (fit.restitution.mean, fit.restitution.deviation)
        found |= zip(RESTITUTION, (round(each, _DIGITS_OF_BOUNCE) for each in bounce), strict=True)
    if expected.spin is not None:
        found |= zip(EXPECTED + DEVIATION, expected.spin.mean + expected.spin.deviation, strict=True)
    if expected.restitution is not None:
        bounce = (expected.restitution.mean, expected.restitution.deviation)
        found |= zip(EXPECTED_RESTITUTION, bounce, strict=True)
    return found


def to_expect(trials: Sequence[Trial], version: int) -> Expected:
    """What the trials before those of a version tell of the balls that it will meet.

    Trials of the version itself do not count: what is published with a version holds for all of its trials.

    Args:
        trials: all, oldest first.
    """
    own = next((place for place, trial in enumerate(trials) if trial.version == version), len(trials))
    before = [measured_in(trial) for trial in trials[:own]]
    return Expected(
        expected_spin([each.spin for each in before if each.spin is not None]),
        expected_restitution([each.restitution for each in before if each.restitution is not None]),
    )


def measured_in(trial: Trial) -> Expected:
    """What the flight showed."""
    return _told(trial, (SPIN, ERROR), RESTITUTION)


def expected_in(trial: Trial) -> Expected:
    """What the controller expected."""
    return _told(trial, (EXPECTED, DEVIATION), EXPECTED_RESTITUTION)


def _told(trial: Trial, spin: tuple[tuple[str, ...], ...], restitution: tuple[str, str]) -> Expected:
    told, found = trial.measures, NOTHING
    if all(name in told for each in spin for name in each):
        (x, y, z), (dx, dy, dz) = ([told[name] for name in each] for each in spin)
        found = replace(found, spin=Spin((x, y, z), (dx, dy, dz)))
    if all(name in told for name in restitution):
        mean, deviation = (told[name] for name in restitution)
        found = replace(found, restitution=Restitution(mean, deviation))
    return found
