"""Where the ball will be: flight and bounces integrated forward with the controller's own model."""

import math
from dataclasses import dataclass

from llm_policy_improver import table
from llm_policy_improver.ball import BallModel, Vec

_STEP = 0.01
"""s, Runge-Kutta step; its error over a whole flight is below a micrometre."""


_LONG_STEP = 0.1
"""s, where only the end counts: still within 0.1 mm."""


@dataclass(frozen=True, slots=True)
class BallState:
    """State of the ball: s, m, m/s, rad/s, frame ``table``."""

    time: float
    position: Vec
    velocity: Vec
    spin: Vec


def advance(model: BallModel, state: BallState, duration: float) -> tuple[BallState, bool]:
    """The state one short step later, bouncing on the table where it is met; and whether it bounced."""
    position, velocity = model.fly(state.position, state.velocity, state.spin, duration)
    end = state.time + duration
    radius = table.BALL_RADIUS
    if (
        position[2] >= radius
        or velocity[2] >= 0.0
        or state.position[2] < 0.0
        or not table.over_surface(*position[:2])
    ):
        return BallState(end, position, velocity, state.spin), False
    # An estimate may hold a falling ball for a little below the surface already: it bounces at once.
    touch = duration * max(state.position[2] - radius, 0.0) / (state.position[2] - position[2])
    for _ in range(3):  # Newton on the height, from the chord's crossing
        position, velocity = model.fly(state.position, state.velocity, state.spin, touch)
        touch = min(max(touch - (position[2] - radius) / velocity[2], 0.0), duration)
    position, velocity = model.fly(state.position, state.velocity, state.spin, touch)
    velocity, spin = model.table_bounce(velocity, state.spin)
    position, velocity = model.fly((position[0], position[1], radius), velocity, spin, duration - touch)
    return BallState(end, position, velocity, spin), True


def predict_crossing(
    model: BallModel, state: BallState, y: float, horizon: float
) -> tuple[BallState, int] | None:
    """The ball's state where it first crosses the plane at ``y`` (m) flying towards the robot.

    Returns:
        The state and the number of bounces on the way; None if the ball does not get there within ``horizon``
        seconds.
    """
    bounces = 0
    limit = state.time + horizon
    while state.time < limit:
        following, bounced = advance(model, state, _STEP)
        bounces += bounced
        if following.position[1] <= y:
            return _refine(model, state, following, y), bounces
        state = following
    return None


def _refine(model: BallModel, before: BallState, after: BallState, y: float) -> BallState:
    """The crossing of the plane between two neighbouring states, by three secant steps."""
    duration = _STEP * (before.position[1] - y) / (before.position[1] - after.position[1])
    crossing = after
    for _ in range(3):
        crossing, _ = advance(model, before, duration)
        duration = min(max(duration - (crossing.position[1] - y) / crossing.velocity[1], 0.0), _STEP)
    return crossing


def launch_velocity(model: BallModel, start: Vec, spin: Vec, target: Vec, flight_time: float) -> Vec:
    """The velocity (m/s) with which a ball leaving ``start`` is at ``target`` (m) after ``flight_time`` seconds.

    Shooting: each round shifts the velocity by the miss over the time, and more where drag will take its share
    of the shift. Four rounds leave less than a millimetre of a table-tennis flight.
    """
    lift = 0.5 * model.gravity * flight_time
    vx, vy, vz = ((t - s) / flight_time for t, s in zip(target, start, strict=True))
    velocity = (vx, vy, vz + lift)
    steps = max(1, round(flight_time / _LONG_STEP))
    for _ in range(4):
        position, flown = start, velocity
        for _ in range(steps):
            position, flown = model.fly(position, flown, spin, flight_time / steps)
        speed = math.sqrt(velocity[0] ** 2 + velocity[1] ** 2 + velocity[2] ** 2)
        gain = 1.0 / flight_time + 0.65 * model.drag * speed
        velocity = (
            velocity[0] + gain * (target[0] - position[0]),
            velocity[1] + gain * (target[1] - position[1]),
            velocity[2] + gain * (target[2] - position[2]),
        )
    return velocity
