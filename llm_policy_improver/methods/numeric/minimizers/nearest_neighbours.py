"""Five nearest neighbours: the errors of a candidate are those of the trials around it, as in ICPI's baseline.

ICPI: arXiv 2508.15021.
"""

from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.candidates import candidates
from llm_policy_improver.methods.numeric.minimizers.packages import require_package
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

NEIGHBOURS: Final = 5
EVERYWHERE: Final = 600
A_SCALE: Final = 200

EXPLORATION: Final = 0.2
"""Reward of a cube's half width of distance, a coordinate, to the nearest trial, in deviations of the losses.

The mean of some neighbours is the same in a whole region: this goes where in it nothing was tried.
"""


class NearestNeighbours:
    """The candidate of least predicted loss; neighbours that failed count with the constant loss of failures.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """

    name: Final = 'nearest_neighbours'
    step: Final = 'the random candidate whose 5 nearest trials have errors that average to the least miss'

    def __init__(self, seed: int = 0) -> None:
        require_package('sklearn', 'scikit-learn', self.name)
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        generator = np.random.default_rng((self.seed, len(seen.points)))
        best, succeeded = seen.best(), seen.succeeded
        if best is None or not succeeded.any():
            return generator.uniform(-1.0, 1.0, seen.dimension)
        from sklearn.neighbors import KNeighborsRegressor

        points = candidates(seen.points[best], generator, EVERYWHERE, A_SCALE)
        # A tree for few trials, too: the search by brute force starts threads, which costs more than it does.
        measured = KNeighborsRegressor(min(NEIGHBOURS, int(succeeded.sum())), algorithm='kd_tree')
        measured.fit(seen.points[succeeded], seen.errors[succeeded])
        miss = np.linalg.norm(measured.predict(points).reshape(len(points), -1), axis=1)
        outcome = KNeighborsRegressor(min(NEIGHBOURS, len(seen.points)), algorithm='kd_tree')
        outcome.fit(seen.points, (~succeeded).astype(float))
        risk = outcome.predict(points) * float(seen.losses.max())
        gap = outcome.kneighbors(points, n_neighbors=1)[0][:, 0] / np.sqrt(seen.dimension)
        worth = EXPLORATION * float(seen.tempered.std()) * gap
        return points[int(np.argmin(miss + risk - worth))]
