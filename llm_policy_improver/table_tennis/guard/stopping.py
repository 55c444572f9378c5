"""Can the arm still be stopped? The formulas of the safety stage, compiled.

Velocities (8,) in m/s and rad/s, positions (8,) in m and rad, of the joints in the order of `arm.joints.JOINTS`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.arm.kinematics import blade_and_forearm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import Vec
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits

Array = NDArray[np.float64]


class InnerLimits(NamedTuple):
    """The limits for the compiled functions; positions and boxes are those less their margins."""

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
    )


_ROUNDING = 1.0 + 1e-9
_MOST_STEPS = 2000
"""On the way to standstill; one that takes longer counts as none."""
_SHORTEST_TICK = 0.001
"""s between two calls."""
_CATCH_UP = 0.04
"""s, steps in which the drives catch up once their set points rest."""
_CATCH_UP_STEPS = 10


@compiled
def next_velocity(
    goal: float, velocity: float, acceleration: float, most: float, jerk: float, dt: float
) -> float:
    """The next velocity on the way to rest at ``goal``, within acceleration ``most`` and ``jerk``.

    The acceleration is the one that can still be taken back until then: n steps of jerk * dt down to nothing make a
    way of n (n + 1) / 2 times jerk * dt^2.
    """
    way, change = goal - velocity, jerk * dt
    if abs(way) <= min(most, change) * dt and abs(way / dt - acceleration) <= change:
        return goal
    half = 0.5 * change
    pull = min(math.sqrt(half * half + 2.0 * jerk * abs(way)) - half, abs(way) / dt, most)
    pull = math.copysign(pull, way)
    return velocity + dt * min(max(pull, acceleration - change), acceleration + change)


@compiled
def braking_step(limits: InnerLimits, velocity: Array, acceleration: Array, dt: float) -> Array:
    """The next velocity (8,) on the way to standstill."""
    following = np.empty(len(velocity))
    for joint in range(len(velocity)):
        following[joint] = next_velocity(
            0.0, velocity[joint], acceleration[joint], limits.acceleration[joint], limits.jerk[joint], dt
        )
    return following


@compiled
def joint_stops(
    limits: InnerLimits, joint: int, position: float, before: float, velocity: float, dt: float
) -> bool:
    """Whether a joint that goes on with ``velocity`` can brake within its speed limit and its inner range.

    Both if the next call comes after ``dt`` and if it comes after the longest tick. A joint that is outside
    already, as one that was pushed there, must not go further.

    Args:
        before: m/s or rad/s, the velocity until now.
    """
    low, high = min(limits.low[joint], position), max(limits.high[joint], position)
    late = velocity * max(limits.longest_tick - dt, 0.0)
    begin = position + velocity * dt
    # In short steps jerk acts later: whatever the coming ticks will be, they lie between these two.
    for step in (dt, _SHORTEST_TICK):
        place, speed, pull = begin, velocity, (velocity - before) / dt
        for _ in range(_MOST_STEPS):
            if abs(speed) > limits.velocity[joint] * _ROUNDING:
                return False
            if not (low <= place <= high and low <= place + late <= high):
                return False
            if speed == 0.0 and pull == 0.0:
                break
            following = next_velocity(0.0, speed, pull, limits.acceleration[joint], limits.jerk[joint], step)
            pull = (following - speed) / step
            speed = following
            place += speed * step
        else:
            return False
    return True


@compiled
def arm_stops(
    limits: InnerLimits, position: Array, before: Array, measured: Array, velocity: Array, dt: float
) -> bool:
    """Whether an arm that goes on with ``velocity`` can brake inside all limits.

    In space are checked the set points, those if the next call comes after the longest tick, and the joints that
    follow from where they were measured, each with its drive's lag. Outside already, the arm must not go deeper.
    """
    deepest = max(outside(limits, position), 0.0)
    deepest_measured = max(outside(limits, measured), 0.0)
    for joint in range(len(velocity)):
        if not joint_stops(limits, joint, position[joint], before[joint], velocity[joint], dt):
            return False
    late = velocity * max(limits.longest_tick - dt, 0.0)
    acceleration = (velocity - before) / dt
    step = max(dt, _SHORTEST_TICK)
    following_share = 1.0 - np.exp(-step / LAG)
    position = position + velocity * dt
    for _ in range(_MOST_STEPS):
        measured = measured + following_share * (position - measured)
        if (
            outside(limits, position) > deepest
            or outside(limits, position + late) > deepest
            or outside(limits, measured) > deepest_measured
        ):
            return False
        if not (np.any(velocity) or np.any(acceleration)):
            break
        following = braking_step(limits, velocity, acceleration, step)
        acceleration = (following - velocity) / step
        velocity = following
        position = position + velocity * step
    else:
        return False
    following_share = 1.0 - np.exp(-_CATCH_UP / LAG)
    for _ in range(_CATCH_UP_STEPS):
        measured = measured + following_share * (position - measured)
        if outside(limits, measured) > deepest_measured:
            return False
    return True


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
