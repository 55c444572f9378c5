"""Gauss-Newton with a Jacobian by linear regression on the nearest trials, within a trust region.

ICPI's second baseline (arXiv 2508.15021) regresses on the 20 nearest, too.
"""

from typing import Final

import numpy as np

from llm_policy_improver.core.packages import require_package
from llm_policy_improver.methods.numeric.minimizers.candidates import nearby
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

NEIGHBOURS: Final = 20
PENALTY: Final = 0.01
"""Ridge penalty of the regression, beside sums over the neighbours."""

DAMPING: Final = 0.02
"""Share of the Jacobian's norm that a step costs: what the errors do not need is left as it was."""


class LocalLinear:
    """The step from the best trial that the regression says takes all errors to 0, as far as it is trusted.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """

    name: Final = 'local_linear'
    step: Final = 'a Gauss-Newton step from the best trial by linear regression on the 20 nearest ones'

    def __init__(self, seed: int = 0) -> None:
        require_package('sklearn', 'scikit-learn', f'method {self.name}', 'optimizers')
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        generator = np.random.default_rng((self.seed, len(seen.points)))
        best, succeeded = seen.best(), seen.succeeded
        if best is None or not succeeded.any():
            return generator.uniform(-1.0, 1.0, seen.dimension)
        centre, radius = np.clip(seen.points[best], -1.0, 1.0), seen.trust_radius
        points, errors = seen.points[succeeded], seen.errors[succeeded]
        order = np.argsort(np.linalg.norm(points - centre, axis=1), kind='stable')[:NEIGHBOURS]
        if len(order) < 3 or seen.losses[best] == 0.0:
            return nearby(centre, 0.5 * radius, generator)
        jacobian = self._jacobian(points[order] - centre, errors[order])
        norm = float(np.linalg.norm(jacobian))
        if norm == 0.0:
            return nearby(centre, 0.5 * radius, generator)
        from scipy.optimize import lsq_linear

        low, high = np.maximum(-radius, -1.0 - centre), np.minimum(radius, 1.0 - centre)
        # A bound that the best trial lies on leaves no interval of no width, as the radius is above 0.
        damped = np.vstack([jacobian, DAMPING * norm * np.eye(seen.dimension)])
        target = np.concatenate([-seen.errors[best], np.zeros(seen.dimension)])
        step = lsq_linear(damped, target, bounds=(low, high)).x
        return np.clip(centre + step, -1.0, 1.0)

    def _jacobian(self, steps: Array, errors: Array) -> Array:
        """(m, d) change of the errors a unit of the cube, at the best trial."""
        from sklearn.linear_model import Ridge

        coefficients = Ridge(alpha=PENALTY).fit(steps, errors).coef_
        return np.asarray(coefficients).reshape(errors.shape[1], -1)
