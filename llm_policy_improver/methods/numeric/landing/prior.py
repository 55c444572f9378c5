"""What is known before the first real trial: measures and failures of simulated ones, as functions of the parameters.

Sources: the mean is a cubic fitted robustly, the noise a quadratic of its logarithm fitted to the left-out residuals.
What a real cell's own coefficients may change is fitted to trials played twice, with the same draws, the second time
with all coefficients a little otherwise: a plane of the parameters a coefficient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from llm_policy_improver.methods.numeric.landing.local_noise import fit_noise, variance
from llm_policy_improver.methods.numeric.landing.polynomial import (
    Polynomial,
    degree_for,
    fit_most,
    fit_robustly,
    monomials,
)
from llm_policy_improver.methods.numeric.landing.told import Told

Array = NDArray[np.float64]

FEWEST: Final = 50
"""Simulated trials that tell a measure, below which there is no prior of it."""
FEWEST_A_SLOPE: Final = 40
"""Trials in other cells, a coefficient, below which nobody says what it changes."""
ODD_FAILURE: Final = 8.0
"""Left-out residual of a failed trial, in middle ones, beyond which it was no clean hit; its measures are left out."""
_NEWTON: Final = 8
"""Steps of Newton's method for the chance of failing."""
_SHRINKAGE: Final = 1.0
"""Of the coefficients of that chance, as so many trials."""
_SEPARATOR: Final = ':'


@dataclass(frozen=True, slots=True, eq=False)
class MeasurePrior:
    """Of one measure.

    Attributes:
        mean: of the points of the cube.
        log_variance: of the scatter around it.
        slopes: (k, d + 1) planes, by which the measure changes with a standard deviation of each of k coefficients of
            the cell; k = 0 where that is not known.
        scale: standard deviation of the mean over the simulated trials, in the measure's unit.
    """

    mean: Polynomial
    log_variance: Polynomial
    slopes: Array
    scale: float

    def changes(self, points: Array) -> Array:
        """(n, k) by a standard deviation of each coefficient of the cell, at (n, d) points."""
        return np.asarray(monomials(points, 1) @ self.slopes.T)

    def noise(self, points: Array) -> Array:
        """(n,) variance of one trial at (n, d) points."""
        return variance(self.log_variance, points)


