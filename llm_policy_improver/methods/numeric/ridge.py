"""Ridge regression over the unit cube, linear or quadratic as the leave-one-out error decides.

The leave-one-out error comes in closed form from the leverages (Golub, Heath and Wahba 1979).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PENALTIES: Final = np.logspace(-5.0, 0.5, 12)
"""Ridge penalties tried, a sample."""

CURVATURES: Final = (0.0, 0.3)
"""Scales of the quadratic terms tried; 0 is the linear model. A smaller scale is a stronger penalty."""

CURVED_GAIN: Final = 0.95
"""Share of the linear model's leave-one-out error that the quadratic one must stay below to be used."""


def features(unit: Array, curvature: float) -> Array:
    """Linear terms, then the scaled products of every pair: (n, d) to (n, d + d (d + 1) / 2) or (n, d)."""
    if curvature == 0.0:
        return unit
    rows, columns = np.triu_indices(unit.shape[1])
    return np.hstack([unit, curvature * unit[:, rows] * unit[:, columns]])


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A fitted regression of one quantity on points of the unit cube.

    Attributes:
        intercept: value at the mean of the features.
        centre: (features,) their mean over the samples.
        coefficients: (features,).
        covariance: (features, features) of the coefficients, for a noise variance of ``error ** 2``.
        curvature: scale of the quadratic terms; 0 where the model is linear.
        error: leave-one-out root mean square error, in the quantity's unit.
        samples: how many the fit rests on.
    """

    intercept: float
    centre: Array
    coefficients: Array
    covariance: Array
    curvature: float
    error: float
    samples: int

    def polynomial(self) -> tuple[float, Array, Array]:
        """Constant, linear (d,) and symmetric quadratic (d, d) part: ``c + g @ u + u @ Q @ u``."""
        constant = self.intercept - float(self.centre @ self.coefficients)
        if self.curvature == 0.0:
            size = len(self.coefficients)
            return constant, self.coefficients, np.zeros((size, size))
        # d + d (d + 1) / 2 features of d coordinates.
        size = round((np.sqrt(9.0 + 8.0 * len(self.coefficients)) - 3.0) / 2.0)
        upper = np.zeros((size, size))
        upper[np.triu_indices(size)] = self.curvature * self.coefficients[size:]
        return constant, self.coefficients[:size], (upper + upper.T) / 2.0

    def predict(self, unit: Array) -> float:
        """The quantity expected at one point (d,)."""
        constant, linear, quadratic = self.polynomial()
        return float(constant + linear @ unit + unit @ quadratic @ unit)

    def linear_errors(self) -> Array:
        """(d,) standard errors of the linear coefficients."""
        size = len(self.polynomial()[1])
        return np.sqrt(np.maximum(np.diag(self.covariance)[:size], 0.0))

    def spread(self, unit: Array) -> float:
        """Standard error of `predict` at one point (d,), the model's own misfit included."""
        offset = features(unit[None, :], self.curvature)[0] - self.centre
        return float(np.sqrt(self.error**2 + max(float(offset @ self.covariance @ offset), 0.0)))


class RidgeBasis:
    """Samples that several quantities were observed at: what their regressions have in common.

    Args:
        unit: (n, d) points of the cube -1 ... +1.
        weights: (n,) importance of each sample, more than 0; all equal where None.

    Raises:
        ValueError: fewer than three samples.
    """

    def __init__(self, unit: Array, weights: Array | None = None) -> None:
        count = len(unit)
        if count < 3:
            raise ValueError(f'a regression needs at least 3 samples; got {count}')
        self._share = np.full(count, 1.0 / count) if weights is None else weights / weights.sum()
        self._parts = [_Part(unit, self._share, curvature) for curvature in CURVATURES]

    def fit(self, values: Array) -> Ridge:
        """The regression of ``values`` (n,), linear or quadratic: curved terms must earn their place."""
        linear, curved = (part.fit(values, self._share) for part in self._parts)
        return curved if curved.error < CURVED_GAIN * linear.error else linear

    def fit_linear(self, values: Array) -> Ridge:
        """The linear regression of ``values`` (n,)."""
        return self._parts[0].fit(values, self._share)


class _Part:
    """The features of one curvature, and what depends on them and the penalties alone."""

    def __init__(self, unit: Array, share: Array, curvature: float) -> None:
        raw = features(unit, curvature)
        self.curvature = curvature
        self.centre = share @ raw
        self.weighted = np.sqrt(share)[:, None] * (raw - self.centre)
        gram = self.weighted.T @ self.weighted
        # Inverses of small matrices rather than one decomposition: a BLAS with several threads spends many
        # times the work's own time on waiting in the latter, on a machine that is busy otherwise.
        self.inverses = np.linalg.inv(gram + PENALTIES[:, None, None] * np.eye(len(gram)))
        hats = [((self.weighted @ inverse) * self.weighted).sum(axis=1) for inverse in self.inverses]
        self.leverages = np.stack(hats) + share

    def fit(self, values: Array, share: Array) -> Ridge:
        """The penalty is chosen by the leave-one-out error, which the leverages give in closed form."""
        mean = float(share @ values)
        target = np.sqrt(share) * (values - mean)
        # One row a penalty.
        coefficients = self.inverses @ (self.weighted.T @ target)
        residuals = target - coefficients @ self.weighted.T
        left_out = residuals / np.maximum(1.0 - self.leverages, 1e-3)
        errors = np.sqrt(np.sum(left_out**2, axis=1))
        chosen = int(np.argmin(errors))
        error = float(errors[chosen])
        covariance = error**2 / len(values) * self.inverses[chosen]
        return Ridge(mean, self.centre, coefficients[chosen], covariance, self.curvature, error, len(values))
