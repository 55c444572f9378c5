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


def racket_for(model: BallModel, velocity: Vec, spin: Vec, wanted: Vec, flatness: float) -> tuple[Vec, Vec]:
    """Normal and velocity of the blade that turn the incoming ball into one with the ``wanted`` velocity (m/s).

    The rubber's tangential impulse depends on the normal and the normal on that impulse: a fixed point,
    found in a few rounds.

    Args:
        flatness: 0 moves the blade along its normal, 1 level with the table, values between them tilt it.

    Returns:
        The unit normal towards the ball, and the blade's velocity, m/s.
    """
    gain = (wanted[0] - velocity[0], wanted[1] - velocity[1], wanted[2] - velocity[2])
    normal = _unit(gain)
    moving: Vec = (0.0, 0.0, 0.0)
    for _ in range(25):
        relative = (velocity[0] - moving[0], velocity[1] - moving[1], velocity[2] - moving[2])
        grip = model.racket_impulse(contact_slip(relative, spin, normal))
        pushed = (gain[0] - grip[0], gain[1] - grip[1], gain[2] - grip[2])
        previous, normal = normal, _unit(pushed)
        along = _unit((normal[0], normal[1], (1.0 - flatness) * normal[2]))
        speed = dot(velocity, normal) + dot(pushed, normal) / (1.0 + model.racket_restitution)
        speed /= dot(along, normal)
        moving = (speed * along[0], speed * along[1], speed * along[2])
        if max(abs(normal[i] - previous[i]) for i in range(3)) < 1e-9:
            break
    return normal, moving


def plan_hit(
    model: BallModel, ball: BallState, target: tuple[float, float], flight_time: float, flatness: float = 0.0
) -> RacketHit:
    """How to hit the ball in state ``ball`` so that it lands at ``target`` (x, y in m).

    Args:
        flight_time: s from the hit to the landing; longer means higher.
    """
    landing = (target[0], target[1], table.BALL_RADIUS)
    spin_after: Vec = (0.0, 0.0, 0.0)
    normal: Vec = (0.0, 1.0, 0.0)
    moving: Vec = (0.0, 0.0, 0.0)
    # The spin the hit leaves bends the flight, the flight decides the hit: three rounds agree within a millimetre.
    for _ in range(3):
        wanted = launch_velocity(model, ball.position, spin_after, landing, flight_time)
        normal, moving = racket_for(model, ball.velocity, ball.spin, wanted, flatness)
        _, spin_after = model.racket_bounce(ball.velocity, ball.spin, normal, moving)
    x, y, z = (p - _CONTACT_DISTANCE * n for p, n in zip(ball.position, normal, strict=True))
    return RacketHit(ball.time, (x, y, z), normal, moving)


def _unit(v: Vec) -> Vec:
    length = math.sqrt(dot(v, v)) or 1e-12
    return (v[0] / length, v[1] / length, v[2] / length)
