"""The best parameters there are, as nearly as simulation finds them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.space import ParameterSpace

Array = NDArray[np.float64]

DIFFERENCE: Final = 0.005
"""Step in the cube that slopes are measured with."""

Rollout = Callable[[Sequence[float]], tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a spread of parameters comes to.

    Attributes:
        units: (k, n) places in the cube -1 ... +1.
        happened: (k,) what was simulated there.
    """

    units: Array
    happened: tuple[Any, ...]

    @classmethod
    def of(cls, simulate: Callable[..., Any], space: ParameterSpace, count: int) -> 'Scan':
        """Of ``count`` places of a scrambled Sobol sequence; powers of 2 are spread best."""
        from scipy.stats import qmc  # takes long to load

        units = 2.0 * qmc.Sobol(space.dimension, seed=0).random(count) - 1.0
        return cls(units, tuple(simulate(*space.from_unit(unit)) for unit in units))

    def distances(self, place_of: Callable[[Any], Sequence[float]], goal: Sequence[float]) -> Array:
        """(k,) of the outcomes from a goal (m,)."""
        places = np.array([place_of(what) for what in self.happened])
        distances: Array = np.linalg.norm(places - np.asarray(goal), axis=1)
        return distances


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


def solve(
    rollout: Rollout, space: ParameterSpace, goal: Sequence[float], starts: Iterable[Array]
) -> Solution:
    """The best of the descents from some places (n,) of the cube."""
    solutions = (descend(rollout, space, goal, start) for start in starts)
    return min(solutions, key=lambda solution: solution.distance)
