"""How the recorded frame lies to the table, as bounces show it: how high the surface is, and how far it is tilted.

Where on the table a bounce was, nothing tells: shifts along x and y, and a turn about z, stay as they are.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from llm_policy_improver.table_tennis.arm.frames import RigidTransform
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.flight import along, parabola

Array = NDArray[np.float64]

_SPAN: Final = 4
"""Sightings on each side of a lowest one that show the ball falling and rising."""
_SIDE: Final = 9
"""Sightings on each side that a parabola is laid through."""
_SINKING: Final = 0.5
"""m/s on both sides of a bounce, at least."""
_NEAR: Final = 0.3
"""m that the surface may be off in the recorded frame."""
_FEWEST: Final = 8
"""Bounces that show a tilt."""
_SCATTER: Final = 0.005
"""m beyond which a bounce counts less."""


def level(height: float, roll: float, pitch: float) -> RigidTransform:
    """The transform from the recorded frame: turned by roll and then pitch, rad, and raised, m."""
    return RigidTransform.from_rpy((0.0, 0.0, height), (roll, pitch, 0.0))


def after(later: RigidTransform, first: RigidTransform) -> RigidTransform:
    """The two, one after the other, as one."""
    return RigidTransform(
        later.rotation @ first.rotation, later.rotation @ first.translation + later.translation
    )


def moved(transform: RigidTransform, position: Array) -> Array:
    """Positions (n, 3), m, in the new frame."""
    return np.asarray(position @ transform.rotation.T + transform.translation)


def first_level(tracks: Sequence[tuple[Array, Array]]) -> RigidTransform:
    """Roughly how the frame lies, so that bounces are found where they are: a plane through the lowest points.

    Args:
        tracks: (n,) s and (n, 3) m each, in order of time.

    Returns:
        No change where too few bounces are seen.
    """
    points = np.array([point for track in tracks for point in _low_points(*track)]).reshape(-1, 3)
    if len(points) < _FEWEST:
        return level(0.0, 0.0, 0.0)
    x, y, z = points.T

    def off(plane: Array) -> Array:
        return np.asarray(plane[0] + plane[1] * x + plane[2] * y - z)

    wide = min(np.ptp(x), np.ptp(y)) > 0.2
    begin = np.array([np.median(z), 0.0, 0.0])
    if not wide:
        return level(-float(begin[0]), 0.0, 0.0)
    a, by_x, by_y = least_squares(off, begin, loss='soft_l1', f_scale=_SCATTER).x.tolist()
    # A slope along x is taken away by a pitch, one along y by a roll the other way.
    return level(-a, -float(np.arctan(by_y)), float(np.arctan(by_x)))


def _low_points(time: Array, position: Array) -> list[Array]:
    """m, where the ball's lowest point met the table: the paths before and after, carried on to where they meet."""
    height, found = position[:, 2], []
    for row in range(_SIDE, len(time) - _SIDE):
        if height[row] > height[row - _SPAN : row + _SPAN + 1].min() or abs(height[row]) > _NEAR:
            continue
        down = (height[row] - height[row - _SPAN]) / (time[row] - time[row - _SPAN])
        up = (height[row + _SPAN] - height[row]) / (time[row + _SPAN] - time[row])
        if down > -_SINKING or up < _SINKING or time[row + _SIDE] - time[row - _SIDE] > 0.3:
            continue
        before, behind = slice(row - _SIDE, row), slice(row + 1, row + _SIDE + 1)
        falling = parabola(time[before] - time[row], height[before])
        rising = parabola(time[behind] - time[row], height[behind])
        meeting = [root.real for root in np.roots((falling - rising)[::-1]) if abs(root.imag) < 1e-9]
        moment = min(meeting, key=abs, default=np.inf)
        if abs(moment) < 0.02:
            low = float(along(falling, moment)) - table.BALL_RADIUS
            found.append(np.array([position[row, 0], position[row, 1], low]))
    return found
