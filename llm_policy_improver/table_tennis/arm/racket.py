"""The inverse racket model: how the blade must stand and move to send the ball where it is wanted."""

import math
from typing import NamedTuple

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.laws import contact_slip, dot, minus, racket_bounce, racket_impulse
from llm_policy_improver.table_tennis.ball.prediction import BallState, launch_velocity
from llm_policy_improver.table_tennis.ball.state import BallLaw, Vec

_CONTACT_DISTANCE = table.BALL_RADIUS + arm.BLADE_THICKNESS / 2
"""m from the middle of the blade to the ball's centre at the hit."""


class RacketHit(NamedTuple):
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


@compiled
def racket_for(law: BallLaw, velocity: Vec, spin: Vec, wanted: Vec, flatness: float) -> tuple[Vec, Vec]:
    """Normal and velocity of the blade that turn the incoming ball into one with the ``wanted`` velocity (m/s).

    The rubber's tangential impulse depends on the normal and the normal on that impulse: a fixed point,
    found in a few rounds.

    Args:
        flatness: 0 moves the blade along its normal, 1 level with the table, values between them tilt it.

    Returns:
        The unit normal towards the ball, and the blade's velocity, m/s.
    """
    gain = minus(wanted, velocity)
    normal = _unit(gain)
    moving: Vec = (0.0, 0.0, 0.0)
    for _ in range(25):
        grip = racket_impulse(law, contact_slip(minus(velocity, moving), spin, normal))
        pushed = minus(gain, grip)
        previous, normal = normal, _unit(pushed)
        along = _unit((normal[0], normal[1], (1.0 - flatness) * normal[2]))
        speed = dot(velocity, normal) + dot(pushed, normal) / (1.0 + law.racket_restitution)
        speed /= dot(along, normal)
        moving = (speed * along[0], speed * along[1], speed * along[2])
        change = minus(normal, previous)
        if max(abs(change[0]), abs(change[1]), abs(change[2])) < 1e-9:
            break
    return normal, moving


@compiled
def plan_hit(
    law: BallLaw, ball: BallState, target: tuple[float, float], flight_time: float, flatness: float
) -> RacketHit:
    """How to hit the ball in state ``ball`` so that it lands at ``target`` (x, y in m).

    Args:
        flight_time: s from the hit to the landing; longer means higher.
        flatness: as in `racket_for`.
    """
    landing = (target[0], target[1], table.BALL_RADIUS)
    spin_after: Vec = (0.0, 0.0, 0.0)
    normal: Vec = (0.0, 1.0, 0.0)
    moving: Vec = (0.0, 0.0, 0.0)
    # The spin the hit leaves bends the flight, the flight decides the hit: three rounds agree within a millimetre.
    for _ in range(3):
        wanted = launch_velocity(law, ball.position, spin_after, landing, flight_time)
        normal, moving = racket_for(law, ball.velocity, ball.spin, wanted, flatness)
        _, spin_after = racket_bounce(law, ball.velocity, ball.spin, normal, moving)
    distance = _CONTACT_DISTANCE
    behind = (distance * normal[0], distance * normal[1], distance * normal[2])
    return RacketHit(ball.time, minus(ball.position, behind), normal, moving)


@compiled
def _unit(v: Vec) -> Vec:
    length = max(math.sqrt(dot(v, v)), 1e-12)
    return (v[0] / length, v[1] / length, v[2] / length)
