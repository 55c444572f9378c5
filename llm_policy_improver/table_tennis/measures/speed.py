"""How fast a return leaves the racket."""

from typing import Final

import numpy as np

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.table_tennis.measures.measured import HIT, Measured
from llm_policy_improver.table_tennis.tracing.observed import Outcome
from llm_policy_improver.table_tennis.tracing.return_flight import ReturnFlight

_SIGHTINGS = 8
"""Sightings after the hit from which its speed is fitted: 56 ms at 125 Hz."""

HIT_SPEED: Final = Measure(
    'hit_speed', 'm/s', 'speed of the ball just after the hit', 2.0, 8.0, (0.0, 0.0), 'slower', 'faster', HIT,
    weight=0.2, digits=2, usual=False,
)  # fmt: skip


def _speed(flight: ReturnFlight, _: Outcome) -> float | None:
    """m/s: parabolas through the first sightings, their slope at the hit; None of too few."""
    if len(flight.time) < _SIGHTINGS:
        return None
    since = flight.time[:_SIGHTINGS] - flight.time[0]
    slopes = np.polynomial.polynomial.polyfit(since, flight.position[:_SIGHTINGS], 2)[1]
    return float(np.linalg.norm(slopes))


SPEED: Final = Measured(HIT_SPEED, _speed)
