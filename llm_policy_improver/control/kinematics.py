"""Forward and differential kinematics of the arm, in plain floats."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver import arm
from llm_policy_improver.ball import Vec

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


_MIX = {(1.0, 0.0, 0.0): (1, 2), (0.0, 1.0, 0.0): (2, 0), (0.0, 0.0, 1.0): (0, 1)}


class ArmKinematics:
    """Kinematics of the arm described in `llm_policy_improver.arm`."""

    def __init__(self) -> None:
        tilt = arm.BLADE_TILT
        self._blade_normal = (0.0, -math.sin(tilt), math.cos(tilt))
        self._hinges = [(_MIX[joint.axis], joint.axis.index(1.0), joint.offset) for joint in arm.ARM[2:]]

    def blade(self, q: Array) -> BladePose:
        """Pose of the blade at joint positions ``q`` (8,), m and rad."""
        return self._chain(q)[0]

    def blade_with_jacobian(self, q: Array) -> tuple[BladePose, Array, Array]:
        """Pose, and the (3, 8) derivatives of its centre and of its normal by the joint positions."""
        pose, axes = self._chain(q)
        (cx, cy, cz), (nx, ny, nz) = pose.centre, pose.normal
        centre = np.zeros((3, len(q)))
        normal = np.zeros((3, len(q)))
        centre[1, 0] = centre[0, 1] = 1.0  # the slides move the blade along y and x
        for column, (px, py, pz, ax, ay, az) in enumerate(axes, start=2):
            rx, ry, rz = cx - px, cy - py, cz - pz
            centre[:, column] = (ay * rz - az * ry, az * rx - ax * rz, ax * ry - ay * rx)
            normal[:, column] = (ay * nz - az * ny, az * nx - ax * nz, ax * ny - ay * nx)
        return pose, centre, normal

    def _chain(self, q: Array) -> tuple[BladePose, list[tuple[float, ...]]]:
        """The blade's pose and, for each hinge, its position and axis (6 floats)."""
        values = q.tolist() if isinstance(q, np.ndarray) else list(q)
        bx, by, bz = arm.BASE
        px, py, pz = bx + values[1], by + values[0], bz
        # Columns of the rotation: the frame's x, y and z axes in frame `table`; x points to the opponent.
        columns = [(0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)]
        axes: list[tuple[float, ...]] = []
        for (first, second), index, (ox, oy, oz) in self._hinges:
            (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = columns
            px += ox * xx + oy * yx + oz * zx
            py += ox * xy + oy * yy + oz * zy
            pz += ox * xz + oy * yz + oz * zz
            axes.append((px, py, pz, *columns[index]))
            angle = values[len(axes) + 1]
            c, s = math.cos(angle), math.sin(angle)
            (ax, ay, az), (dx, dy, dz) = columns[first], columns[second]
            columns[first] = (c * ax + s * dx, c * ay + s * dy, c * az + s * dz)
            columns[second] = (c * dx - s * ax, c * dy - s * ay, c * dz - s * az)
        centre = _in_frame(columns, arm.BLADE_OFFSET)
        normal = _in_frame(columns, self._blade_normal)
        return BladePose((px + centre[0], py + centre[1], pz + centre[2]), normal), axes


def _in_frame(columns: list[Vec], v: Vec) -> Vec:
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = columns
    return (
        v[0] * xx + v[1] * yx + v[2] * zx,
        v[0] * xy + v[1] * yy + v[2] * zy,
        v[0] * xz + v[1] * yz + v[2] * zz,
    )
