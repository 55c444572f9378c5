"""Bayesian optimization: a Gaussian process over the losses and the expected improvement (Jones et al. 1998)."""

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.packages import require_package
from llm_policy_improver.methods.numeric.minimizers.candidates import candidates
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

EVERYWHERE: Final = 600
A_SCALE: Final = 200
"""Candidates: anywhere, and for each scale around the best point."""

ITERATIONS: Final = 15
"""Of the search for the kernel's parameters, from the same start every time. Carried to its end it fits lengths
to the scatter of a few dozen trials."""

MOST: Final = 120
"""Observations that the process is fitted to, the best half and the latest: its cost grows with their cube."""


def _search(objective: Any, initial: Array, bounds: Array) -> tuple[Array, float]:
    from scipy.optimize import minimize

    found = minimize(
        objective, initial, method='L-BFGS-B', jac=True, bounds=bounds, options={'maxiter': ITERATIONS}
    )
    return found.x, float(found.fun)


def _selected(losses: Array) -> NDArray[np.intp]:
    if len(losses) <= MOST:
        return np.arange(len(losses))
    recent = np.arange(len(losses) - MOST // 2, len(losses))
    older = np.argsort(losses[: -MOST // 2], kind='stable')[: MOST - len(recent)]
    return np.concatenate([np.sort(older), recent])


def _expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    from scipy.stats import norm

    deviation = np.maximum(deviation, 1e-12)
    gain = best - mean
    improvement: Array = gain * norm.cdf(gain / deviation) + deviation * norm.pdf(gain / deviation)
    return improvement


class ExpectedImprovement:
    """The candidate of greatest expected improvement; kernel: Matern 5/2, a length a coordinate, white noise.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """

    name: Final = 'expected_improvement'
    step: Final = 'the point of greatest expected improvement by a Gaussian process fitted to the losses'

    def __init__(self, seed: int = 0) -> None:
        require_package('sklearn', 'scikit-learn', f'method {self.name}', 'optimizers')
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        generator = np.random.default_rng((self.seed, len(seen.points)))
        best = seen.best()
        if best is None:
            return generator.uniform(-1.0, 1.0, seen.dimension)
        points = candidates(seen.points[best], generator, EVERYWHERE, A_SCALE)
        mean, deviation, incumbent = self._posterior(seen, points)
        return points[int(np.argmax(_expected_improvement(mean, deviation, incumbent)))]

    def _posterior(self, seen: Observations, points: Array) -> tuple[Array, Array, float]:
        """Mean and deviation (n,) of the noise-free loss, and the least mean at a tried point."""
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
        from threadpoolctl import threadpool_limits  # a requirement of scikit-learn's

        chosen = _selected(seen.losses)
        tried, losses = seen.points[chosen], seen.tempered[chosen]
        scale = float(losses.std()) or 1.0
        values = (losses - losses.mean()) / scale
        signal = ConstantKernel(1.0, (0.05, 50.0)) * Matern(np.ones(seen.dimension), (0.1, 20.0), nu=2.5)
        process = GaussianProcessRegressor(signal + WhiteKernel(0.01, (1e-6, 1.0)), optimizer=_search)
        # One thread: on matrices this small a BLAS with several spends nearly all time waiting for them.
        with warnings.catch_warnings(), threadpool_limits(1):
            # Of parameters at their bounds, which is what the bounds are for.
            warnings.simplefilter('ignore')
            process.fit(tried, values)
            mean, deviation = process.predict(points, return_std=True)
            # The deviation of an observation less the noise: repeating the best promises nothing then.
            noise = process.kernel_.k2.noise_level
            deviation = np.sqrt(np.maximum(deviation**2 - noise, 0.0))
            incumbent = float(process.predict(tried).min())
        return mean, deviation, incumbent
