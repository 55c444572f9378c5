"""A regression that knows what it does not know: a Gaussian process of linear, quadratic and local terms.

How much there is of each term and of noise, the evidence decides (the marginal likelihood of the samples;
Rasmussen and Williams 2006, chapter 5), for each kind of parameter: what the samples do not show is shrunk towards
nothing and keeps its uncertainty.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.optimize import minimize

Array = NDArray[np.float64]

OFFSET: Final = 10.0
"""Prior variance of the constant, in variances of the values: as good as free."""

PRIOR: Final[dict[str, tuple[float, float]]] = {
    'linear': (np.log(2.0), 1.5), 'curved': (np.log(0.5), 1.0), 'local': (np.log(0.1), 1.5),
    'length': (np.log(0.7), 0.5), 'noise': (np.log(0.003), 2.0),
}  # fmt: skip
"""Mean and standard deviation of the logarithms of what the evidence chooses, for values of variance 1 and
distances as root mean squares over a group's coordinates."""

ODD: Final = 5.0
"""Standard deviations from what a fit of all others lets expect, beyond which a value is left out."""
ODD_SHARE: Final = 1.0 / 8.0
"""Of the values, that may be left out."""

JITTER: Final = 1e-7
"""Of the samples' covariance, so that it can be inverted."""
REACH: Final = 3.0
"""Standard deviations of their prior that the logarithms are searched within."""
STEPS: Final = 20
"""Iterations of the search for the hyperparameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Amounts of the terms of the covariance.

    Attributes:
        linear: (d,) prior variances of the slopes.
        curved: (d,) scales of the quadratic kernel.
        local: variance of what is neither linear nor quadratic.
        metric: (d,) inverse squared lengths of it.
        noise: variance of one observation.
    """

    linear: Array
    curved: Array
    local: float
    metric: Array
    noise: float

    def prior(self, points: Array) -> tuple[Array, Array]:
        """Variance (m,) before any observation at points (m, d), and its gradient (m, d)."""
        bend = points**2 @ self.curved
        value = OFFSET + points**2 @ self.linear + bend**2 + self.local
        return value, 2.0 * points * (self.linear + 2.0 * bend[:, None] * self.curved)


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """One fitted quantity.

    Attributes:
        points: (n, d) of the samples.
        mean, scale: of the values, in their unit.
        terms: of the covariance, for standardised values.
        weights: (n,) of the samples in a prediction.
        precision: (n, n) inverse covariance of the samples.
        logs: (h,) of what the evidence chose, to start from in the next fit.
    """

    points: Array
    mean: float
    scale: float
    terms: Terms
    weights: Array
    precision: Array
    logs: Array

    @property
    def noise(self) -> float:
        """Standard deviation of one observation, in the values' unit."""
        return self.scale * float(np.sqrt(self.terms.noise))

    @property
    def left_out(self) -> float:
        """Root mean square error of each value as all others let it expect, in the values' unit."""
        return self.scale * float(np.sqrt(np.mean((self.weights / np.diag(self.precision)) ** 2)))

    def linear(self) -> tuple[Array, Array]:
        """(d,) slopes of the linear terms and their standard errors, in the values' unit."""
        across = self.terms.linear[:, None] * self.points.T
        rest = self.terms.linear - np.sum((across @ self.precision) * across, axis=1)
        return self.scale * (across @ self.weights), self.scale * np.sqrt(np.maximum(rest, 0.0))

    @property
    def surprise(self) -> Array:
        """(n,) how many standard deviations each value is away from what all others let expect."""
        return self.weights / np.sqrt(np.diag(self.precision))

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean (m,) and variance (m,), without that of an observation, at points (m, d)."""
        mean, variance, _, _ = self._evaluate(points, gradients=False)
        return mean, variance

    def slopes(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """The same, and their gradients, each (m, d)."""
        return self._evaluate(points, gradients=True)

    def _evaluate(self, points: Array, gradients: bool) -> tuple[Array, Array, Array, Array]:
        t, x = self.terms, self.points
        bend = (points * t.curved) @ x.T
        gap = (points**2 @ t.metric)[:, None] + (x**2 @ t.metric)[None, :] - 2.0 * (points * t.metric) @ x.T
        near = t.local * np.exp(-0.5 * np.maximum(gap, 0.0))
        k = OFFSET + (points * t.linear) @ x.T + bend**2 + near
        back = k @ self.precision
        prior, prior_slope = t.prior(points)
        mean = self.mean + self.scale * (k @ self.weights)
        rest = np.maximum(prior - np.sum(back * k, axis=1), 1e-9)
        variance = self.scale**2 * rest
        if not gradients:
            return mean, variance, np.empty(0), np.empty(0)

        def along(w: Array) -> Array:
            """Gradient (m, d) of the covariances' sum with weights (m, n)."""
            pulled = near * w
            return (
                t.linear * (w @ x)
                + 2.0 * t.curved * ((bend * w) @ x)
                + t.metric * (pulled @ x - pulled.sum(axis=1)[:, None] * points)
            )

        mean_slope = self.scale * along(np.broadcast_to(self.weights, k.shape))
        return mean, variance, mean_slope, self.scale**2 * (prior_slope - 2.0 * along(back))


