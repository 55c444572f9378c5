"""The cameras' noise, from what sightings are off a smooth path through their neighbours: it needs no law of flight."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.calibration.flights import Flight
from llm_policy_improver.table_tennis.tracing.flight import along, parabola

Array = NDArray[np.float64]

_WINDOW: Final = 9
"""Sightings that a parabola is laid through: less than 0.1 s, in which air changes a path by less than noise."""
_FREEDOM: Final = _WINDOW - 3
_MEDIAN: Final = 5.348 / _FREEDOM
"""Median of a chi-square variable of six degrees of freedom, as a share of its mean."""


def camera_noise(flights: Sequence[Flight]) -> tuple[Array, Array]:
    """m, standard deviation of a sighting along x, y and z (3,), and the standard errors of these (3,).

    The median over windows: bounces and single wrong sightings do not count. NaN where no flight is long enough.
    """
    variances = []
    for flight in flights:
        for begin in range(0, len(flight.time) - _WINDOW + 1, _WINDOW):
            window = slice(begin, begin + _WINDOW)
            time = flight.time[window]
            if flight.bounce is not None and time[0] - 0.02 < flight.bounce < time[-1] + 0.02:
                continue
            centred, position = time - time.mean(), flight.position[window]
            off = position - along(parabola(centred, position), centred[:, None])
            variances.append(np.sum(off**2, axis=0) / _FREEDOM)
    if not variances:
        return np.full(3, np.nan), np.full(3, np.nan)
    noise = np.sqrt(np.median(variances, axis=0) / _MEDIAN)
    # The median of n is less certain than the mean by a factor of pi / 2 in variance.
    return noise, noise * np.sqrt(np.pi / 2.0 / (2.0 * _FREEDOM * len(variances)))
