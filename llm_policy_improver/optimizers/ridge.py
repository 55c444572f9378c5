"""Ridge regression over the unit cube, linear or quadratic as the leave-one-out error decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PENALTIES: Final = np.logspace(-5.0, 0.5, 12)
"""Ridge penalties tried, a sample."""

CURVATURES: Final = (0.0, 0.15, 0.4)
"""Scales of the quadratic terms tried; 0 is the linear model. A smaller scale is a stronger penalty."""


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


def fit_ridge(
    unit: Array, values: Array, weights: Array | None = None, curvatures: Sequence[float] = CURVATURES
) -> Ridge:
    """Fit ``values`` (n,) at the points ``unit`` (n, d), choosing penalty and curvature by leave-one-out.

    The leave-one-out error comes in closed form from the leverages (Golub, Heath and Wahba 1979).

    Args:
        unit: (n, d) points of the cube -1 ... +1.
        values: (n,) the quantity.
        weights: (n,) importance of each sample, more than 0; all equal where None.
        curvatures: scales of the quadratic terms to choose from.

    Raises:
        ValueError: fewer than three samples.
    """
    count = len(values)
    if count < 3:
        raise ValueError(f'a regression needs at least 3 samples; got {count}')
    share = np.full(count, 1.0 / count) if weights is None else weights / weights.sum()
    root = np.sqrt(share)
    mean = float(share @ values)
    target = root * (values - mean)
    best: Ridge | None = None
    for curvature in curvatures:
        raw = features(unit, curvature)
        centre = share @ raw
        left, singular, right = np.linalg.svd(root[:, None] * (raw - centre), full_matrices=False)
        projected = left.T @ target
        for penalty in PENALTIES:
            shrink = singular**2 / (singular**2 + penalty)
            residual = target - left @ (shrink * projected)
            leverage = share + (left**2) @ shrink
            loo = residual / np.maximum(1.0 - leverage, 1e-3)
            error = float(np.sqrt(loo @ loo))
            # A curved model must earn its extra terms.
            if best is not None and error > (
                best.error if curvature == best.curvature else 0.95 * best.error
            ):
                continue
            gain = singular / (singular**2 + penalty)
            # What the samples do not reach keeps the prior's variance, 1 / penalty.
            known = (right.T * (1.0 / (singular**2 + penalty) - 1.0 / penalty)) @ right
            covariance = error**2 / count * (known + np.eye(len(centre)) / penalty)
            best = Ridge(mean, centre, right.T @ (gain * projected), covariance, curvature, error, count)
    assert best is not None
    return best
