"""What the drives do while nobody commands them, and whether that stays within the limits.

A drive holds its last velocity until its own command time-out, and then brakes by itself, at the acceleration limit of
its joint (docs/safety.md: an assumption, which commissioning tests). Whoever is back earlier brakes from the velocity
that was held until then, which takes a little longer, as jerk is limited then: the longer way is reckoned with.
"""

import math

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.guard.workspace import InnerLimits, outside

Array = NDArray[np.float64]

_STEPS = 12
"""In which the way of the joints behind their set points is followed."""
_CATCH_UP, _CATCH_UP_STEPS = 0.04, 8
"""s, and how many such steps in which the drives catch up."""


@compiled
def braking_way(velocity: float, most: float, jerk: float) -> float:
    """m or rad to rest from a velocity that was steady, within the acceleration ``most`` and ``jerk``; signed.

    The deceleration grows to p = min(most, sqrt(v jerk)) and falls again, which takes v / p + p / jerk; the profile is
    symmetric.
    """
    speed = abs(velocity)
    if speed == 0.0:
        return 0.0
    peak = min(most, math.sqrt(speed * jerk))
    return 0.5 * velocity * (speed / peak + peak / jerk)


@compiled
def silent_way(limits: InnerLimits, joint: int, velocity: float) -> float:
    """m or rad, signed: how far a joint that is sent ``velocity`` goes at most, where nothing follows in time."""
    return velocity * limits.drive_timeout + braking_way(
        velocity, limits.acceleration[joint], limits.jerk[joint]
    )


@compiled
def silent_arm_within(limits: InnerLimits, position: Array, measured: Array, velocity: Array) -> bool:
    """Whether an arm that is sent ``velocity`` (8,) now stays in its workspace, where nothing follows in time.

    For the set points (8,), from ``position`` on, and for the joints that follow them from where they were measured.
    """
    most = max(limits.silent_depth, outside(limits, position))
    most_measured = max(limits.silent_depth, outside(limits, measured))
    braking = np.empty(len(velocity))  # s until each joint stands
    for joint in range(len(velocity)):
        speed = abs(velocity[joint])
        if speed > 0.0:
            braking[joint] = 2.0 * braking_way(speed, limits.acceleration[joint], limits.jerk[joint]) / speed
        else:
            braking[joint] = 0.0
    lasting = limits.drive_timeout + np.max(braking)
    step = lasting / _STEPS
    follows = 1.0 - np.exp(-step / LAG)
    place = position
    for number in range(1, _STEPS + 1):
        time = number * step
        place = position.copy()
        for joint in range(len(velocity)):
            held = min(time, limits.drive_timeout)
            place[joint] += velocity[joint] * held
            if braking[joint] > 0.0:
                # As if the deceleration were even: between the ends this is near enough.
                left = max(1.0 - (time - held) / braking[joint], 0.0)
                place[joint] += 0.5 * velocity[joint] * braking[joint] * (1.0 - left * left)
        measured = measured + follows * (place - measured)
        if outside(limits, place) > most or outside(limits, measured) > most_measured:
            return False
    follows = 1.0 - np.exp(-_CATCH_UP / LAG)
    for _ in range(_CATCH_UP_STEPS):
        measured = measured + follows * (place - measured)
        if outside(limits, measured) > most_measured:
            return False
    return True


@compiled
def silent_end(limits: InnerLimits, position: Array, velocity: Array) -> Array:
    """(8,) m and rad: where an arm that is sent ``velocity`` at ``position`` comes to rest, where nothing follows."""
    end = np.empty(len(velocity))
    for joint in range(len(velocity)):
        end[joint] = position[joint] + silent_way(limits, joint, velocity[joint])
    return end


def after_silence(
    limits: InnerLimits, position: Array, velocity: Array, acceleration: Array, since: float
) -> tuple[Array, Array, Array]:
    """Where the drives are by themselves ``since`` seconds after they were sent ``velocity`` (8,) at ``position``.

    Returns:
        (8,) each: position, velocity and acceleration of what they are told, by us or by themselves.
    """
    if since <= limits.longest_tick:
        return position + velocity * since, velocity, acceleration
    held = min(since, limits.drive_timeout)
    position = position + velocity * held
    if since <= limits.drive_timeout:
        return position, velocity, np.zeros(len(velocity))
    pull, needed = -np.sign(velocity) * limits.acceleration, np.abs(velocity) / limits.acceleration  # s to rest
    braked = np.minimum(since - held, needed)
    position = position + velocity * braked + 0.5 * pull * braked**2
    moving = since - held < needed
    return position, np.where(moving, velocity + pull * braked, 0.0), np.where(moving, pull, 0.0)
