"""Polynomials in several coordinates, fitted so that a few odd values do not bend them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HIGHEST: Final = 3
SAMPLES_A_TERM: Final = 2.0
"""Samples that a polynomial must have for each of its terms; with fewer its degree is lower."""
PENALTIES: Final = (1e-4, 1e-3, 1e-2, 1e-1)
"""Of the squared coefficients but the constant's, beside the mean squared residual; the best one left out holds."""
ROUNDS: Final = 6
"""Of reweighting."""
TURN: Final = 1.5
"""Scaled residuals beyond which Huber's weights fall (Huber 1964)."""
_TO_SD: Final = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""


def terms(dimension: int, degree: int) -> int:
    """Number of monomials up to a degree."""
    return math.comb(dimension + degree, degree)


def degree_for(samples: int, dimension: int) -> int:
    """The highest degree, at most `HIGHEST`, that so many samples can tell; 0 where they are too few for a plane."""
    fitting = [
        degree for degree in range(1, HIGHEST + 1) if samples >= SAMPLES_A_TERM * terms(dimension, degree)
    ]
    return max(fitting, default=0)


def monomials(points: Array, degree: int) -> Array:
    """(n, `terms`) the monomials of (n, d) points, the constant first, then degree after degree."""
    dimension = points.shape[1]
    before: dict[tuple[int, ...], int] = {(): 0}
    columns = [np.ones((len(points), 1))]
    last = columns[0]
    for power in range(1, degree + 1):
        wanted = list(combinations_with_replacement(range(dimension), power))
        last = last[:, [before[each[:-1]] for each in wanted]] * points[:, [each[-1] for each in wanted]]
        before = {each: index for index, each in enumerate(wanted)}
        columns.append(last)
    return np.hstack(columns)


@dataclass(frozen=True, slots=True, eq=False)
class Polynomial:
    """Of points (n, d).

    Attributes:
        coefficients: (`terms`,) of `monomials`.
        degree: of it.
    """

    coefficients: Array
    degree: int

    def __call__(self, points: Array) -> Array:
        """(n,) its values at (n, d) points."""
        return np.asarray(monomials(points, self.degree) @ self.coefficients)


def fit_robustly(points: Array, values: Array, degree: int) -> tuple[Polynomial, Array]:
    """The polynomial through most of the values (n,) at (n, d) points, and the (n,) residuals each left out."""
    coefficients, left_out = fit_most(monomials(points, degree), values)
    return Polynomial(coefficients, degree), left_out


def fit_most(basis: Array, values: Array, constant: bool = True) -> tuple[Array, Array]:
    """The (t,) coefficients of most of the values (n,) in a basis (n, t), and the (n,) residuals each left out.

    Huber's weights; the penalty of least left-out error by them.

    Args:
        basis: one row a value.
        values: to fit.
        constant: whether the first column is one, which is not shrunk.
    """
    weights, chosen = np.ones(len(values)), PENALTIES[0]
    for round_number in range(ROUNDS):
        tried: Sequence[float] = PENALTIES if round_number == 1 else (chosen,)
        fits = {penalty: _ridge(basis, values, weights, penalty, constant) for penalty in tried}
        chosen = min(
            fits, key=lambda penalty: float(np.mean(np.minimum(np.abs(fits[penalty][1]), _cap(fits))))
        )
        coefficients, left_out = fits[chosen]
        scale = max(_TO_SD * float(np.median(np.abs(left_out))), 1e-9)
        weights = np.minimum(1.0, TURN * scale / np.maximum(np.abs(left_out), 1e-12))
    return coefficients, left_out


def _cap(fits: dict[float, tuple[Array, Array]]) -> float:
    """What a left-out residual counts at most where penalties are compared."""
    return 5.0 * min(float(np.median(np.abs(left_out))) for _, left_out in fits.values())


def _ridge(
    basis: Array, values: Array, weights: Array, penalty: float, constant: bool
) -> tuple[Array, Array]:
    weighted = basis * weights[:, None]
    shrunk = np.full(basis.shape[1], penalty * float(weights.sum()))
    shrunk[0] *= not constant
    inverse = np.linalg.inv(basis.T @ weighted + np.diag(shrunk))
    coefficients = inverse @ (weighted.T @ values)
    leverage = np.minimum(((basis @ inverse) * weighted).sum(axis=1), 0.95)
    return coefficients, (values - basis @ coefficients) / (1.0 - leverage)
