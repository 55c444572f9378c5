"""Where and when a return lands."""

from typing import Final

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures.measured import FLOWN, Measured
from llm_policy_improver.table_tennis.tracing.flight import OUT_X, OUT_Y

EDGE: Final = 0.02
"""m inside the table's edges that a landing is planned at least."""
BEHIND_NET: Final = 0.05
"""m behind the net that a landing is planned at least."""

LANDING_X: Final = Measure(
    'landing_x', 'm', 'where the ball first lands, to the robot\'s right of the centre line',
    -table.HALF_WIDTH, table.HALF_WIDTH, (EDGE, EDGE), 'left', 'right', FLOWN, short='x', carried_on=OUT_X,
)  # fmt: skip
LANDING_Y: Final = Measure(
    'landing_y', 'm', 'where the ball first lands, beyond the net',
    0.0, table.HALF_LENGTH, (BEHIND_NET, EDGE), 'shorter', 'further', FLOWN, short='y', carried_on=OUT_Y,
)  # fmt: skip
LANDING_TIME: Final = Measure(
    'landing_time', 's', 'time from the hit to the landing', 0.3, 1.0, (0.0, 0.0), 'sooner', 'later', FLOWN,
    usual=False,
)  # fmt: skip

X: Final = Measured(LANDING_X, lambda flight, _: flight.landing.x if flight.landing else None)
Y: Final = Measured(LANDING_Y, lambda flight, _: flight.landing.y if flight.landing else None)
TIME: Final = Measured(
    LANDING_TIME,
    lambda flight, _: flight.landing.time - float(flight.time[0]) if flight.landing else None,
)
