"""How far from the best trial the next one may be, read from the trials so far alone."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from llm_policy_improver.objective import Objective
from llm_policy_improver.parameters import ParameterSpace
from llm_policy_improver.trace import ExecutionTrace

START: Final = 0.8
"""Radius before anything was tried from a best trial; the cube's half width is 1."""
LARGEST: Final = 2.0
SMALLEST: Final = 0.05
GROWTH: Final = 1.6
SHRINKAGE: Final = 0.6

SPREAD_OUT: Final = 'initial'
"""Who proposed the first trials: they were not made from a best one, wherever they are."""


def trust_radius(
    history: Sequence[ExecutionTrace],
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
        objective: what distance is measured to; must have a goal for the result to mean anything.
        space: the bounds.
        start: radius before anything was tried from a best trial.
        smallest: radius below which failures do not shrink it.
    """
    radius = start
    best_unit = None
    best_distance = np.inf
    for trace in history:
        unit = space.unit(trace.parameters.attenuation)
        distance = objective.distance(trace)
        improved = distance is not None and distance < best_distance
        aimed = trace.parameters.proposed_by != SPREAD_OUT
        if aimed and best_unit is not None and float(np.max(np.abs(unit - best_unit))) <= 1.02 * radius:
            radius = min(radius * GROWTH, LARGEST) if improved else max(radius * SHRINKAGE, smallest)
        elif improved:
            radius = start
        if improved and distance is not None:
            best_unit, best_distance = unit, distance
    return radius
