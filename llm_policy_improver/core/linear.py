"""Small systems of linear equations, compiled. Each gives the same bits on every run."""

import math

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled

Array = NDArray[np.float64]


@compiled
def solve_positive(matrix: Array, right: Array) -> Array:
    """The solution x (n, k) of ``matrix @ x = right`` for a symmetric positive definite matrix (n, n), by Cholesky."""
    size, columns = right.shape
    lower = np.zeros((size, size))
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row, column]
            for inner in range(column):
                rest -= lower[row, inner] * lower[column, inner]
            lower[row, column] = math.sqrt(rest) if row == column else rest / lower[column, column]
    solution = right.copy()
    for k in range(columns):
        for row in range(size):
            for inner in range(row):
                solution[row, k] -= lower[row, inner] * solution[inner, k]
            solution[row, k] /= lower[row, row]
        for row in range(size - 1, -1, -1):
            for inner in range(row + 1, size):
                solution[row, k] -= lower[inner, row] * solution[inner, k]
            solution[row, k] /= lower[row, row]
    return solution


@compiled
def product(left: Array, right: Array) -> Array:
    """``left @ right`` (n, k) of (n, m) and (m, k), added up from the first term on."""
    rows, inner = left.shape
    columns = right.shape[1]
    result = np.zeros((rows, columns))
    for row in range(rows):
        for term in range(inner):
            factor = left[row, term]
            for column in range(columns):
                result[row, column] += factor * right[term, column]
    return result
