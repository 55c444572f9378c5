"""Primitive shapes: what the arm and the table are drawn of, in MuJoCo, in the URDF and in markers."""

import math
from dataclasses import dataclass
from typing import Final

Vec = tuple[float, float, float]
Colour = tuple[float, float, float, float]
"""Red, green, blue, opacity, 0 to 1."""

ORANGE: Final[Colour] = (0.95, 0.45, 0.1, 1.0)
GREY: Final[Colour] = (0.62, 0.64, 0.67, 1.0)
DARK: Final[Colour] = (0.15, 0.15, 0.17, 1.0)
BLUE: Final[Colour] = (0.05, 0.25, 0.5, 1.0)
WHITE: Final[Colour] = (0.95, 0.95, 0.95, 1.0)
RED: Final[Colour] = (0.75, 0.1, 0.1, 1.0)
YELLOW: Final[Colour] = (1.0, 0.85, 0.3, 1.0)
NET: Final[Colour] = (0.9, 0.9, 0.9, 0.5)


@dataclass(frozen=True, slots=True)
class Box:
    """Along the axes of its frame.

    Attributes:
        half: m, half of each edge.
        centre: m.
    """

    half: Vec
    centre: Vec


@dataclass(frozen=True, slots=True)
class Capsule:
    """A cylinder with a half of a sphere at either end.

    Attributes:
        start, end: m, centres of the spheres.
        radius: m.
    """

    start: Vec
    end: Vec
    radius: float

    @property
    def length(self) -> float:
        """m, of the cylinder."""
        return math.dist(self.start, self.end)

    @property
    def centre(self) -> Vec:
        """m."""
        (a, b, c), (d, e, f) = self.start, self.end
        return (0.5 * (a + d), 0.5 * (b + e), 0.5 * (c + f))

    @property
    def rpy(self) -> Vec:
        """rad, the turn about the fixed axes x, y and z, in this order, that brings the z axis from start to end."""
        (a, b, c), (d, e, f) = self.start, self.end
        return (0.0, math.atan2(math.hypot(d - a, e - b), f - c), math.atan2(e - b, d - a))


@dataclass(frozen=True, slots=True)
class Disc:
    """About the z axis of its frame, in its origin.

    Attributes:
        radius, thickness: m.
    """

    radius: float
    thickness: float


@dataclass(frozen=True, slots=True)
class Part:
    """A shape of one body.

    Attributes:
        name: of its own among all parts; empty where nobody asks for it.
        mass: kg; 0 of what does not move.
    """

    name: str
    shape: Box | Capsule | Disc
    colour: Colour
    mass: float = 0.0
