"""The best parameters there are, as nearly as simulation finds them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.space import ParameterSpace

Array = NDArray[np.float64]

STARTS: Final = 3
"""Places of a scan from which the best parameters are sought."""

DIFFERENCE: Final = 0.005
"""Step in the cube that slopes are measured with."""

Rollout = Callable[[Sequence[float]], tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a spread of parameters comes to.

    Attributes:
        units: (k, n) places in the cube -1 ... +1.
        outcomes: (k, m).
    """

    units: Array
    outcomes: Array

    @classmethod
    def of(cls, rollout: Rollout, space: ParameterSpace, count: int, seed: int) -> 'Scan':
        """Of ``count`` places of a scrambled Sobol sequence; powers of 2 are spread best."""
        from scipy.stats import qmc  # takes long to load

        draws = qmc.Sobol(space.dimension, seed=seed).random(count)
        units = 2.0 * draws - 1.0
        return cls(units, np.array([rollout(space.from_unit(unit)) for unit in units]))


@dataclass(frozen=True, slots=True)
class Solution:
    """Attributes:
    values: (n,) parameters.
    outcome: (m,) what they come to.
    distance: of the outcome from the goal.
    """

    values: tuple[float, ...]
    outcome: tuple[float, ...]
    distance: float


def descend(rollout: Rollout, space: ParameterSpace, goal: Sequence[float], start: Array) -> Solution:
    """The parameters near a place (n,) of the cube whose outcome comes nearest to a goal (m,).

    By SciPy's trust region method for least squares, within the bounds. From a start it finds a solution nearby.
    """
    from scipy.optimize import least_squares  # takes long to load

    wanted = np.asarray(goal)

    def miss(unit: Array) -> Array:
        return np.asarray(rollout(space.from_unit(unit))) - wanted

    def slopes(unit: Array) -> Array:
        # Inwards, so that no difference is cut off by a bound.
        steps = np.where(unit > 0.0, -DIFFERENCE, DIFFERENCE) * np.eye(len(unit))
        here = miss(unit)
        return np.array([(miss(unit + step) - here) / step.sum() for step in steps]).T

    found = least_squares(
        miss, np.clip(start, -0.999, 0.999), slopes, bounds=(-1.0, 1.0), xtol=1e-5, ftol=1e-8, max_nfev=15
    )
    values = space.from_unit(found.x)
    outcome = rollout(values)
    return Solution(values, tuple(outcome), float(np.linalg.norm(np.asarray(outcome) - wanted)))


def solve(rollout: Rollout, space: ParameterSpace, goal: Sequence[float], scan: Scan) -> Solution:
    """The best of the descents from the best places of a scan."""
    order = np.argsort(np.linalg.norm(scan.outcomes - np.asarray(goal), axis=1), kind='stable')
    solutions = (descend(rollout, space, goal, scan.units[place]) for place in order[:STARTS])
    return min(solutions, key=lambda solution: solution.distance)
