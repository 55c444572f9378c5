"""How high a return flies."""

from typing import Final

import numpy as np

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.table_tennis.measures.measured import CROSSED, Measured
from llm_policy_improver.table_tennis.tracing.flight import clearance_missing
from llm_policy_improver.table_tennis.tracing.observed import Outcome
from llm_policy_improver.table_tennis.tracing.return_flight import ReturnFlight

OVER_NET: Final = 0.03
"""m above the net that a flight is planned at least."""
HIGH_ARC: Final = 1.0
"""m above the table: the peak that "as high as possible" is measured against."""

PEAK_HEIGHT: Final = Measure(
    'peak_height', 'm', 'highest point of the ball after the hit, above the table',
    0.0, HIGH_ARC, (0.0, 0.0), 'lower', 'higher', CROSSED,
)  # fmt: skip
NET_CLEARANCE: Final = Measure(
    'net_clearance', 'm', 'height of the ball above the top of the net where it passes it',
    0.0, HIGH_ARC, (OVER_NET, 0.0), 'closer to the net', 'further above the net', CROSSED | {Outcome.NET},
)  # fmt: skip


def _clearance(flight: ReturnFlight, outcome: Outcome) -> float | None:
    """m; of a ball that the net stopped, what it lacked, where its flight tells it."""
    if flight.crossing is not None:
        return flight.crossing.clearance
    return clearance_missing(flight.time, flight.position) if outcome is Outcome.NET else None


PEAK: Final = Measured(PEAK_HEIGHT, lambda flight, _: float(np.max(flight.position[:, 2])))
CLEARANCE: Final = Measured(NET_CLEARANCE, _clearance)
