"""What the table is drawn of, in frame ``table``; its size is that of `ball.table`."""

from typing import Final

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.shapes import BLUE, DARK, NET, WHITE, Box, Part

_THICKNESS: Final = 0.03
"""m, of the top."""
_LEG: Final = 0.025
"""m, half the width of a leg."""

LEGS: Final = tuple(
    Part(
        '',
        Box(
            (_LEG, _LEG, (table.HEIGHT - _THICKNESS) / 2),
            (x * 0.85 * table.HALF_WIDTH, y * 0.7 * table.HALF_LENGTH, -(table.HEIGHT + _THICKNESS) / 2),
        ),
        DARK,
    )
    for x, y in ((-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0))
)
TOP: Final = Part(
    'table', Box((table.HALF_WIDTH, table.HALF_LENGTH, _THICKNESS / 2), (0.0, 0.0, -_THICKNESS / 2)), BLUE
)
NET_PART: Final = Part(
    'net',
    Box((table.HALF_WIDTH + table.NET_OVERHANG, 0.0025, table.NET_HEIGHT / 2), (0.0, 0.0, table.NET_HEIGHT / 2)),
    NET,
)
LINES: Final = tuple(
    Part('', Box((half_x, half_y, 0.0004), (x, y, 0.0)), WHITE)
    for (x, y), (half_x, half_y) in (
        ((0.0, table.HALF_LENGTH - 0.01), (table.HALF_WIDTH, 0.01)),
        ((0.0, -table.HALF_LENGTH + 0.01), (table.HALF_WIDTH, 0.01)),
        ((table.HALF_WIDTH - 0.01, 0.0), (0.01, table.HALF_LENGTH)),
        ((-table.HALF_WIDTH + 0.01, 0.0), (0.01, table.HALF_LENGTH)),
        ((0.0, 0.0), (0.0015, table.HALF_LENGTH)),
    )
)
"""Side, end and centre lines (ITTF Laws of Table Tennis 2.1.3 to 2.1.6)."""
