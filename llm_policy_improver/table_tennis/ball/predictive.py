"""What the next ball is expected to be like, given what was measured of the ones before it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST: Final = 5
"""Balls from which something is expected of the next one."""
LATEST: Final = 24
"""Balls that count: a feeder whose balls change is believed again after as many."""


def predictive(measured: Array, errors: Array) -> tuple[Array, Array] | None:
    """Mean and standard deviation (k,) of the next ball's k quantities.

    Balls that differ, as in a rally, make it wide; so do errors of the measurement. Mean and spread are the predictive
    Student distribution's of independent normal quantities (Gelman et al., Bayesian Data Analysis, section 3.2). The
    errors are added: where no flight tells of one all measured values are the same guess, and nothing is known.

    Args:
        measured: (n, k), a ball a row, oldest first; the `LATEST` count.
        errors: (n, k) their standard errors.

    Returns:
        None of fewer than `FEWEST` balls.
    """
    if len(measured) < FEWEST:
        return None
    known = measured[-LATEST:]
    count = len(known)
    factor = (1.0 + 1.0 / count) * (count - 1) / (count - 3)
    spread = np.sqrt(factor * known.var(axis=0, ddof=1) + np.mean(errors[-LATEST:] ** 2, axis=0))
    return known.mean(axis=0), spread
