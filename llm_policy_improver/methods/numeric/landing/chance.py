"""The chance that a trial does not fail for another reason than a measure out of its range: a hit by the racket's edge."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REACH: Final = 0.3
"""Distance, as a share of the square root of the dimension, at which a trial counts exp(-1/2)."""
BELIEF: Final = 3.0
"""Trials that what was held before counts as."""
WITHOUT_PRIOR: Final = 0.95
"""Chance where nothing is known."""


class Chance:
    """A beta distribution at each point, its counts those of the trials around: a mean of them and of the prior.

    Args:
        points: (n, d) of trials.
        failed: (n,) whether they failed for another reason.
        prior: (k,) the chance at (k, d) points before; None: `WITHOUT_PRIOR`.
    """

    def __init__(
        self, points: Array, failed: NDArray[np.bool_], prior: Callable[[Array], Array] | None = None
    ) -> None:
        self._points, self._good, self._prior = points, (~failed).astype(float), prior

    def __call__(self, points: Array) -> Array:
        """(k,) at (k, d) points."""
        before = np.full(len(points), WITHOUT_PRIOR) if self._prior is None else self._prior(points)
        squares = ((points[:, None, :] - self._points[None, :, :]) ** 2).mean(axis=2)
        near = np.exp(-0.5 * squares / REACH**2)
        return np.asarray((BELIEF * before + near @ self._good) / (BELIEF + near.sum(axis=1)))
