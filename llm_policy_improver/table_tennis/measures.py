"""What is measured of a return: places in the frame of the table, heights, times and speeds."""

from typing import Final

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.table_tennis.ball import table

EDGE: Final = 0.02
"""m inside the table's edges that a landing is planned at least."""
BEHIND_NET: Final = 0.05
"""m behind the net that a landing is planned at least."""
OVER_NET: Final = 0.03
"""m above the net that a flight is planned at least."""
HIGH_ARC: Final = 1.0
"""m above the table: the peak that "as high as possible" is measured against."""

_FLOWN: Final = frozenset({'landed', 'own_side'})
"""Their landing is that of a free flight: a ball too short says how much it was too short."""
_CROSSED: Final = frozenset({'landed', 'out'})
"""Their flight past the net is a free one."""
_HIT: Final = frozenset({'landed', 'out', 'own_side', 'net'})

LANDING_X: Final = Measure(
    'landing_x', 'm', 'where the ball first lands, to the robot\'s right of the centre line',
    -table.HALF_WIDTH, table.HALF_WIDTH, (EDGE, EDGE), 'left', 'right', _FLOWN, short='x',
)  # fmt: skip
LANDING_Y: Final = Measure(
    'landing_y', 'm', 'where the ball first lands, beyond the net',
    0.0, table.HALF_LENGTH, (BEHIND_NET, EDGE), 'shorter', 'further', _FLOWN, short='y',
)  # fmt: skip
PEAK_HEIGHT: Final = Measure(
    'peak_height', 'm', 'highest point of the ball after the hit, above the table',
    0.0, HIGH_ARC, (0.0, 0.0), 'lower', 'higher', _CROSSED,
)  # fmt: skip
NET_CLEARANCE: Final = Measure(
    'net_clearance', 'm', 'height of the ball above the top of the net where it passes it',
    0.0, HIGH_ARC, (OVER_NET, 0.0), 'closer to the net', 'further above the net', _CROSSED | {'net'},
)  # fmt: skip
LANDING_TIME: Final = Measure(
    'landing_time', 's', 'time from the hit to the landing', 0.3, 1.0, (0.0, 0.0), 'sooner', 'later', _FLOWN,
    usual=False,
)  # fmt: skip
HIT_SPEED: Final = Measure(
    'hit_speed', 'm/s', 'speed of the ball just after the hit', 2.0, 8.0, (0.0, 0.0), 'slower', 'faster', _HIT,
    weight=0.2, digits=2, usual=False,
)  # fmt: skip

MEASURES: Final = (LANDING_X, LANDING_Y, PEAK_HEIGHT, NET_CLEARANCE, LANDING_TIME, HIT_SPEED)
"""All that an objective may be about."""
