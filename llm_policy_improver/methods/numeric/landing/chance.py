"""The chance that a trial does not fail for a reason that measures do not tell: a hit by the racket's edge.

A Gaussian process of the log odds: what was held before, a slope a coordinate and a smooth rest; Laplace's
approximation (Rasmussen and Williams 2006, algorithms 3.1 and 3.2), its mean by MacKay 1992.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]

OFFSET: Final = 0.7
SLOPE: Final = 0.5
REST: Final = 1.2
"""Standard deviations, in log odds: of the offset, of a slope for half a range of one parameter, of the rest."""
LENGTH: Final = 0.45
"""Of the rest, as a share of the square root of the dimension."""
WITHOUT_PRIOR: Final = 0.95
"""Chance where nothing is known."""
LEAST_DOUBT: Final = 0.015
"""No chance is held to be nearer to 0 or 1 before the first trial."""
_NEWTON: Final = 15
_LEAST_SHARE: Final = 1e-3
"""Steps of Newton's method, and the least share of one that is taken."""


class Chance:
    """Conditioned on n trials.

    Args:
        points: (n, d) of trials.
        failed: (n,) whether they failed for such a reason.
        prior: (k,) the chance at (k, d) points before; None: `WITHOUT_PRIOR`.
    """

    def __init__(
        self, points: Array, failed: NDArray[np.bool_], prior: Callable[[Array], Array] | None = None
    ) -> None:
        self._points, self._prior = points, prior
        good, covariance, before = (~failed).astype(float), self._covariance(points), self._before(points)
        latent, pull = np.zeros(len(points)), np.zeros(len(points))

        def likely(latent: Array, pull: Array) -> float:
            odds = before + latent
            return float(np.sum(good * odds - np.logaddexp(0.0, odds)) - 0.5 * pull @ latent)

        for _ in range(_NEWTON):
            root, lower = self._curvature(before + latent, covariance)
            target = root**2 * latent + good - expit(before + latent)
            inner = np.linalg.solve(lower, root * (covariance @ target))
            wanted = target - root * np.linalg.solve(lower.T, inner)
            # Where almost all is held to succeed, a failure's full step overshoots.
            share = 1.0
            while share > _LEAST_SHARE:
                tried = pull + share * (wanted - pull)
                if likely(covariance @ tried, tried) >= likely(latent, pull):
                    latent, pull = covariance @ tried, tried
                    break
                share /= 2.0
        self._slope = good - expit(before + latent)
        root, lower = self._curvature(before + latent, covariance)
        self._whiten = np.linalg.inv(lower) * root

    @staticmethod
    def _curvature(odds: Array, covariance: Array) -> tuple[Array, Array]:
        """(n,) root of the likelihood's curvature, and the (n, n) Cholesky factor that goes with it."""
        chance = expit(odds)
        root = np.sqrt(np.maximum(chance * (1.0 - chance), 1e-6))
        return root, np.linalg.cholesky(np.eye(len(odds)) + root[:, None] * covariance * root)

    def __call__(self, points: Array) -> Array:
        """(k,) at (k, d) points."""
        across = self._covariance(points, self._points)
        mean = self._before(points) + across @ self._slope
        before = OFFSET**2 + SLOPE**2 * (points**2).sum(axis=1) + REST**2
        variance = np.maximum(before - ((across @ self._whiten.T) ** 2).sum(axis=1), 0.0)
        return np.asarray(expit(mean / np.sqrt(1.0 + np.pi * variance / 8.0)))

    def _before(self, points: Array) -> Array:
        """(k,) log odds before, such that their mean over all that is possible is the prior's."""
        held = np.full(len(points), WITHOUT_PRIOR) if self._prior is None else self._prior(points)
        spread = OFFSET**2 + SLOPE**2 * (points**2).sum(axis=1) + REST**2
        odds = logit(np.clip(held, LEAST_DOUBT, 1.0 - LEAST_DOUBT))
        return np.asarray(odds * np.sqrt(1.0 + np.pi * spread / 8.0))

    def _covariance(self, points: Array, others: Array | None = None) -> Array:
        others = points if others is None else others
        squares = ((points[:, None, :] - others[None, :, :]) ** 2).mean(axis=2)
        return np.asarray(
            OFFSET**2 + SLOPE**2 * points @ others.T + REST**2 * np.exp(-0.5 * squares / LENGTH**2)
        )
