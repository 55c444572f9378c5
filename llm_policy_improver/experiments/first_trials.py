"""The first trials of an improvement: all on the side of the table away from the goal.

As in SAS-Prompt, whose 24 first examples all landed left while the objective was "as far right as possible"
(arXiv 2504.20459): what is found cannot be luck of the first trials.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.initial_design import initial_design
from llm_policy_improver.core.objective import Goal
from llm_policy_improver.core.parameters import NEUTRAL_ATTENUATION, ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.experiments.table_tennis import BLOCK, Trial, task
from llm_policy_improver.table_tennis.ball import table

FLAT: Final = 0.59
HIGH_OVER_NET: Final = 0.32
"""m, peak height and net clearance that half of the random attenuations stay below; the rounded medians of 400."""

SPREAD: Final = 100
"""Attenuations of one Latin hypercube; the next one is drawn where they were not enough."""
MOST_SPREADS: Final = 100

COLUMNS: Final = ('side', 'seed', 'count')

Side = Callable[[float, float, float, float], bool]

SIDES: Final[dict[str, Side]] = {
    'left': lambda x, y, peak, clearance: x < 0.0,
    'right': lambda x, y, peak, clearance: x > 0.0,
    'left third': lambda x, y, peak, clearance: x < -table.HALF_WIDTH / 3.0,
    'short': lambda x, y, peak, clearance: y < table.HALF_LENGTH / 2.0,
    'deep': lambda x, y, peak, clearance: y > table.HALF_LENGTH / 2.0,
    'flat': lambda x, y, peak, clearance: peak < FLAT,
    'high over the net': lambda x, y, peak, clearance: clearance > HIGH_OVER_NET,
}
"""Names, and which good returns are on that side: landing x, y, peak height and net clearance, in m."""


def side_away(goal: Goal) -> str:
    """The side away from a goal: across the table where it says left or right, else in depth, else in height."""
    if goal.x is not None:
        return 'left' if goal.x > 0.0 else 'right' if goal.x < 0.0 else 'left third'
    if goal.y is not None:
        return 'short' if goal.y > table.HALF_LENGTH / 2.0 else 'deep'
    return 'flat' if goal.peak_height is not None else 'high over the net'


def on_side(trace: ExecutionTrace, side: str) -> bool:
    """Whether this is a good return to that side, with all its quantities known."""
    if not trace.landed or trace.landing is None or trace.peak_height is None or trace.net_clearance is None:
        return False
    return SIDES[side](trace.landing.x, trace.landing.y, trace.peak_height, trace.net_clearance)


def find_first_trials(side: str, seed: int, count: int, noisy: bool) -> list[dict[str, Any]]:
    """Play spread attenuations, the unchanged controller first, and keep the first ``count`` on that side.

    Fewer for the same seed are the beginning of more.

    Returns:
        One row, with the columns `COLUMNS`, the attenuations, and the seeds of their trials.

    Raises:
        ExperimentError: there are hardly any on that side.
    """
    space, generator, played = ParameterSpace(), np.random.default_rng((seed, 3)), 0
    found: list[Trial] = []
    for spread in range(MOST_SPREADS):
        for attenuation in initial_design(SPREAD + 1, space, generator):
            if spread and attenuation == NEUTRAL_ATTENUATION:
                continue
            played += 1
            trial_seed = seed * BLOCK + played
            if on_side(task(noisy).run(PolicyParameters(attenuation), trial_seed), side):
                found.append((attenuation, trial_seed))
            if len(found) == count:
                return [
                    {
                        'side': side, 'seed': seed, 'count': count, 'played': played,
                        'attenuations': [list(attenuation) for attenuation, _ in found],
                        'trial_seeds': [trial_seed for _, trial_seed in found],
                    }
                ]  # fmt: skip
    raise ExperimentError(
        f'only {len(found)} of {played} trials landed on the side "{side}", and {count} are needed: '
        'ask for smaller caches'
    )


def trials_of(row: dict[str, Any], count: int) -> list[Trial]:
    """The first ``count`` trials of a row of `find_first_trials`."""
    pairs = zip(row['attenuations'][:count], row['trial_seeds'][:count], strict=True)
    return [(tuple(attenuation), seed) for attenuation, seed in pairs]
