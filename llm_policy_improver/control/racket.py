"""The inverse racket model: how the blade must stand and move to send the ball where it is wanted."""

import math
from dataclasses import dataclass

from llm_policy_improver import arm, table
from llm_policy_improver.ball import BallModel, Vec, contact_slip, dot
from llm_policy_improver.control.prediction import BallState, launch_velocity

_CONTACT_DISTANCE = table.BALL_RADIUS + arm.BLADE_THICKNESS / 2
"""m from the middle of the blade to the ball's centre at the hit."""


@dataclass(frozen=True, slots=True)
class RacketHit:
    """The blade at the moment of the hit, in frame ``table``.

    Attributes:
        time: s, of the hit.
        centre: m, middle of the blade.
        normal: unit vector towards the ball.
        velocity: m/s of the blade's centre, along its normal.
    """

    time: float
    centre: Vec
    normal: Vec
    velocity: Vec


def racket_for(model: BallModel, velocity: Vec, spin: Vec, wanted: Vec) -> tuple[Vec, float]:
    """Normal and speed along it that turn the incoming ball into one with the ``wanted`` velocity (m/s).

    The blade moves along its normal only. The rubber's tangential impulse depends on the normal and the
    normal on that impulse: a fixed point, found in a few rounds.

    Returns:
        The unit normal and the blade's speed along it, m/s.
    """
    gain = (wanted[0] - velocity[0], wanted[1] - velocity[1], wanted[2] - velocity[2])
    normal = _unit(gain)
    pushed = gain
    for _ in range(25):
        grip = model.racket_impulse(contact_slip(velocity, spin, normal))
        pushed = (gain[0] - grip[0], gain[1] - grip[1], gain[2] - grip[2])
        previous, normal = normal, _unit(pushed)
        if (
            max(abs(normal[0] - previous[0]), abs(normal[1] - previous[1]), abs(normal[2] - previous[2]))
            < 1e-9
        ):
            break
    return normal, dot(velocity, normal) + dot(pushed, normal) / (1.0 + model.racket_restitution)


def plan_hit(model: BallModel, ball: BallState, target: tuple[float, float], flight_time: float) -> RacketHit:
    """How to hit the ball in state ``ball`` so that it lands at ``target`` (x, y in m).

    Args:
        flight_time: s from the hit to the landing; longer means higher.
    """
    landing = (target[0], target[1], table.BALL_RADIUS)
    spin_after: Vec = (0.0, 0.0, 0.0)
    normal, speed = (0.0, 1.0, 0.0), 0.0
    # The spin the hit leaves bends the flight, the flight decides the hit: three rounds agree within a millimetre.
    for _ in range(3):
        wanted = launch_velocity(model, ball.position, spin_after, landing, flight_time)
        normal, speed = racket_for(model, ball.velocity, ball.spin, wanted)
        moving = (speed * normal[0], speed * normal[1], speed * normal[2])
        _, spin_after = model.racket_bounce(ball.velocity, ball.spin, normal, moving)
    x, y, z = (p - _CONTACT_DISTANCE * n for p, n in zip(ball.position, normal, strict=True))
    return RacketHit(ball.time, (x, y, z), normal, (speed * normal[0], speed * normal[1], speed * normal[2]))


def _unit(v: Vec) -> Vec:
    length = math.sqrt(dot(v, v)) or 1e-12
    return (v[0] / length, v[1] / length, v[2] / length)
