"""Where the arm may be: the limits less their margins, and how far blade and forearm are beyond them, compiled.

Positions (8,) in m and rad, of the joints in the order of `arm.joints.JOINTS`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.kinematics import blade_and_forearm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import Vec
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits

Array = NDArray[np.float64]

_SPARED = 0.5
"""Of the margins, that is kept where the drives are left to themselves: joints shake each other."""


class InnerLimits(NamedTuple):
    """The limits for the compiled functions; positions and boxes are those less their margins.

    The ends that hold where the drives are left to themselves lie further out (``silent_low``, ``silent_high``, m and
    rad; ``silent_depth``, m beyond the inner workspace): margins are there for what goes wrong, as a pause.
    """

    velocity: Array
    acceleration: Array
    jerk: Array
    low: Array
    high: Array
    soft_zone: Array
    blade_low: Vec
    blade_high: Vec
    forearm_low: Vec
    forearm_high: Vec
    forearm_radius: float
    clearance: float
    margin: float
    longest_tick: float
    drive_timeout: float
    silent_low: Array
    silent_high: Array
    silent_depth: float


def inner_limits(limits: SafetyLimits) -> InnerLimits:
    """These limits for the compiled functions."""
    position_margin, margin = np.array(limits.position_margin), limits.workspace_margin

    def inward(corner: Vec, by: float) -> Vec:
        x, y, z = corner
        return (x + by, y + by, z + by)

    return InnerLimits(
        velocity=np.array(limits.velocity),
        acceleration=np.array(limits.acceleration),
        jerk=np.array(limits.jerk),
        low=np.array(limits.position_low) + position_margin,
        high=np.array(limits.position_high) - position_margin,
        soft_zone=np.array(limits.soft_zone),
        blade_low=inward(limits.blade_low, margin),
        blade_high=inward(limits.blade_high, -margin),
        forearm_low=inward(limits.forearm_low, margin),
        forearm_high=inward(limits.forearm_high, -margin),
        forearm_radius=float(limits.forearm_radius),
        clearance=limits.table_clearance + margin,
        margin=float(margin),
        longest_tick=float(limits.longest_tick),
        drive_timeout=float(limits.drive_timeout),
        silent_low=np.array(limits.position_low) + _SPARED * position_margin,
        silent_high=np.array(limits.position_high) - _SPARED * position_margin,
        silent_depth=(1.0 - _SPARED) * margin,
    )


@compiled
def outside(limits: InnerLimits, q: Array) -> float:
    """m by which the arm at joint positions ``q`` (8,) is beyond the inner workspace; negative inside."""
    centre, normal, elbow, wrist, handle = blade_and_forearm(q)
    radius, half = arm.BLADE_RADIUS, 0.5 * arm.BLADE_THICKNESS
    # How far a disc reaches along an axis follows from how far it leans that way.
    size = (
        radius * math.sqrt(max(1.0 - normal[0] * normal[0], 0.0)) + half * abs(normal[0]),
        radius * math.sqrt(max(1.0 - normal[1] * normal[1], 0.0)) + half * abs(normal[1]),
        radius * math.sqrt(max(1.0 - normal[2] * normal[2], 0.0)) + half * abs(normal[2]),
    )
    link = (limits.forearm_radius, limits.forearm_radius, limits.forearm_radius)
    low, high = limits.forearm_low, limits.forearm_high
    return max(
        _beyond(limits.blade_low, limits.blade_high, centre, size), _in_table(limits, centre, size),
        _beyond(low, high, elbow, link), _in_table(limits, elbow, link),
        _beyond(low, high, wrist, link), _in_table(limits, wrist, link),
        _beyond(low, high, handle, link), _in_table(limits, handle, link),
    )  # fmt: skip


@compiled
def _beyond(low: Vec, high: Vec, centre: Vec, size: Vec) -> float:
    """m by which a body of this half size is beyond the box."""
    return max(
        low[0] - centre[0] + size[0], centre[0] + size[0] - high[0],
        low[1] - centre[1] + size[1], centre[1] + size[1] - high[1],
        low[2] - centre[2] + size[2], centre[2] + size[2] - high[2],
    )  # fmt: skip


@compiled
def _in_table(limits: InnerLimits, centre: Vec, size: Vec) -> float:
    """m by which a body of this half size is in, under or too low above the table; negative if it is not."""
    return min(
        table.HALF_WIDTH + limits.margin - abs(centre[0]) + size[0],
        table.HALF_LENGTH + limits.margin - abs(centre[1]) + size[1],
        limits.clearance - centre[2] + size[2],
    )
