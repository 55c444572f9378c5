"""A quadratic model of the loss by ridge regression, minimized within a trust region.

For a plain function what `methods.numeric.least_squares` is for landings: that one models where the ball lands,
which is smoother than how far it misses, and knows the table.
"""

from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.candidates import nearby
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations
from llm_policy_improver.methods.numeric.ridge import RidgeBasis

FEWEST: Final = 4
"""Observations below which no model is fitted."""

REACH: Final = 0.45
"""How far from the best point, in the cube's scaling, an observation has lost half of its weight."""

STARTS: Final = 3
"""Random ones of the search in the model, beside the best point."""


class Quadratic:
    """The least predicted loss within the trust region around the best point."""

    name: Final = 'quadratic'
    step: Final = 'the least loss, near the best trial, by a ridge regression of the losses'

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        generator = np.random.default_rng((self.seed, len(seen.points)))
        best = seen.best()
        if best is None or not seen.succeeded.any():
            return generator.uniform(-1.0, 1.0, seen.dimension)
        centre, radius = np.clip(seen.points[best], -1.0, 1.0), seen.trust_radius
        if len(seen.points) < FEWEST:
            return nearby(centre, 0.5 * radius, generator)
        found = self._minimum(seen, centre, radius, generator)
        if float(np.abs(seen.points - found).max(axis=1).min()) < 1e-6:
            # Tried before: a neighbour teaches more than a repetition.
            return nearby(centre, 0.5 * radius, generator)
        return found

    def _minimum(
        self, seen: Observations, centre: Array, radius: float, generator: np.random.Generator
    ) -> Array:
        from scipy.optimize import minimize

        gap = np.linalg.norm(seen.points - centre, axis=1) / np.sqrt(seen.dimension)
        basis = RidgeBasis(seen.points, 1.0 / (1.0 + (gap / min(REACH, radius)) ** 4))
        _, linear, curved = basis.fit(seen.tempered).polynomial()

        def value(point: Array) -> tuple[float, Array]:
            bent = curved @ point
            return float((linear + bent) @ point), linear + 2.0 * bent

        low, high = np.maximum(centre - radius, -1.0), np.minimum(centre + radius, 1.0)
        starts = [centre, *generator.uniform(low, high, (STARTS, seen.dimension))]
        bounds = list(zip(low, high, strict=True))
        found = [minimize(value, start, jac=True, method='L-BFGS-B', bounds=bounds) for start in starts]
        return np.clip(min(found, key=lambda result: float(result.fun)).x, low, high)