@dataclass(frozen=True, slots=True, eq=False)
class Otherwise:
    """The first m simulated trials, played again with the same draws in cells of other coefficients.

    Attributes:
        told: by them.
        amounts: (m, k) what each coefficient was off by, in its standard deviations.
    """

    told: Told
    amounts: Array

    def slopes(self, told: Told, name: str) -> Array:
        """(k, d + 1) of a measure, beside what the trials told the first time."""
        many, count = self.amounts.shape
        both = self.told.telling[name] & told.telling[name][:many]
        if both.sum() < FEWEST_A_SLOPE * count:
            return np.zeros((0, told.points.shape[1] + 1))
        planes, amounts = monomials(self.told.points[both], 1), self.amounts[both]
        changed = self.told.values[name][both] - told.values[name][:many][both]
        basis = (amounts[:, :, None] * planes[:, None, :]).reshape(len(changed), -1)
        return fit_most(basis, changed, constant=False)[0].reshape(count, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Of a task in a space.

    Attributes:
        measures: by name; those that too few simulated trials told are absent.
        log_odds: of succeeding where all measures are within their ranges.
        correlation: (m, m) of the scatter of the measures, in the order of ``measures``.
        trials: simulated.
    """

    measures: Mapping[str, MeasurePrior]
    log_odds: Polynomial
    correlation: Array
    trials: int

    @classmethod
    def fit(cls, told: Told, otherwise: Otherwise | None = None) -> 'Prior':
        """From what simulated trials told, and what they told in other cells."""
        measures, scatter, strange = {}, {}, told.failed_otherwise.copy()
        for name, values in told.values.items():
            known = told.telling[name]
            degree = degree_for(int(known.sum()), told.points.shape[1])
            if known.sum() < FEWEST or degree == 0:
                continue
            points = told.points[known]
            mean, left_out = fit_robustly(points, values[known], degree)
            odd = known.copy()
            odd[known] = np.abs(left_out) > ODD_FAILURE * float(np.median(np.abs(left_out)))
            odd &= told.failed
            strange |= odd
            kept = ~odd[known]
            known, points, left_out = known & ~odd, points[kept], left_out[kept]
            log_variance = fit_noise(points, left_out)
            slopes = (
                np.zeros((0, points.shape[1] + 1)) if otherwise is None else otherwise.slopes(told, name)
            )
            measures[name] = MeasurePrior(mean, log_variance, slopes, float(np.std(mean(points))))
            scatter[name] = np.full(len(values), np.nan)
            scatter[name][known] = np.clip(left_out / np.sqrt(variance(log_variance, points)), -3.0, 3.0)
        return cls(
            measures,
            _log_odds(told.points, strange),
            _correlation(list(scatter.values())),
            len(told.points),
        )

    def chance(self, points: Array) -> Array:
        """(n,) of succeeding where all measures are within their ranges, at (n, d) points."""
        return np.asarray(expit(self.log_odds(points)))

    def save(self, path: Path) -> None:
        """Into one file of NumPy's, `load` reads it."""
        arrays: dict[str, Any] = {
            'trials': self.trials, 'log_odds': self.log_odds.coefficients, 'odds_degree': self.log_odds.degree,
            'correlation': self.correlation, 'names': np.array(list(self.measures)),
        }  # fmt: skip
        for name, each in self.measures.items():
            arrays |= {
                f'{name}{_SEPARATOR}mean': each.mean.coefficients,
                f'{name}{_SEPARATOR}log_variance': each.log_variance.coefficients,
                f'{name}{_SEPARATOR}slopes': each.slopes,
                f'{name}{_SEPARATOR}scale': each.scale,
                f'{name}{_SEPARATOR}degrees': (each.mean.degree, each.log_variance.degree),
            }
        with path.open('wb') as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> 'Prior':
        """From a file of `save`.

        Raises:
            OSError, ValueError, KeyError, zipfile.BadZipFile: there is none, or it is not one.
        """
        with np.load(path, allow_pickle=False) as kept:
            measures = {}
            for name in map(str, kept['names']):
                mean, spread = (int(degree) for degree in kept[f'{name}{_SEPARATOR}degrees'])
                measures[name] = MeasurePrior(
                    Polynomial(kept[f'{name}{_SEPARATOR}mean'], mean),
                    Polynomial(kept[f'{name}{_SEPARATOR}log_variance'], spread),
                    kept[f'{name}{_SEPARATOR}slopes'],
                    float(kept[f'{name}{_SEPARATOR}scale']),
                )
            odds = Polynomial(kept['log_odds'], int(kept['odds_degree']))
            return cls(measures, odds, kept['correlation'], int(kept['trials']))


def _log_odds(points: Array, failed: NDArray[np.bool_]) -> Polynomial:
    """Logistic regression on a plane, by Newton's method, the slopes shrunk."""
    basis, good = monomials(points, 1), (~failed).astype(float)
    coefficients = np.zeros(basis.shape[1])
    share = (good.sum() + 1.0) / (len(good) + 1.5)
    coefficients[0] = np.log(share / (1.0 - share))
    shrunk = np.full(len(coefficients), _SHRINKAGE)
    centre = coefficients.copy()
    for _ in range(_NEWTON):
        chance = expit(basis @ coefficients)
        slope = basis.T @ (good - chance) - shrunk * (coefficients - centre)
        curvature = (basis * (chance * (1.0 - chance))[:, None]).T @ basis + np.diag(shrunk)
        coefficients = coefficients + np.linalg.solve(curvature, slope)
    return Polynomial(coefficients, 1)


def _correlation(scatter: Sequence[Array]) -> Array:
    """(m, m) of what is known of both; made positive definite."""
    size = len(scatter)
    found = np.eye(size)
    for row in range(size):
        for column in range(row):
            both = np.isfinite(scatter[row]) & np.isfinite(scatter[column])
            if both.sum() >= FEWEST:
                value = float(np.corrcoef(scatter[row][both], scatter[column][both])[0, 1])
                found[row, column] = found[column, row] = value if np.isfinite(value) else 0.0
    values, vectors = np.linalg.eigh(found)
    mended = (vectors * np.maximum(values, 0.02)) @ vectors.T
    deviation = np.sqrt(np.diag(mended))
    return np.asarray(mended / np.outer(deviation, deviation))
