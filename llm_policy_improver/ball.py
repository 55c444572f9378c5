"""The ball: flight through air and bounces, as formulas. One model for the simulator and the predictor.

Vectors are tuples of three floats (x, y, z) in frame ``table``: metres, m/s, rad/s. Plain floats, because
the controller evaluates these formulas thousands of times a second and arrays of three are slower.
"""

import math
from dataclasses import dataclass, field, fields

from llm_policy_improver import table

Vec = tuple[float, float, float]

_VOLUME = 4.0 / 3.0 * math.pi * table.BALL_RADIUS**3
_AREA = math.pi * table.BALL_RADIUS**2

ROLLING_LIMIT = 0.4
"""Share of the slip that a bounce can remove before the ball rolls: the effective tangential mass of a
thin shell is 2/5 of its mass, 1 / (1/m + r^2/I) with I = 2/3 m r^2."""


@dataclass(frozen=True, slots=True)
class BallModel:
    """Coefficients of flight and bounces; the defaults are those of docs/simulation.md.

    Attributes:
        gravity: m/s^2, downwards.
        air_density: kg/m^3.
        drag_coefficient: Cd of the sphere; fits to recordings give 0.48 to 0.60.
        lift_coefficient: Magnus force = this * density * volume * (spin x velocity); 0.12 to 0.24.
        table_restitution: normal, ball on table; 0.905 gives the ITTF's rebound of 23 cm from 30 cm in air.
        table_friction: Coulomb coefficient, ball on table.
        racket_restitution: normal, ball on racket; 0.78 to 0.81.
        racket_grip: tangential restitution of the rubber: the slip after the hit is minus this times the slip before.
    """

    gravity: float = 9.81
    air_density: float = 1.2
    drag_coefficient: float = 0.5
    lift_coefficient: float = 0.18
    table_restitution: float = 0.905
    table_friction: float = 0.25
    racket_restitution: float = 0.79
    racket_grip: float = 0.7
    drag: float = field(init=False, repr=False)
    """1/m: drag acceleration divided by the speed squared."""
    lift: float = field(init=False, repr=False)
    """Dimensionless: Magnus acceleration divided by (spin x velocity)."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.init and not (
                math.isfinite(getattr(self, entry.name)) and getattr(self, entry.name) >= 0.0
            ):
                raise ValueError(
                    f'{entry.name} must be a finite number of at least 0; got {getattr(self, entry.name)}'
                )
        for name in ('table_restitution', 'racket_restitution', 'racket_grip'):
            if getattr(self, name) > 1.0:
                raise ValueError(f'{name} must be between 0 and 1; got {getattr(self, name)}')
        half_density_area = 0.5 * self.air_density * _AREA
        object.__setattr__(self, 'drag', half_density_area * self.drag_coefficient / table.BALL_MASS)
        object.__setattr__(self, 'lift', self.lift_coefficient * self.air_density * _VOLUME / table.BALL_MASS)

    def acceleration(self, velocity: Vec, spin: Vec) -> Vec:
        """m/s^2 in flight: gravity, quadratic drag, Magnus force."""
        vx, vy, vz = velocity
        wx, wy, wz = spin
        drag = self.drag * math.sqrt(vx * vx + vy * vy + vz * vz)
        lift = self.lift
        return (
            lift * (wy * vz - wz * vy) - drag * vx,
            lift * (wz * vx - wx * vz) - drag * vy,
            lift * (wx * vy - wy * vx) - drag * vz - self.gravity,
        )

    def fly(self, position: Vec, velocity: Vec, spin: Vec, duration: float) -> tuple[Vec, Vec]:
        """Position and velocity after ``duration`` seconds of flight, one Runge-Kutta step of fourth order.

        The spin hardly decays within a stroke and is taken as constant.
        """
        h, half = duration, 0.5 * duration
        a1x, a1y, a1z = self.acceleration(velocity, spin)
        vx, vy, vz = velocity
        v2 = (vx + half * a1x, vy + half * a1y, vz + half * a1z)
        a2x, a2y, a2z = self.acceleration(v2, spin)
        v3 = (vx + half * a2x, vy + half * a2y, vz + half * a2z)
        a3x, a3y, a3z = self.acceleration(v3, spin)
        v4 = (vx + h * a3x, vy + h * a3y, vz + h * a3z)
        a4x, a4y, a4z = self.acceleration(v4, spin)
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

    def table_impulse(self, slip: Vec, normal_impulse: float) -> Vec:
        """Tangential impulse per mass (m/s) of a bounce on the table.

        A thin shell under Coulomb friction: it slides with mu times the normal impulse, unless less than that
        already makes it roll.

        Args:
            slip: m/s, tangential velocity of the ball's lowest point relative to the table.
            normal_impulse: m/s, (1 + e) times the normal speed of approach.
        """
        speed = math.sqrt(slip[0] ** 2 + slip[1] ** 2 + slip[2] ** 2)
        if speed == 0.0:
            return (0.0, 0.0, 0.0)
        share = min(ROLLING_LIMIT, self.table_friction * normal_impulse / speed)
        return (-share * slip[0], -share * slip[1], -share * slip[2])

    def racket_impulse(self, slip: Vec) -> Vec:
        """Tangential impulse per mass (m/s) of a hit by gripping rubber, which turns the slip round.

        Args:
            slip: m/s, tangential velocity of the ball's contact point relative to the blade.
        """
        share = -ROLLING_LIMIT * (1.0 + self.racket_grip)
        return (share * slip[0], share * slip[1], share * slip[2])

    def table_bounce(self, velocity: Vec, spin: Vec) -> tuple[Vec, Vec]:
        """Velocity and spin right after a bounce on the table."""
        vx, vy, vz = velocity
        slip = contact_slip(velocity, spin, (0.0, 0.0, 1.0))
        impulse = self.table_impulse(slip, (1.0 + self.table_restitution) * abs(vz))
        after = (vx + impulse[0], vy + impulse[1], -self.table_restitution * vz)
        return after, spun(spin, (0.0, 0.0, 1.0), impulse)

    def racket_bounce(self, velocity: Vec, spin: Vec, normal: Vec, racket_velocity: Vec) -> tuple[Vec, Vec]:
        """Velocity and spin right after a hit by a racket much heavier than the ball.

        Args:
            normal: unit normal of the blade on the ball's side.
            racket_velocity: m/s of the blade at the contact.
        """
        relative = _minus(velocity, racket_velocity)
        along = dot(relative, normal)
        impulse = self.racket_impulse(contact_slip(relative, spin, normal))
        gain = -(1.0 + self.racket_restitution) * along
        after = (
            velocity[0] + gain * normal[0] + impulse[0],
            velocity[1] + gain * normal[1] + impulse[1],
            velocity[2] + gain * normal[2] + impulse[2],
        )
        return after, spun(spin, normal, impulse)


def dot(a: Vec, b: Vec) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vec, b: Vec) -> Vec:
    """Vector product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _minus(a: Vec, b: Vec) -> Vec:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


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


def spun(spin: Vec, normal: Vec, impulse: Vec) -> Vec:
    """Spin (rad/s) after a tangential impulse per mass (m/s) at the point of contact of a thin shell."""
    tx, ty, tz = cross(normal, impulse)
    share = -1.5 / table.BALL_RADIUS
    return (spin[0] + share * tx, spin[1] + share * ty, spin[2] + share * tz)
