"""What is known of a ball after the hit: what its outcome and its measures are made of."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.tracing.flight import (
    Bounce,
    NetCrossing,
    find_bounces,
    find_net_crossing,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ReturnFlight:
    """Of one ball.

    Attributes:
        time: (n,) s since the trial's first observation of the ball, from the hit on.
        position: (n, 3) m, frame ``table``.
        landing: its first bounce on the table; None where it did not come down there.
        crossing: how it passed the net's plane before that; None where it did not.
    """

    time: Array
    position: Array
    landing: Bounce | None
    crossing: NetCrossing | None

    @classmethod
    def of(cls, time: Array, position: Array) -> Self:
        """From the sightings since the hit."""
        landing = next(find_bounces(time, position), None)
        flight = slice(None) if landing is None else slice(0, int(np.searchsorted(time, landing.time)))
        return cls(time, position, landing, find_net_crossing(time[flight], position[flight]))