class Samples:
    """Points that quantities were observed at, and the parts of their covariance that do not change.

    Args:
        points: (n, d).
        groups: (d,) the group of each parameter, from 0; amounts are chosen a group at a time.
    """

    def __init__(self, points: Array, groups: NDArray[np.int64]) -> None:
        self.points, self.groups = points, groups
        self.count = int(groups.max()) + 1
        parts = [points[:, groups == group] for group in range(self.count)]
        self.size = np.array([part.shape[1] for part in parts])
        self._products = np.stack([part @ part.T / part.shape[1] for part in parts])
        square = [np.sum(part**2, axis=1) for part in parts]
        self._gaps = np.stack(
            [
                (s[:, None] + s[None, :]) / part.shape[1] - 2.0 * product
                for s, part, product in zip(square, parts, self._products, strict=True)
            ]
        )
        times = {'linear': self.count, 'curved': self.count, 'local': 1, 'length': self.count, 'noise': 1}
        self._prior = np.array([PRIOR[name] for name, count in times.items() for _ in range(count)]).T

    def fit(self, values: Array, start: Array | None = None) -> Regression:
        """The regression of values (n,)."""
        mean, scale = float(values.mean()), max(float(values.std()), 1e-6)
        target = (values - mean) / scale
        low, high = (self._prior[0] + side * REACH * self._prior[1] for side in (-1.0, 1.0))
        found = minimize(
            self._surprise, self._prior[0] if start is None else start, args=(target,), jac=True,
            method='L-BFGS-B', bounds=list(zip(low, high, strict=True)),
            options={'maxiter': STEPS, 'ftol': 1e-4, 'gtol': 1e-2},
        )  # fmt: skip
        amounts = np.exp(found.x)
        covariance = self._covariance(amounts)[0]
        precision = _inverse(covariance)[0]
        c, per = self.count, 1.0 / self.size
        linear, curved = (amounts[:c] * per)[self.groups], (amounts[c : 2 * c] * per)[self.groups]
        metric = (per / amounts[2 * c + 1 : 3 * c + 1] ** 2)[self.groups]
        terms = Terms(linear, curved, float(amounts[2 * c]), metric, float(amounts[-1]))
        return Regression(self.points, mean, scale, terms, precision @ target, precision, found.x)

    def fit_robustly(self, values: Array, sure: NDArray[np.bool_]) -> Regression:
        """The same without those of the values (n,) that are odd, never without those that are ``sure`` (n,).

        A ball off the racket's edge, or a swing re-planned at the last moment, tells nothing of its neighbours. A fit
        of all values makes room for one that is odd, so the most surprising one is judged by a fit without it.
        """
        samples, fit = self, self.fit(values)
        for _ in range(int(ODD_SHARE * np.count_nonzero(~sure))):
            doubted = int(np.argmax(np.where(sure, -1.0, np.abs(fit.surprise))))
            others = Samples(np.delete(samples.points, doubted, axis=0), self.groups)
            rest = others.fit(np.delete(values, doubted), fit.logs)
            means, variances = rest.predict(samples.points[[doubted]])
            if abs(values[doubted] - means[0]) < ODD * np.sqrt(variances[0] + rest.noise**2):
                break
            samples, fit, values, sure = others, rest, np.delete(values, doubted), np.delete(sure, doubted)
        return fit

    def _covariance(self, amounts: Array) -> tuple[Array, Array, Array]:
        """Covariance (n, n) of the samples, its quadratic scale (n, n) and its local part (n, n)."""
        c = self.count
        bend = np.tensordot(amounts[c : 2 * c], self._products, axes=1)
        gap = np.tensordot(amounts[2 * c + 1 : 3 * c + 1] ** -2.0, self._gaps, axes=1)
        near = amounts[2 * c] * np.exp(-0.5 * gap)
        covariance = OFFSET + np.tensordot(amounts[:c], self._products, axes=1) + bend**2 + near
        covariance.flat[:: len(covariance) + 1] += amounts[-1] + JITTER
        return covariance, bend, near

    def _surprise(self, logs: Array, target: Array) -> tuple[float, Array]:
        """Minus the log of the posterior of the amounts, and its gradient."""
        amounts, c = np.exp(logs), self.count
        covariance, bend, near = self._covariance(amounts)
        precision, determinant = _inverse(covariance)
        weights = precision @ target
        push = 0.5 * (precision - np.outer(weights, weights))
        pulled = push * near
        slope = np.concatenate(
            [
                amounts[:c] * np.tensordot(self._products, push, axes=2),
                2.0 * amounts[c : 2 * c] * np.tensordot(self._products, push * bend, axes=2),
                [pulled.sum()],
                amounts[2 * c + 1 : 3 * c + 1] ** -2.0 * np.tensordot(self._gaps, pulled, axes=2),
                [amounts[-1] * float(np.trace(push))],
            ]
        )
        away = (logs - self._prior[0]) / self._prior[1]
        value = 0.5 * (float(target @ weights) + determinant + float(away @ away))
        return value, slope + away / self._prior[1]


def _inverse(covariance: Array) -> tuple[Array, float]:
    """Inverse (n, n) of a covariance, and the log of its determinant."""
    factor, _ = lapack.dpotrf(covariance, lower=1)
    inverse, _ = lapack.dpotri(factor, lower=1)
    lower = np.tril(inverse)
    return lower + np.tril(inverse, -1).T, 2.0 * float(np.log(np.diag(factor)).sum())
