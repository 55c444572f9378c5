"""Where on the blade the ball was hit: near its edge a return is another one, or none."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.kinematics import Kinematics
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.flight import find_hit, parabola
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

Array = NDArray[np.float64]

HIT_RIGHT, HIT_ABOVE = 'hit_right', 'hit_above'
"""Measures: m, from the blade's middle to where it met the ball, in its plane: along x of frame ``table``, and up."""
_SEEN: Final = 0.1
"""s before the hit of which the sightings tell where the ball was going."""
_FEWEST: Final = 4
"""Sightings in that time."""
_AROUND: Final = (-0.02, 0.03)
"""s around the sighting nearest to the hit, between which the ball met the blade."""
_STEP: Final = 0.001
_APART: Final = 0.02
"""m between ball and blade where they are nearest; from there on the encoders tell of another moment."""
_SIDEWAYS: Final = 0.99
"""Part of the blade's normal along x beyond which its plane has no right."""
_CONTACT: Final = table.BALL_RADIUS + arm.BLADE_THICKNESS / 2.0


def place_on_blade(samples: TraceSamples, kinematics: Kinematics) -> dict[str, float]:
    """Where the incoming ball met the blade, by the measures' names; empty where that cannot be told.

    The ball goes on along the parabola of its last sightings until it touches the plane of the blade, whose place and
    direction the encoders tell.
    """
    time, position, joints = samples.ball_time, samples.ball_position, samples.joint_time
    hit = find_hit(time, position)
    if hit is None or len(joints) < 2:
        return {}
    seen = (time[:hit] > time[hit] - _SEEN).nonzero()[0]
    # What was before a bounce says nothing of after.
    seen = seen[int(np.argmin(position[seen, 2])) :] if _bounced(position[seen, 2]) else seen
    if len(seen) < _FEWEST:
        return {}
    moments = time[hit] + np.arange(*_AROUND, _STEP)
    moments = moments[(moments >= joints[0]) & (moments <= joints[-1])]
    if len(moments) == 0:
        return {}
    ball = np.stack([np.ones_like(moments), moments - time[hit], (moments - time[hit]) ** 2], axis=1) @ parabola(
        time[seen] - time[hit], position[seen]
    )
    places = np.stack([np.interp(moments, joints, each) for each in samples.joint_position.T], axis=1)
    blades = [kinematics.blade(each) for each in places]
    away = ball - np.array([each.centre for each in blades])
    normals = np.array([each.normal for each in blades])
    along = np.einsum('ij,ij->i', away, normals)
    touch = int(np.argmin(np.abs(along - _CONTACT)))
    normal = normals[touch]
    if abs(along[touch] - _CONTACT) > _APART or abs(normal[0]) > _SIDEWAYS:
        return {}
    right = np.array((1.0, 0.0, 0.0)) - normal[0] * normal
    right /= np.linalg.norm(right)
    return {
        HIT_RIGHT: float(away[touch] @ right),
        HIT_ABOVE: float(away[touch] @ np.cross(right, normal)),
    }


def _bounced(heights: Array) -> bool:
    return 0 < int(np.argmin(heights)) < len(heights) - _FEWEST
