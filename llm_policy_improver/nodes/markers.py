"""Shapes as `visualization_msgs` markers in frame ``table``: what RViz and Foxglove draw, and need no tf for."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from llm_policy_improver.nodes.messages import FRAME, point
from llm_policy_improver.table_tennis.arm.frames import RigidTransform
from llm_policy_improver.table_tennis.shapes import Box, Capsule, Colour, Part, Vec

_NO_TURN: Final[Vec] = (0.0, 0.0, 0.0)
_UPRIGHT: Final = RigidTransform.from_rpy(_NO_TURN, _NO_TURN)


def marker(
    group: str, number: int, kind: int, scale: Vec, colour: Colour, pose: RigidTransform = _UPRIGHT,
    points: Iterable[Sequence[float]] = (),
) -> Marker:  # fmt: skip
    """One marker, which stays until another one of its group and number comes.

    Without a stamp: it is shown whatever the clock of the viewer says.

    Args:
        group: by which viewers show and hide.
        kind: one of the constants of ``Marker``.
        scale: m; what it means depends on the kind.
        pose: from its own frame to frame ``table``.
        points: m, in its own frame, of kinds that have some.
    """
    made = Marker(
        header=Header(frame_id=FRAME), ns=group, id=number, type=kind, action=Marker.ADD,
        scale=Vector3(x=scale[0], y=scale[1], z=scale[2]), color=colour_message(colour),
        points=[point(each) for each in points],
    )  # fmt: skip
    place(made, pose)
    return made


def place(moved: Marker, pose: RigidTransform) -> None:
    """Put a marker elsewhere: from its own frame to frame ``table``."""
    from transforms3d.quaternions import mat2quat

    w, x, y, z = map(float, mat2quat(pose.rotation))
    moved.pose = Pose(position=Point(**_xyz(pose.translation)), orientation=Quaternion(x=x, y=y, z=z, w=w))


def _xyz(position: Iterable[float]) -> dict[str, float]:
    return dict(zip('xyz', map(float, position), strict=True))


def colour_message(colour: Colour) -> ColorRGBA:
    """Red, green, blue and opacity."""
    r, g, b, a = colour
    return ColorRGBA(r=r, g=g, b=b, a=a)


def placed(position: Sequence[float]) -> RigidTransform:
    """At a place, m, frame ``table``, and not turned."""
    return RigidTransform.from_rpy(position, _NO_TURN)


def text_marker(group: str, number: int, text: str, where: Vec, height: float, colour: Colour) -> Marker:
    """Words that face the viewer; ``height`` of a capital letter, m."""
    made = marker(group, number, Marker.TEXT_VIEW_FACING, (0.0, 0.0, height), colour, placed(where))
    made.text = text
    return made


class PartMarkers:
    """The markers of one part: a box or a cylinder, and the spheres at the ends of a capsule.

    Args:
        group: of markers.
        first: number of the first one.
        part: drawn in the frame of its body.
    """

    def __init__(self, group: str, first: int, part: Part) -> None:
        shape = part.shape
        if isinstance(shape, Box):
            x, y, z = (2.0 * half for half in shape.half)
            self._own = placed(shape.centre)
            self.all = [marker(group, first, Marker.CUBE, (x, y, z), part.colour)]
        elif isinstance(shape, Capsule):
            wide = 2.0 * shape.radius
            self._own = RigidTransform.from_rpy(shape.centre, shape.rpy)
            ends = [(0.0, 0.0, way * shape.length / 2.0) for way in (-1.0, 1.0)]
            self.all = [
                marker(group, first, Marker.CYLINDER, (wide, wide, shape.length), part.colour),
                marker(group, first + 1, Marker.SPHERE_LIST, (wide,) * 3, part.colour, points=ends),
            ]
        else:
            wide = 2.0 * shape.radius
            self._own = _UPRIGHT
            self.all = [marker(group, first, Marker.CYLINDER, (wide, wide, shape.thickness), part.colour)]
        self.move(_UPRIGHT)

    def move(self, body: RigidTransform) -> None:
        """Its body lies there: from its frame to frame ``table``."""
        pose = self._own.then(body)
        for each in self.all:
            place(each, pose)


def ring(centre: Vec, radius: float, corners: int = 32) -> list[Vec]:
    """m, a closed line around a point, level with the table."""
    x, y, z = centre
    angles = [2.0 * math.pi * corner / corners for corner in range(corners + 1)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle), z) for angle in angles]
