"""What is drawn into the scene beside the arm: the ball as it was seen, its way, the aim, the landing."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import mujoco
import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball import table

Array = NDArray[np.float64]
Colour = tuple[float, float, float, float]

BALL: Final[Colour] = (1.0, 0.85, 0.3, 1.0)
"""That of the return's way, too."""
COMING: Final[Colour] = (0.82, 0.87, 0.93, 1.0)
AIM: Final[Colour] = (1.0, 0.25, 0.3, 1.0)
LANDING: Final[Colour] = (1.0, 1.0, 1.0, 1.0)
_LOST: Final[Colour] = (*BALL[:3], 0.35)
_SHADOW: Final[Colour] = (0.0, 0.0, 0.0, 0.4)
_BLUE: Final[Colour] = (0.05, 0.25, 0.5, 1.0)

_BALL_RADIUS: Final = 1.5 * table.BALL_RADIUS
"""m; in its true size it would be two or three pixels."""
_WAY_WIDTH: Final = 2.5
"""pixels"""
_AIM_WIDTH: Final = 0.05
"""m, of a line to aim at."""
_AIM_RADIUS: Final = 0.06
_LANDING_RADIUS: Final = 0.045
_FLAT: Final = 0.0003
"""m, half the thickness of what lies on the table."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Of one moment of a trial; all in frame ``table``, m.

    Attributes:
        ball: (3,) where it is, or was seen last; None before the first sighting.
        seen: whether it is seen at this moment.
        coming, returned: its way so far, before and after the hit, as stretches (k, 3).
        aim_x, aim_y: where a landing is wanted; None where the objective leaves it open.
        landing: where the ball first touched the table after the hit; None before that.
    """

    ball: Array | None = None
    seen: bool = True
    coming: tuple[Array, ...] = field(default=())
    returned: tuple[Array, ...] = field(default=())
    aim_x: float | None = None
    aim_y: float | None = None
    landing: tuple[float, float] | None = None

    def add_to(self, scene: mujoco.MjvScene) -> None:
        """Append them to the geoms of a scene that is about to be drawn."""
        self._add_aim(scene)
        if self.landing is not None:
            _disc(scene, self.landing, _LANDING_RADIUS, 3, LANDING)
            _disc(scene, self.landing, 0.55 * _LANDING_RADIUS, 4, _BLUE)
        for stretches, colour in ((self.coming, COMING), (self.returned, BALL)):
            for stretch in stretches:
                for start, end in pairwise(stretch):
                    _line(scene, start, end, colour)
        if self.ball is not None:
            if table.over_surface(float(self.ball[0]), float(self.ball[1])) and self.ball[2] > 0.0:
                # Tells how high it is, without the cost of real shadows.
                _disc(scene, (float(self.ball[0]), float(self.ball[1])), _BALL_RADIUS, 5, _SHADOW)
            colour = BALL if self.seen else _LOST
            _add(scene, mujoco.mjtGeom.mjGEOM_SPHERE, [_BALL_RADIUS] * 3, self.ball, colour)

    def _add_aim(self, scene: mujoco.MjvScene) -> None:
        x, y = self.aim_x, self.aim_y
        box, half = mujoco.mjtGeom.mjGEOM_BOX, _AIM_WIDTH / 2.0
        if x is not None and y is not None:
            _disc(scene, (x, y), _AIM_RADIUS, 1, AIM)
            _disc(scene, (x, y), 0.6 * _AIM_RADIUS, 2, LANDING)
            _disc(scene, (x, y), 0.3 * _AIM_RADIUS, 3, AIM)
        elif x is not None:
            size, place = [half, table.HALF_LENGTH / 2.0, _FLAT], [x, table.HALF_LENGTH / 2.0, _height(1)]
            _add(scene, box, size, np.array(place), AIM)
        elif y is not None:
            _add(scene, box, [table.HALF_WIDTH, half, _FLAT], np.array([0.0, y, _height(1)]), AIM)


def _height(layer: int) -> float:
    """m: what lies above something else on the table is drawn above it."""
    return layer * 3.0 * _FLAT


def _disc(
    scene: mujoco.MjvScene, place: tuple[float, float], radius: float, layer: int, colour: Colour
) -> None:
    size = [radius, _FLAT, 0.0]
    _add(scene, mujoco.mjtGeom.mjGEOM_CYLINDER, size, np.array([*place, _height(layer)]), colour)


def _line(scene: mujoco.MjvScene, start: Array, end: Array, colour: Colour) -> None:
    geom = _add(scene, mujoco.mjtGeom.mjGEOM_LINE, [0.0] * 3, start, colour)
    if geom is not None:
        mujoco.mjv_connector(geom, mujoco.mjtGeom.mjGEOM_LINE, _WAY_WIDTH, start, end)


def _add(
    scene: mujoco.MjvScene, kind: mujoco.mjtGeom, size: list[float], place: Array, colour: Colour
) -> mujoco.MjvGeom | None:
    """The new geom; None where the scene is full."""
    if scene.ngeom == scene.maxgeom:
        return None
    geom = scene.geoms[scene.ngeom]
    mujoco.mjv_initGeom(
        geom, kind, np.array(size), place, np.eye(3).ravel(), np.array(colour, dtype=np.float32)
    )
    scene.ngeom += 1
    return geom
