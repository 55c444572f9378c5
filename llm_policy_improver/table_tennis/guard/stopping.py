"""Can the arm still be stopped? The formulas of the safety stage, compiled.

Velocities (8,) in m/s and rad/s, positions (8,) in m and rad, of the joints in the order of `arm.joints.JOINTS`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.guard.silence import silent_arm_within, silent_end, silent_way
from llm_policy_improver.table_tennis.guard.workspace import InnerLimits, outside

Array = NDArray[np.float64]

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

    Both if the next call comes after ``dt`` and if it comes after the longest tick; and so far that the drive may stop
    it by itself, where no call comes any more. A joint that is outside already, as one that was pushed there, must
    not go further.

    Args:
        before: m/s or rad/s, the velocity until now.
    """
    low, high = min(limits.low[joint], position), max(limits.high[joint], position)
    silent_low, silent_high = min(limits.silent_low[joint], position), max(limits.silent_high[joint], position)
    late = velocity * max(limits.longest_tick - dt, 0.0)
    begin = position + velocity * dt
    # In short steps jerk acts later: whatever the coming ticks will be, they lie between these two.
    for step in (dt, _SHORTEST_TICK):
        # ``speed`` is at work for ``gone`` by the time that the joint is at ``place``.
        place, speed, pull, gone = begin, velocity, (velocity - before) / dt, dt
        for _ in range(_MOST_STEPS):
            if abs(speed) > limits.velocity[joint] * _ROUNDING:
                return False
            if not (low <= place <= high and low <= place + late <= high):
                return False
            if not silent_low <= place - speed * gone + silent_way(limits, joint, speed) <= silent_high:
                return False
            if speed == 0.0 and pull == 0.0:
                break
            following = next_velocity(0.0, speed, pull, limits.acceleration[joint], limits.jerk[joint], step)
            pull = (following - speed) / step
            speed = following
            place, gone = place + speed * step, step
        else:
            return False
    return True


@compiled
def arm_stops(
    limits: InnerLimits, position: Array, before: Array, measured: Array, velocity: Array, dt: float
) -> bool:
    """Whether an arm that goes on with ``velocity`` can brake inside all limits.

    In space are checked the set points, those if the next call comes after the longest tick, and the joints that
    follow from where they were measured, each with its drive's lag; and where no call comes any more, now or on the
    way to rest. Outside already, the arm must not go deeper.
    """
    deepest = max(outside(limits, position), 0.0)
    deepest_measured = max(outside(limits, measured), 0.0)
    for joint in range(len(velocity)):
        if not joint_stops(limits, joint, position[joint], before[joint], velocity[joint], dt):
            return False
    if not silent_arm_within(limits, position, measured, velocity):
        return False
    silent_depth = max(outside(limits, position), limits.silent_depth)
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
        if outside(limits, silent_end(limits, position, following)) > silent_depth:
            return False
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
