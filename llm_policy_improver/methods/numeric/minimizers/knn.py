"""Nearest neighbours: the errors of a candidate are guessed from the trials around it.

The two baselines of ICPI (arXiv 2508.15021) look at 5 and at 20 neighbours. There they guess how to change the
parameters from a set of solved examples; here there is none, so they guess the errors of a candidate.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.methods.numeric.minimizers.candidates import candidates
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

EVERYWHERE: Final = 600
A_SCALE: Final = 200

RISK_NEIGHBOURS: Final = 5
"""Trials whose share of failures is a candidate's risk to fail."""

EXPLORATION: Final = 0.2
"""Reward of a cube's half width of distance, a coordinate, to the nearest trial, in deviations of the losses.

The mean of some neighbours is the same in a whole region: this goes where in it nothing was tried.
"""

PENALTY: Final = 0.01
"""Ridge penalty of the linear regression, beside sums over the neighbours."""


def _nearest(tried: Array, points: Array, count: int) -> tuple[Array, NDArray[np.intp]]:
    """Distances to, and indices of, the ``count`` nearest rows of ``tried``, or all of them: (n, count) each."""
    from scipy.spatial import KDTree

    distances, indices = KDTree(tried).query(points, k=range(1, min(count, len(tried)) + 1))
    return distances, indices


class _Neighbours(ABC):
    """The candidate of least predicted loss; neighbours that failed count with the constant loss of failures."""

    neighbours: ClassVar[int]

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        generator = np.random.default_rng((self.seed, len(seen.points)))
        best, succeeded = seen.best(), seen.succeeded
        if best is None or not succeeded.any():
            return generator.uniform(-1.0, 1.0, seen.dimension)
        points = candidates(seen.points[best], generator, EVERYWHERE, A_SCALE)
        _, near = _nearest(seen.points[succeeded], points, self.neighbours)
        tried, errors = seen.points[succeeded][near], seen.errors[succeeded][near]
        miss = np.linalg.norm(self._predicted(points, tried, errors), axis=1)
        gap, around = _nearest(seen.points, points, RISK_NEIGHBOURS)
        risk = (~succeeded)[around].mean(axis=1) * float(seen.losses.max())
        worth = EXPLORATION * float(seen.tempered.std()) * gap[:, 0] / np.sqrt(seen.dimension)
        return points[int(np.argmin(miss + risk - worth))]

    @abstractmethod
    def _predicted(self, points: Array, tried: Array, errors: Array) -> Array:
        """Errors (n, m) at ``points`` (n, d), by those (n, k, m) of the neighbours ``tried`` (n, k, d) of each."""


class Knn(_Neighbours):
    """Takes the mean of the errors of 5 neighbours."""

    name: Final = 'knn'
    step: Final = 'the random candidate whose 5 nearest trials have errors that average to the least miss'
    neighbours = 5

    def _predicted(self, points: Array, tried: Array, errors: Array) -> Array:
        return errors.mean(axis=1)


class LinearKnn(_Neighbours):
    """Takes a linear regression of the errors on 20 neighbours, for each candidate its own."""

    name: Final = 'linear_knn'
    step: Final = (
        'the random candidate of least miss by linear regressions, each on the 20 trials nearest to it'
    )
    neighbours = 20

    def _predicted(self, points: Array, tried: Array, errors: Array) -> Array:
        middle, level = tried.mean(axis=1, keepdims=True), errors.mean(axis=1, keepdims=True)
        offsets = tried - middle
        transposed = offsets.transpose(0, 2, 1)
        gram = transposed @ offsets + PENALTY * np.eye(points.shape[1])
        slopes = np.linalg.solve(gram, transposed @ (errors - level))
        predicted: Array = (level + (points[:, None, :] - middle) @ slopes)[:, 0, :]
        return predicted
