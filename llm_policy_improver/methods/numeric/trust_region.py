"""How far from the best trial, or point, the next one may be, read from those so far alone."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

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


def trust_radius(
    history: Sequence[Trial],
    objective: Objective,
    space: ParameterSpace,
    *,
    start: float = START,
    smallest: float = SMALLEST,
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
    """
    units = np.array([space.unit(trial) for trial in history])
    distances = [objective.distance(trial) for trial in history]
    losses = np.array([np.inf if distance is None else distance for distance in distances])
    aimed = [trial.proposed_by != INITIAL for trial in history]
    return radius_after(units, losses, aimed, start=start, smallest=smallest)


def radius_after(
    points: NDArray[np.float64],
    losses: NDArray[np.float64],
    aimed: Sequence[bool],
    *,
    start: float = START,
    smallest: float = SMALLEST,
) -> float:
    """Radius of the trust region around the best of some points of the cube -1 ... +1.

    Args:
        points: (n, d), in the order in which they were tried.
        losses: (n,), infinite where a trial failed.
        aimed: (n,) whether the point was made from the best one of its time.
        start, smallest: as in `trust_radius`.
    """
    radius, best, best_loss = start, None, np.inf
    for point, loss, from_best in zip(points, losses, aimed, strict=True):
        improved = bool(loss < best_loss)
        if from_best and best is not None and float(np.max(np.abs(point - best))) <= 1.02 * radius:
            radius = min(radius * GROWTH, LARGEST) if improved else max(radius * SHRINKAGE, smallest)
        elif improved:
            radius = start
        if improved:
            best, best_loss = point, float(loss)
    return radius
