"""The rules for language models: they keep one from leaping, and from going back and forth.

The numeric optimizers have their own step control. Tried with a proposer that reads the trials by regression
and steps without a limit of its own, on four objectives and six synthetic landing maps, 12 proposals after 24
first trials: where it steps 1.8 times too far and trials are noisy, the trust region takes the mean distance
above the reachable one from 0.060 to 0.029 m; where it steps right, nothing changes (0.030 and 0.029 m).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.trust_region import trust_radius
from llm_policy_improver.methods.rules import BOUNDS, COUNT, FINITE, REPEAT, Case, Rule, Ruling

FIRST_REACH: Final = 1.25
"""Radius of a model's trust region before any failure, 1 being half of a range: a model that reasons well
makes good large steps from spread-out trials, so only leaps across the whole space are shortened."""

LEAST_REACH: Final = 0.3
"""Radius that no number of failures takes from a model: an eighth of the range and more."""

SAME_PLACE: Final = 0.25
"""Of the distance between two places: what is nearer to one of them than this share is at that place."""


def reach(
    history: Sequence[Trial],
    objective: Objective,
    space: ParameterSpace,
    noise: float = 0.0,
    measures: Sequence[Measure] = (),
) -> float:
    """Radius of a language model's trust region around the best trial, 1 being half of each parameter's range.

    Args:
        history: all trials so far, oldest first.
        objective: what the person asked.
        space: the bounds.
        noise, measures: as in `trust_radius`.
    """
    return trust_radius(
        history, objective, space, start=FIRST_REACH, smallest=LEAST_REACH, noise=noise, measures=measures
    )


def _trust_region(values: tuple[float, ...], case: Case) -> Ruling | None:
    best, objective, space = case.best, case.objective, case.space
    if best is None or objective is None:
        return None
    radius = reach(case.history, objective, space, case.noise, case.measures)
    centre = space.unit(best)
    step = space.unit(values) - centre
    length = float(np.max(np.abs(step)))
    if length <= radius:
        return None
    share = radius / length
    shortened = space.rounded(space.from_unit(centre + share * step))
    return Ruling(
        f'the step from trial {case.number(best)}, the best so far, was shortened to {share:.0%} of what was '
        f'proposed: no parameter may move further than {radius / 2.0:.0%} of its range',
        shortened,
    )


def _oscillation(values: tuple[float, ...], case: Case) -> Ruling | None:
    tried = case.tried
    if len(tried) < 3:
        return None
    proposed = case.space.unit(values)
    before, there, here = (case.space.unit(trial) for trial in tried[-3:])
    apart = float(np.linalg.norm(here - there))

    def same(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
        return float(np.linalg.norm(one - other)) <= SAME_PLACE * apart

    if apart == 0.0 or not (same(here, before) and same(proposed, there)):
        return None
    best = case.best
    # Progress, and going back to the best trial, are no going to and fro.
    if best is not None and (
        any(best is trial for trial in tried[-2:]) or same(proposed, case.space.unit(best))
    ):
        return None
    return Ruling(
        f'it goes back and forth between the places of trials {case.number(tried[-2])} and '
        f'{case.number(tried[-1])} without progress; try between them, or leave both'
    )


TRUST_REGION: Final = Rule(
    'trust_region',
    'The step from the best trial is shortened, its direction kept, the more trials near it failed beyond the noise.',
    _trust_region,
)
OSCILLATION: Final = Rule(
    'oscillation',
    'A third move along the same line to and fro between two places is refused unless it made progress.',
    _oscillation,
)

MODEL_RULES: Final[tuple[Rule, ...]] = (COUNT, FINITE, BOUNDS, REPEAT, TRUST_REGION, OSCILLATION, REPEAT)
"""For language models. What was answered is judged for repetition, and again what would really be tried."""
