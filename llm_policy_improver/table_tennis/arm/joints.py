"""The arm's joints, in the order of every per-joint array."""

from typing import Final

JOINTS: Final[tuple[str, ...]] = (
    'slide_y', 'slide_x', 'axis_1', 'axis_2', 'axis_3', 'axis_4', 'axis_5', 'axis_6',
)  # fmt: skip
"""Two linear axes, then the six of the arm."""

LINEAR: Final = 2
"""How many of them are linear: their velocities are in m/s, those of the others in rad/s."""
