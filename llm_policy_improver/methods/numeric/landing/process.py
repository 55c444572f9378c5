"""One measure as a Gaussian process of the parameters: the prior's mean, and what real trials correct of it.

Rest of a trial = offset + a slope a coordinate + a gain on the prior's mean + a smooth rest + what the cell's own
coefficients may change + noise. How much of each
there is, the marginal likelihood says (Rasmussen and Williams 2006, chapter 5), with a log-normal prior of each
weight: a few dozen trials alone leave it open. Functions are drawn as in Wilson et al. 2020 (arXiv 2002.09309): one
from the prior, with random Fourier features for the smooth rest (Rahimi and Recht 2007), corrected by what it misses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

OFFSET, SLOPE, GAIN, REST, CELL, LENGTH, NOISE = range(7)

EXPECTED: Final = np.array((0.25, 0.08, 0.15, 0.15, 1e-3, 1.2, 1.0))
"""With a prior: offset, slope and rest as shares of the measure's scale, gain, what the cell changes as a share of what
it may, length of the rest as a share of the cube's half diagonal over 2, noise as a share of the prior's."""
EXPECTED_OF_CELL: Final = np.array((0.04, 0.025, 0.025, 0.05, 1.0, 1.2, 1.0))
"""With one that knows what a cell's own coefficients change: little else is left."""
EXPECTED_ALONE: Final = np.array((1.0, 0.4, 1e-3, 0.5, 1e-3, 1.2, 0.25))
"""Without: the noise, too, as a share of the measure's scale."""
OPEN: Final = np.array((0.8, 0.8, 0.8, 0.8, 0.1, 0.35, 0.35))
OPEN_OF_CELL: Final = np.array((0.8, 0.8, 0.8, 0.8, 0.5, 0.35, 0.35))
OPEN_ALONE: Final = np.array((0.5, 0.8, 0.1, 0.8, 0.1, 0.35, 0.8))
"""Standard deviations of their logarithms."""
FURTHEST: Final = 4.0
"""Of these, at most: the search's first steps may be wild."""
ITERATIONS: Final = 40
FEATURES: Final = 128
"""Of the smooth rest, where functions are drawn."""
ODD: Final = 2.5
"""Left-out residual, in standard deviations, beyond which a trial counts less: off the racket's edge."""
_JITTER: Final = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What a process starts from, as functions of points (n, d).

    Attributes:
        mean: (n,) the measure.
        noise: (n,) variance of one trial.
        scale: of the measure, in its unit.
        changes: (n, k) of the measure by each of k things that may be otherwise than the prior takes them, a standard
            deviation of each; of k = 0 where that is not known, None where there is no prior.
    """

    mean: Callable[[Array], Array]
    noise: Callable[[Array], Array]
    scale: float
    changes: Callable[[Array], Array] | None = None

    @classmethod
    def alone(cls, values: Array) -> 'Background':
        """From n real values alone: constant."""
        middle, scale = float(np.mean(values)), max(float(np.std(values)), 1e-6)
        return cls(
            lambda points: np.full(len(points), middle),
            lambda points: np.full(len(points), scale**2),
            scale,
        )


class Process:
    """Conditioned on n trials.

    Args:
        background: where it starts.
        points: (n, d).
        values: (n,) of the measure.
    """

    def __init__(self, background: Background, points: Array, values: Array) -> None:
        self.background, self.points = background, points
        self._prior_mean = background.mean(points)
        at = points if len(points) else np.zeros((1, points.shape[1]))
        self._centre = float(np.mean(background.mean(at)))
        self._gain_at = self._steering(self._prior_mean)
        self._changes_at = self._changes(points)
        self._rest = values - self._prior_mean
        self._noise = background.noise(points)
        self._squares = _squares(points, points)
        self._half = float(np.sqrt(points.shape[1])) / 2.0
        self.weights = self._weights()
        self._solve()
        self.surprise = np.abs(self.left_out) / self.left_out_deviation
        """(n,) what each trial differs by from what the others say, in standard deviations of that."""
        if np.any(self.surprise > ODD):
            self._noise = self._noise * np.maximum(self.surprise / ODD, 1.0) ** 2
            self.weights = self._weights()
            self._solve()

    def _steering(self, mean: Array) -> Array:
        return mean - self._centre

    def _changes(self, points: Array) -> Array:
        changes = self.background.changes
        return np.zeros((len(points), 0)) if changes is None else changes(points)

    def _parts(self, weights: Array) -> tuple[Array, Array]:
        """(5, n, n) covariances of offset, slopes, gain, rest and cell, (n,) noise."""
        scale = self.background.scale**2
        parts = np.stack((
            np.full_like(self._squares, scale * weights[OFFSET] ** 2),
            scale * weights[SLOPE] ** 2 * (self.points @ self.points.T),
            weights[GAIN] ** 2 * np.outer(self._gain_at, self._gain_at),
            scale * weights[REST] ** 2 * np.exp(-0.5 * self._squares / self._length(weights) ** 2),
            weights[CELL] ** 2 * (self._changes_at @ self._changes_at.T),
        ))  # fmt: skip
        return parts, weights[NOISE] ** 2 * self._noise + _JITTER

    def _length(self, weights: Array) -> float:
        return float(weights[LENGTH]) * self._half

    def _weights(self) -> Array:
        """(7,) those of greatest posterior probability."""
        from scipy.optimize import minimize  # a quarter of a second to load

        if self.background.changes is None:
            expected, spread = EXPECTED_ALONE, OPEN_ALONE
        elif self._changes_at.shape[1] == 0:
            expected, spread = EXPECTED, OPEN
        else:
            expected, spread = EXPECTED_OF_CELL, OPEN_OF_CELL
        centre = np.log(expected)
        if len(self.points) == 0:
            return np.asarray(np.exp(centre))

        def cost(logs: Array) -> tuple[float, Array]:
            weights = np.exp(logs)
            parts, noise = self._parts(weights)
            covariance = parts.sum(axis=0)
            covariance[np.diag_indices_from(covariance)] += noise
            try:
                lower = np.linalg.cholesky(covariance)
            except np.linalg.LinAlgError:
                return 1e10, np.zeros_like(logs)
            inverse_lower = np.linalg.inv(lower)
            inverse = inverse_lower.T @ inverse_lower
            alpha = inverse @ self._rest
            outer = inverse - np.outer(alpha, alpha)
            slope = np.empty(7)
            slope[:5] = np.einsum('ij,kij->k', outer, parts)  # half of it, times two, as weights are squared
            along = parts[REST] * self._squares / self._length(weights) ** 2
            slope[LENGTH] = 0.5 * float(np.sum(outer * along))
            slope[NOISE] = float(np.diag(outer) @ noise)
            off = (logs - centre) / spread
            value = (
                0.5 * float(self._rest @ alpha) + float(np.log(np.diag(lower)).sum()) + 0.5 * float(off @ off)
            )
            return value, slope + off / spread

        bounds = list(zip(centre - FURTHEST * spread, centre + FURTHEST * spread, strict=True))
        found = minimize(
            cost, centre, jac=True, method='L-BFGS-B', bounds=bounds, options={'maxiter': ITERATIONS}
        )
        return np.asarray(np.exp(found.x))

    def _solve(self) -> None:
        parts, noise = self._parts(self.weights)
        covariance = parts.sum(axis=0) + np.diag(noise)
        self._inverse = np.linalg.inv(covariance)
        self._alpha = self._inverse @ self._rest
        self._noise_at_points = noise
        self.left_out = self._alpha / np.diag(self._inverse)
        """(n,) what each trial differs by from what the others say."""
        self.left_out_deviation = 1.0 / np.sqrt(np.diag(self._inverse))
        """(n,) by how much it may."""

    def _covariance(self, points: Array, mean: Array) -> Array:
        """(k, n) of k points with those of the trials."""
        scale, weights = self.background.scale**2, self.weights
        smooth = np.exp(-0.5 * _squares(points, self.points) / self._length(weights) ** 2)
        return np.asarray(
            scale
            * (
                weights[OFFSET] ** 2
                + weights[SLOPE] ** 2 * points @ self.points.T
                + weights[REST] ** 2 * smooth
            )
            + weights[CELL] ** 2 * self._changes(points) @ self._changes_at.T
            + weights[GAIN] ** 2 * np.outer(self._steering(mean), self._gain_at)
        )

    def predict(self, points: Array) -> tuple[Array, Array, Array]:
        """At (k, d) points: (k,) mean, variance of the mean, and variance of one trial around it."""
        mean = self.background.mean(points)
        across = self._covariance(points, mean)
        scale, weights = self.background.scale**2, self.weights
        before = (
            scale
            * (weights[OFFSET] ** 2 + weights[SLOPE] ** 2 * (points**2).sum(axis=1) + weights[REST] ** 2)
            + weights[GAIN] ** 2 * self._steering(mean) ** 2
            + weights[CELL] ** 2 * (self._changes(points) ** 2).sum(axis=1)
        )
        doubt = np.maximum(before - np.sum(across @ self._inverse * across, axis=1), 1e-12)
        return mean + across @ self._alpha, doubt, self.noise(points)

    def noise(self, points: Array) -> Array:
        """(k,) variance of one trial at (k, d) points."""
        return np.asarray(self.weights[NOISE] ** 2 * self.background.noise(points))

    def draw(self, generator: np.random.Generator) -> Callable[[Array], Array]:
        """A function of (k, d) points that may be the true one."""
        dimension, scale, weights = self.points.shape[1], self.background.scale, self.weights
        offset = scale * weights[OFFSET] * generator.standard_normal()
        slopes = scale * weights[SLOPE] * generator.standard_normal(dimension)
        gain = weights[GAIN] * generator.standard_normal()
        cell = weights[CELL] * generator.standard_normal(self._changes_at.shape[1])
        waves = generator.standard_normal((dimension, FEATURES)) / self._length(weights)
        phases = generator.uniform(0.0, 2.0 * np.pi, FEATURES)
        heights = scale * weights[REST] * np.sqrt(2.0 / FEATURES) * generator.standard_normal(FEATURES)

        def before(points: Array, mean: Array) -> Array:
            wavy = np.cos(points @ waves + phases) @ heights
            rest = wavy + self._changes(points) @ cell
            return np.asarray(offset + points @ slopes + gain * self._steering(mean) + rest)

        missed = self._rest - before(self.points, self._prior_mean)
        missed = missed - np.sqrt(self._noise_at_points) * generator.standard_normal(len(missed))
        correction = self._inverse @ missed

        def function(points: Array) -> Array:
            mean = self.background.mean(points)
            return np.asarray(mean + before(points, mean) + self._covariance(points, mean) @ correction)

        return function


def _squares(one: Array, other: Array) -> Array:
    """(k, n) squared distances of (k, d) and (n, d) points."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2.0 * one @ other.T
    return np.asarray(np.maximum(squares, 0.0))
