"""Noise that differs from place to place: a variance whose logarithm is a polynomial of the parameters."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.methods.numeric.landing.polynomial import Polynomial, degree_for, fit_robustly

Array = NDArray[np.float64]

MEAN_LOG: Final = -1.2704
"""Expectation of the logarithm of a squared standard normal deviate."""
QUADRATIC: Final = 2
SPAN: Final = 4.0
"""Ratio of the largest and the smallest standard deviation to the middle one, at most."""
ODD: Final = 4.0
"""Standard deviations beyond which a residual counts as so many where the level is set: noise has heavy tails."""


def fit_noise(points: Array, left_out: Array) -> Polynomial:
    """The logarithm of the variance of (n,) left-out residuals at (n, d) points, quadratic at most, calibrated."""
    degree = min(degree_for(len(left_out), points.shape[1]), QUADRATIC)
    floor = 1e-3 * float(np.median(np.abs(left_out))) + 1e-12
    logs = np.log(np.maximum(np.abs(left_out), floor) ** 2) - MEAN_LOG
    shape, _ = fit_robustly(points, logs, degree)
    level = 0.0
    for _ in range(5):
        scaled = np.minimum(np.abs(left_out) / np.sqrt(variance(shape, points) * np.exp(level)), ODD)
        level += float(np.log(np.mean(scaled**2)))
    raised = shape.coefficients.copy()
    raised[0] += level
    return Polynomial(raised, degree)


def variance(logarithm: Polynomial, points: Array) -> Array:
    """(n,) variances at (n, d) points, within `SPAN` of the middle one."""
    middle = logarithm.coefficients[0]
    bound = 2.0 * np.log(SPAN)
    return np.asarray(np.exp(np.clip(logarithm(points), middle - bound, middle + bound)))
