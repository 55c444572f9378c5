"""Where the ball will be: flight and bounces integrated forward with the controller's own law."""

import math
from typing import NamedTuple

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.laws import dot, fly, table_bounce
from llm_policy_improver.table_tennis.ball.state import BallLaw, Vec

_STEP = 0.01
"""s, Runge-Kutta step; its error over a whole flight is below a micrometre."""


_LONG_STEP = 0.1
"""s, where only the end counts: still within 0.1 mm."""


class BallState(NamedTuple):
    """State of the ball: s, m, m/s, rad/s, frame ``table``."""

    time: float
    position: Vec
    velocity: Vec
    spin: Vec


_over_table = compiled(table.over_surface)


@compiled
def advance(law: BallLaw, state: BallState, duration: float) -> tuple[BallState, bool]:
    """The state one short step later, bouncing on the table where it is met; and whether it bounced."""
    position, velocity = fly(law, state.position, state.velocity, state.spin, duration)
    end = state.time + duration
    radius = table.BALL_RADIUS
    if (
        position[2] >= radius
        or velocity[2] >= 0.0
        or state.position[2] < 0.0
        or not _over_table(position[0], position[1])
    ):
        return BallState(end, position, velocity, state.spin), False
    touch, position, velocity = touch_down(law, state, position[2], duration)
    velocity, spin = table_bounce(law, velocity, state.spin)
    position, velocity = fly(law, (position[0], position[1], radius), velocity, spin, duration - touch)
    return BallState(end, position, velocity, spin), True


@compiled
def touch_down(law: BallLaw, state: BallState, height: float, duration: float) -> tuple[float, Vec, Vec]:
    """When within a step a falling ball meets the table, s, and its position and velocity then.

    Args:
        height: m, in which it would be at the end of the step without the table.
        duration: s, of the step.
    """
    radius = table.BALL_RADIUS
    # An estimate may hold a falling ball for a little below the surface already: it bounces at once.
    touch = duration * max(state.position[2] - radius, 0.0) / (state.position[2] - height)
    for _ in range(3):  # Newton on the height, from the chord's crossing
        position, velocity = fly(law, state.position, state.velocity, state.spin, touch)
        touch = min(max(touch - (position[2] - radius) / velocity[2], 0.0), duration)
    position, velocity = fly(law, state.position, state.velocity, state.spin, touch)
    return touch, position, velocity


@compiled
def predict_crossing(
    law: BallLaw, state: BallState, y: float, horizon: float
) -> tuple[BallState, int] | None:
    """The ball's state where it first crosses the plane at ``y`` (m) flying towards the robot.

    Returns:
        The state and the number of bounces on the way; None if the ball does not get there within ``horizon``
        seconds.
    """
    bounces = 0
    limit = state.time + horizon
    while state.time < limit:
        following, bounced = advance(law, state, _STEP)
        bounces += bounced
        if following.position[1] <= y:
            return _refine(law, state, following, y), bounces
        state = following
    return None


@compiled
def _refine(law: BallLaw, before: BallState, after: BallState, y: float) -> BallState:
    """The crossing of the plane between two neighbouring states, by three secant steps."""
    duration = _STEP * (before.position[1] - y) / (before.position[1] - after.position[1])
    crossing = after
    for _ in range(3):
        crossing, _ = advance(law, before, duration)
        duration = min(max(duration - (crossing.position[1] - y) / crossing.velocity[1], 0.0), _STEP)
    return crossing


@compiled
def launch_velocity(law: BallLaw, start: Vec, spin: Vec, target: Vec, flight_time: float) -> Vec:
    """The velocity (m/s) with which a ball leaving ``start`` is at ``target`` (m) after ``flight_time`` seconds.

    Shooting: each round shifts the velocity by the miss over the time, and more where drag will take its share
    of the shift. Four rounds leave less than a millimetre of a table-tennis flight.
    """
    lift = 0.5 * law.gravity * flight_time
    velocity = (
        (target[0] - start[0]) / flight_time,
        (target[1] - start[1]) / flight_time,
        (target[2] - start[2]) / flight_time + lift,
    )
    steps = max(1, round(flight_time / _LONG_STEP))
    for _ in range(4):
        position, flown = start, velocity
        for _ in range(steps):
            position, flown = fly(law, position, flown, spin, flight_time / steps)
        gain = 1.0 / flight_time + 0.65 * law.drag * math.sqrt(dot(velocity, velocity))
        velocity = (
            velocity[0] + gain * (target[0] - position[0]),
            velocity[1] + gain * (target[1] - position[1]),
            velocity[2] + gain * (target[2] - position[2]),
        )
    return velocity
