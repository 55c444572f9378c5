"""Mass, middle and inertia of a link, from its parts, which are solid and of even density."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.shapes import Box, Capsule, Disc, Part

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Inertia:
    """Of a rigid body, in its own frame.

    Attributes:
        mass: kg.
        centre: (3,) m, of mass.
        tensor: (3, 3) kg m^2, about it.
    """

    mass: float
    centre: Array
    tensor: Array


def inertia_of(parts: Sequence[Part]) -> Inertia:
    """Of parts that are one rigid body, at least one of which has a mass."""
    masses = np.array([part.mass for part in parts])
    centres = np.array([_centre(part) for part in parts])
    middle = masses @ centres / masses.sum()
    tensor = np.zeros((3, 3))
    for part, off in zip(parts, centres - middle, strict=True):
        tensor += _about_own_centre(part) + part.mass * (off @ off * np.eye(3) - np.outer(off, off))
    return Inertia(float(masses.sum()), middle, tensor)


def _centre(part: Part) -> tuple[float, float, float]:
    return (0.0, 0.0, 0.0) if isinstance(part.shape, Disc) else part.shape.centre


def _about_own_centre(part: Part) -> Array:
    """(3, 3) kg m^2."""
    shape = part.shape
    if isinstance(shape, Box):
        square = np.array(shape.half) ** 2
        return np.diag(part.mass / 3.0 * (square.sum() - square))
    if isinstance(shape, Disc):
        across = shape.radius**2 / 4.0 + shape.thickness**2 / 12.0
        return np.diag(part.mass * np.array([across, across, shape.radius**2 / 2.0]))
    return _capsule(shape, part.mass)


def _capsule(shape: Capsule, mass: float) -> Array:
    """(3, 3) kg m^2, of a cylinder and two halves of a sphere whose masses are as their volumes."""
    from transforms3d.euler import euler2mat

    r, h = shape.radius, shape.length
    cylinder, sphere = math.pi * r**2 * h, 4.0 / 3.0 * math.pi * r**3
    m, s = (mass * volume / (cylinder + sphere) for volume in (cylinder, sphere))
    across = m * (r**2 / 4.0 + h**2 / 12.0) + s * (0.4 * r**2 + h**2 / 4.0 + 0.375 * h * r)
    along = m * r**2 / 2.0 + s * 0.4 * r**2
    turn = euler2mat(*shape.rpy, axes='sxyz')
    return np.asarray(turn @ np.diag([across, across, along]) @ turn.T)
