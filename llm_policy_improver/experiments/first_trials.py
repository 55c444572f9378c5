"""The first trials of an improvement: all on the side of the table away from the goal.

As in SAS-Prompt, whose 24 first examples all landed left while the objective was "as far right as possible"
(arXiv 2504.20459): what is found cannot be luck of the first trials.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters, parameters_from_json
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.experiments.table_tennis import BLOCK, Given, task
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import landing_of

FLAT: Final = 0.59
HIGH_OVER_NET: Final = 0.32
"""m, peak height and net clearance that half of the random attenuations stay below; the rounded medians of 400."""

SPREAD: Final = 100
"""Policies of one Latin hypercube; the next one is drawn where they were not enough."""
MOST_SPREADS: Final = 100

COLUMNS: Final = ('side', 'seed', 'count', 'parameters')

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


def side_away(objective: Objective) -> str:
    """The side away from a goal: across the table where it says left or right, else in depth, else in height."""
    goal = {term.measure.name: term.target[0] for term in objective.terms}
    x, y = goal.get('landing_x'), goal.get('landing_y')
    if x is not None:
        return 'left' if x > 0.0 else 'right' if x < 0.0 else 'left third'
    if y is not None:
        return 'short' if y > table.HALF_LENGTH / 2.0 else 'deep'
    return 'flat' if 'peak_height' in goal else 'high over the net'


def on_side(trial: Trial, side: str) -> bool:
    """Whether this is a good return to that side, with all its quantities known."""
    landing, peak, clearance = (
        landing_of(trial),
        trial.measures.get('peak_height'),
        trial.measures.get('net_clearance'),
    )
    if not trial.succeeded or landing is None or peak is None or clearance is None:
        return False
    return SIDES[side](landing.x, landing.y, peak, clearance)


def find_first_trials(side: str, seed: int, count: int, noisy: bool, searched: str) -> Row:
    """Play spread policies, the unchanged controller first, and keep the first ``count`` on that side.

    Fewer for the same seed are the beginning of more.

    Returns:
        The row, with the columns `COLUMNS`, the policies, and the seeds of their trials.

    Raises:
        ExperimentError: there are hardly any on that side.
    """

    def play(before: Sequence[Trial], policy: Parameters, number: int) -> Trial:
        return task(noisy).run(policy, seed * BLOCK + number)

    found = one_sided(play, side, (seed, 3), parameter_space(Searched(searched)), count)
    return {
        'side': side, 'seed': seed, 'count': count, 'parameters': searched, 'played': found[-1][1],
        'policies': [trial.parameters.as_json() for trial, _ in found],
        'trial_seeds': [seed * BLOCK + number for _, number in found],
    }  # fmt: skip


def one_sided(
    play: Callable[[Sequence[Trial], Parameters, int], Trial],
    side: str,
    seed: tuple[int, ...],
    space: ParameterSpace,
    count: int,
) -> list[tuple[Trial, int]]:
    """The first good returns to a side, of spread policies, the unchanged controller first; each with its number.

    Args:
        play: plays a policy; it is told the returns found so far, and the number of the trial, from 1.
        side: of `SIDES`.
        seed: draws the policies.
        space: their bounds.

    Raises:
        ExperimentError: there are hardly any on that side.
    """
    generator, played = np.random.default_rng(seed), 0
    found: list[tuple[Trial, int]] = []
    for spread in range(MOST_SPREADS):
        for policy in map(space.at, initial_design(SPREAD + 1, space, generator)):
            if spread and policy == space.neutral:
                continue
            played += 1
            trial = play([each for each, _ in found], policy, played)
            if on_side(trial, side):
                found.append((trial, played))
                if len(found) == count:
                    return found
    raise ExperimentError(
        f'only {len(found)} of {played} trials landed on the side "{side}", and {count} are needed: '
        'ask for smaller caches'
    )


def trials_of(row: Row, count: int) -> list[Given]:
    """The first ``count`` trials of a row of `find_first_trials`."""
    pairs = zip(row['policies'][:count], row['trial_seeds'][:count], strict=True)
    return [(parameters_from_json(policy), seed) for policy, seed in pairs]
