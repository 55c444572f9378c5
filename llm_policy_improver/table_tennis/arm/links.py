"""The arm as a chain of links: what MuJoCo's model, the URDF and the markers are all made of.

Each link hangs on the one before it, the first one in frame ``table``.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.frames import RigidTransform
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.shapes import DARK, GREY, ORANGE, RED, Box, Capsule, Disc, Part, Vec

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Link:
    """A rigid body of the arm.

    Attributes:
        name: of it and of its frame.
        offset: m, from the frame of the link before.
        turn: the axis and the angle, rad, by which it is turned against that frame.
        joint: that moves it, from there; None: it is fixed.
        parts: in its own frame.
        collides: whether its parts can touch anything.
    """

    name: str
    offset: Vec
    turn: tuple[Vec, float]
    joint: arm.Joint | None
    parts: tuple[Part, ...]
    collides: bool = True

    @property
    def rpy(self) -> Vec:
        """rad, the turn as roll, pitch and yaw; its axis is one of the frame."""
        (x, y, z), angle = self.turn
        return (x * angle, y * angle, z * angle)


_STRAIGHT: Final = ((0.0, 0.0, 1.0), 0.0)
_JOINT: Final = {joint.name: joint for joint in arm.ARM}


def _gantry(name: str, offset: Vec, joint: str, part: Part) -> Link:
    """It runs on rails below the table's surface and touches nothing."""
    return Link(name, offset, _STRAIGHT, _JOINT[joint], (part,), collides=False)


def _axis(name: str, end: Vec, radius: float, mass: float, start: Vec = (0.0, 0.0, 0.0)) -> Link:
    joint = _JOINT[name]
    part = Part(f'{name}_link', Capsule(start, end, radius), ORANGE, mass)
    return Link(name, joint.offset, _STRAIGHT, joint, (part,))


LINKS: Final[tuple[Link, ...]] = (
    _gantry('gantry', arm.BASE, 'slide_y', Part('gantry_part', Box((2.1, 0.06, 0.05), (0.0, 0.0, -0.31)), GREY, 50.0)),
    _gantry(
        'carriage', _JOINT['slide_x'].offset, 'slide_x',
        Part('carriage_part', Box((0.14, 0.11, 0.05), (0.0, 0.0, -0.20)), DARK, 30.0),
    ),
    Link(
        'base', (0.0, 0.0, 0.0), ((0.0, 0.0, 1.0), math.pi / 2),  # x towards the opponent
        None, (Part('base_link', Capsule((0.0, 0.0, -0.14), (0.0, 0.0, 0.10), 0.075), DARK, 5.0),), collides=False,
    ),
    _axis('axis_1', (0.0, 0.0, 0.181), 0.065, 5.0),
    _axis('axis_2', (0.0, 0.0, 0.280), 0.055, 4.5),
    _axis('axis_3', (0.06, 0.0, 0.010), 0.050, 2.5),
    _axis('axis_4', (0.300, 0.0, 0.0), 0.042, 2.5, start=(0.07, 0.0, 0.0)),
    _axis('axis_5', (0.04, 0.0, 0.0), 0.036, 1.0),
    _axis('axis_6', (0.015, 0.0, 0.0), 0.030, 0.5),
    Link(
        'paddle', arm.BLADE_OFFSET, ((1.0, 0.0, 0.0), arm.BLADE_TILT), None,
        (
            Part('blade', Disc(arm.BLADE_RADIUS, arm.BLADE_THICKNESS), RED, 0.15),
            Part('handle', Capsule((-0.15, 0.0, 0.0), (-0.08, 0.0, 0.0), 0.013), DARK, 0.03),
        ),
    ),
)  # fmt: skip
assert tuple(link.joint.name for link in LINKS if link.joint is not None) == JOINTS


def relative_poses(q: Array) -> dict[str, RigidTransform]:
    """From each link's frame to that of the one before it, at joint positions ``q`` (8,), m and rad."""
    from transforms3d.axangles import axangle2mat

    poses = {}
    for link in LINKS:
        rotation, position = axangle2mat(*link.turn, is_normalized=True), np.array(link.offset)
        if link.joint is not None:
            value = float(q[JOINTS.index(link.joint.name)])
            if link.joint.kind == 'slide':
                position = position + rotation @ (value * np.array(link.joint.axis))
            else:
                rotation = rotation @ axangle2mat(link.joint.axis, value, is_normalized=True)
        poses[link.name] = RigidTransform(rotation, position)
    return poses


def link_poses(q: Array) -> dict[str, RigidTransform]:
    """From each link's frame to frame ``table``, at joint positions ``q`` (8,), m and rad."""
    pose, poses = RigidTransform(np.eye(3), np.zeros(3)), {}
    for name, own in relative_poses(q).items():
        pose = poses[name] = own.then(pose)
    return poses
