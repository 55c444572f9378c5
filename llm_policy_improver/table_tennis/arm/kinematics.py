"""Forward and differential kinematics of the arm."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball.laws import cross, minus
from llm_policy_improver.table_tennis.ball.state import Vec

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BladePose:
    """Where the blade is, in frame ``table``.

    Attributes:
        centre: m.
        normal: unit vector of the side that hits.
    """

    centre: Vec
    normal: Vec


class Kinematics(Protocol):
    """What the controller needs to know of an arm; another arm is another implementation."""

    def blade(self, q: Array) -> BladePose:
        """Pose of the blade at joint positions ``q`` (8,), m and rad."""

    def blade_with_jacobian(self, q: Array) -> tuple[BladePose, Array, Array]:
        """Pose, and the (3, 8) derivatives of its centre and of its normal by the joint positions."""

    def blade_path(self, q: Array) -> Array:
        """Centre of the blade (n, 3), m, at joint positions ``q`` (n, 8), m and rad."""


class ArmKinematics:
    """Kinematics of the arm described in `llm_policy_improver.table_tennis.arm.facts`."""

    def blade(self, q: Array) -> BladePose:
        """Pose of the blade at joint positions ``q`` (8,), m and rad."""
        centre, normal, _ = _chain(q)
        return BladePose(centre, normal)

    def blade_with_jacobian(self, q: Array) -> tuple[BladePose, Array, Array]:
        """Pose, and the (3, 8) derivatives of its centre and of its normal by the joint positions."""
        centre, normal, by_centre, by_normal = _chain_with_jacobian(q)
        return BladePose(centre, normal), by_centre, by_normal

    def blade_path(self, q: Array) -> Array:
        """Centre of the blade (n, 3), m, at joint positions ``q`` (n, 8), m and rad."""
        return _path(q)

    def forearm(self, q: Array) -> tuple[Vec, Vec, Vec]:
        """Elbow (axis_3), wrist (axis_5) and the handle's middle, m, at joint positions ``q`` (8,), m and rad."""
        return blade_and_forearm(q)[2:]


_SLIDES = 2
_HINGES = arm.ARM[_SLIDES:]
_AXES = np.array([joint.axis.index(1.0) for joint in _HINGES])
_OFFSETS = np.array([joint.offset for joint in _HINGES])
_HANDLE_SHARE = 0.35
"""Of the way from the flange to the blade's centre: the middle of the handle."""
_BLADE_NORMAL: Vec = (0.0, -math.sin(arm.BLADE_TILT), math.cos(arm.BLADE_TILT))


@compiled
def _chain(q: Array) -> tuple[Vec, Vec, Array]:
    """The blade's centre and normal, and position and axis (6, 2, 3) of each hinge."""
    hinges = np.empty((len(_OFFSETS), 2, 3))
    x, y, z = arm.BASE
    place = (x + q[1], y + q[0], z)
    # Columns: the frame's x, y and z axes in frame `table`; x points to the opponent.
    turn = np.array(((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)))
    for hinge in range(len(_OFFSETS)):
        dx, dy, dz = _turned(turn, _vector(_OFFSETS[hinge]))
        place = (place[0] + dx, place[1] + dy, place[2] + dz)
        axis = _AXES[hinge]
        first, second = (axis + 1) % 3, (axis + 2) % 3
        c, s = math.cos(q[_SLIDES + hinge]), math.sin(q[_SLIDES + hinge])
        for row in range(3):
            hinges[hinge, 0, row], hinges[hinge, 1, row] = place[row], turn[row, axis]
            a, b = turn[row, first], turn[row, second]
            turn[row, first], turn[row, second] = c * a + s * b, c * b - s * a
    bx, by, bz = _turned(turn, arm.BLADE_OFFSET)
    return (place[0] + bx, place[1] + by, place[2] + bz), _turned(turn, _BLADE_NORMAL), hinges


@compiled
def blade_and_forearm(q: Array) -> tuple[Vec, Vec, Vec, Vec, Vec]:
    """The blade's centre and normal, and elbow (axis_3), wrist (axis_5) and the handle's middle, m."""
    centre, normal, hinges = _chain(q)
    elbow, wrist, flange = _vector(hinges[2, 0]), _vector(hinges[4, 0]), _vector(hinges[5, 0])
    handle = (
        flange[0] + _HANDLE_SHARE * (centre[0] - flange[0]),
        flange[1] + _HANDLE_SHARE * (centre[1] - flange[1]),
        flange[2] + _HANDLE_SHARE * (centre[2] - flange[2]),
    )
    return centre, normal, elbow, wrist, handle


@compiled
def _path(q: Array) -> Array:
    centres = np.empty((len(q), 3))
    for row in range(len(q)):
        centres[row, 0], centres[row, 1], centres[row, 2] = _chain(q[row])[0]
    return centres


@compiled
def _chain_with_jacobian(q: Array) -> tuple[Vec, Vec, Array, Array]:
    """The blade's centre and normal, and their derivatives (3, 8)."""
    centre, normal, hinges = _chain(q)
    by_centre, by_normal = np.zeros((3, len(q))), np.zeros((3, len(q)))
    by_centre[1, 0] = by_centre[0, 1] = 1.0  # the slides move the blade along y and x
    for hinge in range(len(hinges)):
        place, axis = _vector(hinges[hinge, 0]), _vector(hinges[hinge, 1])
        turning, tilting = cross(axis, minus(centre, place)), cross(axis, normal)
        for row in range(3):
            by_centre[row, _SLIDES + hinge] = turning[row]
            by_normal[row, _SLIDES + hinge] = tilting[row]
    return centre, normal, by_centre, by_normal


@compiled
def _turned(turn: Array, v: Vec) -> Vec:
    return (
        v[0] * turn[0, 0] + v[1] * turn[0, 1] + v[2] * turn[0, 2],
        v[0] * turn[1, 0] + v[1] * turn[1, 1] + v[2] * turn[1, 2],
        v[0] * turn[2, 0] + v[1] * turn[2, 1] + v[2] * turn[2, 2],
    )


@compiled
def _vector(array: Array) -> Vec:
    return (array[0], array[1], array[2])
