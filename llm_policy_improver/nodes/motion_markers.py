"""What moves: the arm's links, the ball with its way behind and ahead of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from visualization_msgs.msg import Marker, MarkerArray

from llm_policy_improver.nodes.markers import PartMarkers, marker, placed
from llm_policy_improver.table_tennis.arm.frames import RigidTransform
from llm_policy_improver.table_tennis.arm.links import LINKS, link_poses
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.shapes import YELLOW, Colour, Vec

ARM: Final = 'arm'
BALL: Final = 'ball'
_BEHIND: Final[Colour] = (1.0, 0.85, 0.3, 0.6)
_AHEAD: Final[Colour] = (0.3, 0.75, 1.0, 0.8)
_THIN: Final[Vec] = (0.012, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What is shown at one moment.

    Attributes:
        joints: (8,) m and rad; None where nothing is known of the arm.
        behind: m, where the ball was in the last moments, oldest first; empty where none is in sight.
        ahead: m, where it will be.
    """

    joints: NDArray[np.float64] | None
    behind: Sequence[Vec] = field(default=())
    ahead: Sequence[Vec] = field(default=())


class MotionMarkers:
    """Made once, and moved: to make a message costs more than to send it."""

    def __init__(self) -> None:
        self._links: list[tuple[str, PartMarkers]] = []
        count = 0
        for link in LINKS:
            for part in link.parts:
                made = PartMarkers(ARM, count, part)
                self._links.append((link.name, made))
                count += len(made.all)

    def of(self, moment: Moment) -> MarkerArray:
        """All that moves, as it is at this moment; what is not in it is taken away."""
        poses: dict[str, RigidTransform] = {} if moment.joints is None else link_poses(moment.joints)
        shown = []
        for link, part in self._links:
            if link in poses:
                part.move(poses[link])
                shown += part.all
        return MarkerArray(markers=[*shown, *_ball(moment)])


def _ball(moment: Moment) -> list[Marker]:
    lines = []
    for number, (way, colour) in enumerate(((moment.behind, _BEHIND), (moment.ahead, _AHEAD)), start=1):
        if len(way) > 1:
            lines.append(marker(BALL, number, Marker.LINE_STRIP, _THIN, colour, points=way))
        else:
            lines.append(_gone(number))
    if not moment.behind:
        return [_gone(0), *lines]
    wide = 2.0 * table.BALL_RADIUS
    return [marker(BALL, 0, Marker.SPHERE, (wide, wide, wide), YELLOW, placed(moment.behind[-1])), *lines]


def _gone(number: int) -> Marker:
    return Marker(ns=BALL, id=number, action=Marker.DELETE)
