"""What the arm is made of: capsules and boxes in the frames of its links.

The one place of these numbers: the simulation moves and collides them, the console draws them. They stand for the links
of an IRB 1100 class arm; its true surfaces are not modelled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Vec = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Capsule:
    """A cylinder with half spheres at its ends.

    Attributes:
        start, end: m, centres of the half spheres in the link's frame.
        radius: m.
        mass: kg.
    """

    start: Vec
    end: Vec
    radius: float
    mass: float


@dataclass(frozen=True, slots=True)
class Box:
    """A box along the axes of the link's frame.

    Attributes:
        half: m, half its sides.
        centre: m.
        mass: kg.
    """

    half: Vec
    centre: Vec
    mass: float


GANTRY: Final = Box((2.1, 0.06, 0.05), (0.0, 0.0, -0.31), 50.0)
"""Moves with slide_y."""
CARRIAGE: Final = Box((0.14, 0.11, 0.05), (0.0, 0.0, -0.20), 30.0)
"""Moves with slide_x, too."""
BASE: Final = Capsule((0.0, 0.0, -0.14), (0.0, 0.0, 0.10), 0.075, 5.0)
"""Foot of the arm, on the carriage."""
LINKS: Final[Mapping[str, Capsule]] = {
    'axis_1': Capsule((0.0, 0.0, 0.0), (0.0, 0.0, 0.181), 0.065, 5.0),
    'axis_2': Capsule((0.0, 0.0, 0.0), (0.0, 0.0, 0.280), 0.055, 4.5),
    'axis_3': Capsule((0.0, 0.0, 0.0), (0.06, 0.0, 0.010), 0.050, 2.5),
    'axis_4': Capsule((0.07, 0.0, 0.0), (0.300, 0.0, 0.0), 0.042, 2.5),
    'axis_5': Capsule((0.0, 0.0, 0.0), (0.04, 0.0, 0.0), 0.036, 1.0),
    'axis_6': Capsule((0.0, 0.0, 0.0), (0.015, 0.0, 0.0), 0.030, 0.5),
}
"""By the joint that turns each."""
HANDLE: Final = Capsule((-0.15, 0.0, 0.0), (-0.08, 0.0, 0.0), 0.013, 0.03)
"""In the frame of the paddle, whose origin is the blade's centre."""
