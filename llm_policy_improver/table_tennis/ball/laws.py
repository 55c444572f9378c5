"""The ball's flight through air and its bounces, as formulas. One model for the simulator and the predictor.

Vectors are tuples (x, y, z) in frame ``table``: metres, m/s, rad/s. All functions are compiled.
"""

import math

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import BallLaw, Vec

ROLLING_LIMIT = 0.4
"""Share of the slip that a bounce can remove before the ball rolls: the effective tangential mass of a
thin shell is 2/5 of its mass, 1 / (1/m + r^2/I) with I = 2/3 m r^2."""
SPIN_OF_IMPULSE = 1.5 / table.BALL_RADIUS
"""rad/s of spin of a thin shell for a m/s of tangential impulse per mass: m r / I."""


@compiled
def acceleration(law: BallLaw, velocity: Vec, spin: Vec) -> Vec:
    """m/s^2 in flight: gravity, quadratic drag, Magnus force."""
    vx, vy, vz = velocity
    wx, wy, wz = spin
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    drag = law.drag * speed
    lift = lift_of(law, speed, math.sqrt(wx * wx + wy * wy + wz * wz))
    return (
        lift * (wy * vz - wz * vy) - drag * vx,
        lift * (wz * vx - wx * vz) - drag * vy,
        lift * (wx * vy - wy * vx) - drag * vz - law.gravity,
    )


@compiled
def lift_of(law: BallLaw, speed: float, spin: float) -> float:
    """Magnus acceleration divided by (spin x velocity), of a ball of this speed (m/s) and spin (rad/s)."""
    return law.lift * speed / (speed + law.saturation * spin) if speed > 0.0 else 0.0


@compiled
def fly(law: BallLaw, position: Vec, velocity: Vec, spin: Vec, duration: float) -> tuple[Vec, Vec]:
    """Position and velocity after ``duration`` seconds of flight, one Runge-Kutta step of fourth order.

    The spin hardly decays within a stroke and is taken as constant.
    """
    h, half = duration, 0.5 * duration
    a1x, a1y, a1z = acceleration(law, velocity, spin)
    vx, vy, vz = velocity
    v2 = (vx + half * a1x, vy + half * a1y, vz + half * a1z)
    a2x, a2y, a2z = acceleration(law, v2, spin)
    v3 = (vx + half * a2x, vy + half * a2y, vz + half * a2z)
    a3x, a3y, a3z = acceleration(law, v3, spin)
    v4 = (vx + h * a3x, vy + h * a3y, vz + h * a3z)
    a4x, a4y, a4z = acceleration(law, v4, spin)
    sixth = h / 6.0
    px, py, pz = position
    return (
        (
            px + sixth * (vx + 2.0 * (v2[0] + v3[0]) + v4[0]),
            py + sixth * (vy + 2.0 * (v2[1] + v3[1]) + v4[1]),
            pz + sixth * (vz + 2.0 * (v2[2] + v3[2]) + v4[2]),
        ),
        (
            vx + sixth * (a1x + 2.0 * (a2x + a3x) + a4x),
            vy + sixth * (a1y + 2.0 * (a2y + a3y) + a4y),
            vz + sixth * (a1z + 2.0 * (a2z + a3z) + a4z),
        ),
    )


@compiled
def table_impulse(law: BallLaw, slip: Vec, normal_impulse: float) -> Vec:
    """Tangential impulse per mass (m/s) of a bounce on the table.

    A thin shell under Coulomb friction: it slides with mu times the normal impulse, unless less than that
    already makes it roll.

    Args:
        slip: m/s, tangential velocity of the ball's lowest point relative to the table.
        normal_impulse: m/s, (1 + e) times the normal speed of approach.
    """
    speed = math.sqrt(dot(slip, slip))
    if speed == 0.0:
        return (0.0, 0.0, 0.0)
    share = min(ROLLING_LIMIT, law.table_friction * normal_impulse / speed)
    return (-share * slip[0], -share * slip[1], -share * slip[2])


@compiled
def racket_impulse(law: BallLaw, slip: Vec) -> Vec:
    """Tangential impulse per mass (m/s) of a hit by gripping rubber, which turns the slip round.

    Args:
        slip: m/s, tangential velocity of the ball's contact point relative to the blade.
    """
    share = -ROLLING_LIMIT * (1.0 + law.racket_grip)
    return (share * slip[0], share * slip[1], share * slip[2])


@compiled
def table_bounce(law: BallLaw, velocity: Vec, spin: Vec) -> tuple[Vec, Vec]:
    """Velocity and spin right after a bounce on the table."""
    vx, vy, vz = velocity
    slip = contact_slip(velocity, spin, (0.0, 0.0, 1.0))
    impulse = table_impulse(law, slip, (1.0 + law.table_restitution) * abs(vz))
    after = (vx + impulse[0], vy + impulse[1], -law.table_restitution * vz)
    return after, spun(spin, (0.0, 0.0, 1.0), impulse)


@compiled
def racket_bounce(
    law: BallLaw, velocity: Vec, spin: Vec, normal: Vec, racket_velocity: Vec
) -> tuple[Vec, Vec]:
    """Velocity and spin right after a hit by a racket much heavier than the ball.

    Args:
        normal: unit normal of the blade on the ball's side.
        racket_velocity: m/s of the blade at the contact.
    """
    relative = minus(velocity, racket_velocity)
    along = dot(relative, normal)
    impulse = racket_impulse(law, contact_slip(relative, spin, normal))
    gain = -(1.0 + law.racket_restitution) * along
    after = (
        velocity[0] + gain * normal[0] + impulse[0],
        velocity[1] + gain * normal[1] + impulse[1],
        velocity[2] + gain * normal[2] + impulse[2],
    )
    return after, spun(spin, normal, impulse)


@compiled
def dot(a: Vec, b: Vec) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def cross(a: Vec, b: Vec) -> Vec:
    """Vector product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


@compiled
def minus(a: Vec, b: Vec) -> Vec:
    """Difference."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


@compiled
def contact_slip(relative: Vec, spin: Vec, normal: Vec) -> Vec:
    """Tangential velocity (m/s) of the ball's point of contact relative to the surface.

    Args:
        relative: m/s, velocity of the ball's centre relative to the surface.
        spin: rad/s.
        normal: unit normal of the surface, towards the ball.
    """
    along = dot(relative, normal)
    wx, wy, wz = cross(spin, normal)
    radius = table.BALL_RADIUS
    return (
        relative[0] - along * normal[0] - radius * wx,
        relative[1] - along * normal[1] - radius * wy,
        relative[2] - along * normal[2] - radius * wz,
    )


@compiled
def spun(spin: Vec, normal: Vec, impulse: Vec) -> Vec:
    """Spin (rad/s) after a tangential impulse per mass (m/s) at the point of contact of a thin shell."""
    tx, ty, tz = cross(normal, impulse)
    share = SPIN_OF_IMPULSE
    return (spin[0] - share * tx, spin[1] - share * ty, spin[2] - share * tz)
