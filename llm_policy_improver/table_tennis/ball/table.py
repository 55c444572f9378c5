"""The table-tennis table: dimensions, frame and named places.

Frame ``table``: origin at the centre of the playing surface, x to the robot's right, y towards the
opponent, z up; metres. The robot plays at y < 0.
"""

from typing import Final

LENGTH: Final = 2.74
"""m, along y (ITTF Laws of Table Tennis 2.1.1)."""
WIDTH: Final = 1.525
"""m, along x (ITTF 2.1.1)."""
HEIGHT: Final = 0.76
"""m, playing surface above the floor (ITTF 2.1.1)."""
NET_HEIGHT: Final = 0.1525
"""m, top of the net above the surface (ITTF 2.2.3)."""
NET_OVERHANG: Final = 0.1525
"""m, the net's reach beyond each side line (ITTF 2.2.2)."""
BALL_RADIUS: Final = 0.02
"""m (ITTF 2.3.2)."""
BALL_MASS: Final = 0.0027
"""kg (ITTF 2.3.3)."""

HALF_LENGTH: Final = LENGTH / 2
HALF_WIDTH: Final = WIDTH / 2


def over_surface(x: float, y: float) -> bool:
    """Whether a ball centred at (x, y), in metres, is above the playing surface."""
    return abs(x) <= HALF_WIDTH and abs(y) <= HALF_LENGTH


def on_opponents_half(x: float, y: float) -> bool:
    """Whether a ball centred at (x, y), in metres, is above the opponent's half of the surface."""
    return over_surface(x, y) and y > 0.0


def place(x: float, y: float) -> str:
    """Where on the opponent's half the point (x, y), in metres, lies, in words: ``'right, deep'``."""
    side = 'left' if x < -HALF_WIDTH / 3 else 'right' if x > HALF_WIDTH / 3 else 'centre'
    depth = 'short' if y < HALF_LENGTH / 3 else 'deep' if y > 2 * HALF_LENGTH / 3 else 'mid-length'
    return f'{side}, {depth}'
