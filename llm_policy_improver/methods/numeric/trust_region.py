"""How far from the best trial, or point, the next one may be, read from those so far alone.

Where trials are noisy a failure is what is worse by more than the noise explains: the best trial seen was partly luck,
and a region that shrinks for every ball that was not as lucky ends where nothing can be learnt any more.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial

START: Final = 0.8
"""Radius before anything was tried from a best trial; the cube's half width is 1."""
LARGEST: Final = 2.0
SMALLEST: Final = 0.05
GROWTH: Final = 1.6
SHRINKAGE: Final = 0.6
EXPLAINED: Final = 2.0 * 2.0**0.5
"""Standard deviations of one trial by which two of the same policy differ in 1 of 20 cases."""


def trust_radius(
    history: Sequence[Trial],
    objective: Objective,
    space: ParameterSpace,
    *,
    start: float = START,
    smallest: float = SMALLEST,
    noise: float = 0.0,
    measures: Sequence[Measure] = (),
) -> float:
    """Radius of the trust region around the best trial, a box; 1 is half of each parameter's range.

    It grows with every trial made from within it that became the new best, and shrinks with every one that
    did not. Trials from outside of it (those made for another objective) and the first, spread-out ones tell
    nothing about it.

    Args:
        history: all trials, oldest first.
        objective: what distance is measured to; must have terms for the result to mean anything.
        space: the bounds.
        start: radius before anything was tried from a best trial.
        smallest: radius below which failures do not shrink it.
        noise: standard deviation of the measures of repeated trials, in their unit; 0: none.
        measures: whose ranges decide whether a trial succeeds: one just beyond them may have been bad luck.
    """
    units = np.array([space.unit(trial) for trial in history])
    distances = [objective.distance(trial) for trial in history]
    losses = np.array([np.inf if distance is None else distance for distance in distances])
    aimed = [trial.proposed_by != INITIAL for trial in history]
    unlucky = [bool(noise) and _just_missed(trial, measures, EXPLAINED * noise) for trial in history]
    return radius_after(units, losses, aimed, start=start, smallest=smallest, noise=noise, unlucky=unlucky)


def _just_missed(trial: Trial, measures: Sequence[Measure], within: float) -> bool:
    """Whether it failed, and what is known of it says that no more than this was missing."""
    beyond = []
    for measure in measures:
        value = trial.told(measure)
        if value is None and measure.carried_on:
            value = trial.measures.get(measure.carried_on)
        if value is not None:
            below, above = measure.margins
            beyond += [measure.low - value] * bool(below) + [value - measure.high] * bool(above)
    return not trial.succeeded and 0.0 < max(beyond, default=0.0) <= within


def radius_after(
    points: NDArray[np.float64],
    losses: NDArray[np.float64],
    aimed: Sequence[bool],
    *,
    start: float = START,
    smallest: float = SMALLEST,
    noise: float = 0.0,
    unlucky: Sequence[bool] = (),
) -> float:
    """Radius of the trust region around the best of some points of the cube -1 ... +1.

    Args:
        points: (n, d), in the order in which they were tried.
        losses: (n,), infinite where a trial failed.
        aimed: (n,) whether the point was made from the best one of its time.
        start, smallest, noise: as in `trust_radius`.
        unlucky: (n,) whether it failed by no more than the noise explains; none where empty.
    """
    radius, best, best_loss = start, None, np.inf
    for index, (point, loss, from_best) in enumerate(zip(points, losses, aimed, strict=True)):
        improved = bool(loss < best_loss)
        if from_best and best is not None and float(np.max(np.abs(point - best))) <= 1.02 * radius:
            again = noise > 0.0 and bool(np.any(np.all(points[:index] == point, axis=1)))
            excused = again or (bool(unlucky) and unlucky[index])
            if improved:
                radius = min(radius * GROWTH, LARGEST)
            elif not excused and (noise == 0.0 or loss > best_loss + EXPLAINED * noise):
                radius = max(radius * SHRINKAGE, smallest)
        elif improved:
            radius = start
        if improved:
            best, best_loss = point, float(loss)
    return radius
