"""The point of least cost within a box around the best trial: what the searches by a model share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.trial import Trial

Array = NDArray[np.float64]

STRICTNESS: Final = 20.0
"""Weight of a missing margin beside an equal distance to the objective."""
MOST_CAUTION: Final = 3
"""Failures in a row up to which each adds once more the planned margins."""
FAILURE_REACH: Final = 0.3
"""Distance in the search's coordinates within which a trial that did not succeed repels."""
FAILURE_WEIGHT: Final = 0.02
"""Squared distance, the repulsion at the very place of such a trial."""
STEP_COST: Final = 2e-4
"""Squared distance a squared unit of the coordinates: what the objective does not need is left as it was."""


class Shortfall(Protocol):
    """What one quantity adds to the cost."""

    def value(self, point: Array, /) -> tuple[float, Array]:
        """A squared distance, and its gradient (d,), at a point (d,)."""


class BoxSearch(ABC):
    """The cost of a point, and its minimum within a box.

    Args:
        terms: of the cost: the objective, the margins.
        best: (d,) where the steps start from.
        failed: (m, d) points whose trials did not succeed.
        most_iterations: of the search from one start; None: SciPy's own limit.
    """

    def __init__(
        self, terms: Sequence[Shortfall], best: Array, failed: Array, most_iterations: int | None = None
    ) -> None:
        self.terms, self.best, self.failed = terms, best, failed
        self._options = {} if most_iterations is None else {'maxiter': most_iterations}

    @abstractmethod
    def box(self, radius: float) -> tuple[Array, Array]:
        """(d,) low and high ends of the box of this radius around the best trial, within the bounds."""

    def cost(self, point: Array) -> tuple[float, Array]:
        """Cost, a squared distance, and its gradient (d,) at a point (d,)."""
        step = point - self.best
        cost, gradient = STEP_COST * float(step @ step), 2.0 * STEP_COST * step
        for term in self.terms:
            value, slope = term.value(point)
            cost += value
            gradient = gradient + slope
        if len(self.failed):
            away = point - self.failed
            near = FAILURE_WEIGHT * np.exp(-0.5 * np.sum(away**2, axis=1) / FAILURE_REACH**2)
            cost += float(near.sum())
            gradient = gradient - near @ away / FAILURE_REACH**2
        return cost, gradient

    def minimum(self, radius: float, kept: NDArray[np.bool_] | None = None) -> Array:
        """The point (d,) of least cost within the bounds and, a coordinate, ``radius`` of the best trial.

        Args:
            radius: of the trust region.
            kept: (d,) coordinates that stay as they are in the best trial; None: none does.
        """
        from scipy.optimize import minimize  # a quarter of a second to load

        low, high = self.box(radius)
        if kept is not None:
            low, high = np.where(kept, self.best, low), np.where(kept, self.best, high)
        slope = self.cost(self.best)[1]
        starts: Sequence[Array] = (self.best, np.where(slope > 0, low, high) * 0.5 + self.best * 0.5)
        bounds = list(zip(low, high, strict=True))
        found = [
            minimize(self.cost, start, jac=True, method='L-BFGS-B', bounds=bounds, options=self._options)
            for start in starts
        ]
        return np.clip(min(found, key=lambda result: float(result.fun)).x, low, high)

    def surprise(self, radius: float, generator: np.random.Generator, draws: int = 24) -> Array:
        """The least costly of some points (d,) drawn near the best trial: exploring a little."""
        low, high = self.box(radius)
        points = generator.uniform(low, high, size=(draws, len(self.best)))
        return points[int(np.argmin([self.cost(point)[0] for point in points]))]


def caution_after(history: Sequence[Trial]) -> float:
    """Factor on the planned margins: 1, and more by each of the last trials in a row that did not succeed."""
    in_vain = next((k for k, trial in enumerate(reversed(history)) if trial.succeeded), len(history))
    return 1.0 + min(in_vain, MOST_CAUTION)
