"""State of the incoming ball from its observed positions: an extended Kalman filter with unknown spin."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.linear import product, solve_positive
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.laws import fly, minus, table_bounce
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel, Vec

Array = NDArray[np.float64]

_EYE: Array = np.eye(3)
_WIDTHS = (1e-4, 1e-4, 1e-4, 1e-2, 1e-2, 1e-2)
"""m/s and rad/s, of the differences that give the derivative of the bounce."""


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """What the filter believes of cameras, air and spin; all standard deviations.

    Attributes:
        sighting: m, noise of one observed coordinate.
        acceleration: m/s^2, unmodelled forces between two sightings.
        spin: rad/s, of an unseen ball about each axis.
        bounce_velocity: m/s, of the bounce law.
        bounce_spin: rad/s, of the bounce law.
    """

    sighting: float = 0.001
    acceleration: float = 0.2
    spin: float = 30.0
    bounce_velocity: float = 0.03
    bounce_spin: float = 3.0


class BallFilter:
    """Estimates position, velocity and spin (9 numbers) of a ball from sightings of its position.

    The first two sightings start it; the spin starts at zero and is learnt from the curve of the flight and
    from the bounce.
    """

    def __init__(self, model: BallModel, config: FilterConfig | None = None) -> None:
        self._law = model.law
        config = config or FilterConfig()
        self._noise = _Noise(*(float(getattr(config, name)) for name in _Noise._fields))
        self._first: tuple[float, Vec] | None = None
        self._state: BallState | None = None
        self._covariance: Array = np.zeros((9, 9))
        self.sightings = 0
        self.bounces = 0

    @property
    def state(self) -> BallState | None:
        """The estimate at the time of the last sighting; None before the second."""
        return self._state

    def observe(self, time: float, position: Vec) -> None:
        """Take one sighting: seconds and metres. Times must grow; an older sighting is ignored."""
        if self._first is None:
            self._first, self.sightings = (time, position), 1
        elif self._state is None:
            if time > self._first[0]:
                self._state, self._covariance = _started(self._law, self._noise, *self._first, time, position)
                self.sightings = 2
        elif time > self._state.time:
            self._state, self._covariance, bounces = _updated(
                self._law, self._noise, self._state, self._covariance, time, position
            )
            self.sightings += 1
            self.bounces += bounces


class _Noise(NamedTuple):
    """`FilterConfig` for compiled functions."""

    sighting: float
    acceleration: float
    spin: float
    bounce_velocity: float
    bounce_spin: float


@compiled
def _started(
    law: BallLaw, noise: _Noise, first_time: float, first: Vec, time: float, position: Vec
) -> tuple[BallState, Array]:
    """State and covariance (9, 9) from two sightings."""
    gap = time - first_time
    # The chord is the velocity half-way; half the gap of gravity brings it to now.
    vx, vy, vz = minus(position, first)
    velocity = (vx / gap, vy / gap, vz / gap - 0.5 * law.gravity * gap)
    covariance = np.zeros((9, 9))
    covariance[:3, :3] = noise.sighting**2 * _EYE
    covariance[3:6, 3:6] = (
        2.0 * (noise.sighting / gap) ** 2 + (2.0 * gap * noise.acceleration + 0.05) ** 2
    ) * _EYE
    covariance[:3, 3:6] = noise.sighting**2 / gap * _EYE
    covariance[3:6, :3] = noise.sighting**2 / gap * _EYE
    covariance[6:, 6:] = noise.spin**2 * _EYE
    return BallState(time, position, velocity, (0.0, 0.0, 0.0)), covariance


@compiled
def _updated(
    law: BallLaw, noise: _Noise, state: BallState, covariance: Array, time: float, position: Vec
) -> tuple[BallState, Array, int]:
    """State and covariance (9, 9) with one more sighting, and the bounces since the last one."""
    steps = max(1, round((time - state.time) / 0.01))
    gap = (time - state.time) / steps
    bounces = 0
    for _ in range(steps):
        before = state
        state, bounced = advance(law, before, gap)
        transition = _transition(law, before, gap)
        if bounced:
            transition = product(_bounce_jacobian(law, before), transition)
            bounces += 1
        covariance = product(product(transition, covariance), transition.T)
        for axis in range(3):
            covariance[3 + axis, 3 + axis] += (noise.acceleration * gap) ** 2
            if bounced:
                covariance[3 + axis, 3 + axis] += noise.bounce_velocity**2
                covariance[6 + axis, 6 + axis] += noise.bounce_spin**2
    state, covariance = _corrected(noise, state, covariance, position)
    return state, covariance, bounces


@compiled
def _transition(law: BallLaw, state: BallState, gap: float) -> Array:
    """(9, 9) derivative of the flight over one step, to second order in time."""
    (vx, vy, vz), (wx, wy, wz) = state.velocity, state.spin
    speed = max(math.sqrt(vx * vx + vy * vy + vz * vz), 1e-9)
    lift, along, drag = law.lift, law.drag / speed, law.drag * speed
    by_velocity = np.array(
        (
            (-drag - along * vx * vx, -along * vx * vy - lift * wz, -along * vx * vz + lift * wy),
            (-along * vx * vy + lift * wz, -drag - along * vy * vy, -along * vy * vz - lift * wx),
            (-along * vx * vz - lift * wy, -along * vy * vz + lift * wx, -drag - along * vz * vz),
        )
    )
    # lift * (spin x velocity), by the spin
    by_spin = lift * np.array(((0.0, vz, -vy), (-vz, 0.0, vx), (vy, -vx, 0.0)))
    transition = np.eye(9)
    transition[:3, 3:6] = gap * _EYE + 0.5 * gap**2 * by_velocity
    transition[3:6, 3:6] += gap * by_velocity
    transition[:3, 6:] = 0.5 * gap**2 * by_spin
    transition[3:6, 6:] = gap * by_spin
    return transition


@compiled
def _bounce_jacobian(law: BallLaw, before: BallState) -> Array:
    """(9, 9) derivative of the bounce law at the state that meets the table, by central differences."""
    touch = (before.position[2] - table.BALL_RADIUS) / max(-before.velocity[2], 1e-6)
    _, (vx, vy, vz) = fly(law, before.position, before.velocity, before.spin, touch)
    wx, wy, wz = before.spin
    meeting = np.array((vx, vy, vz, wx, wy, wz))
    jacobian = np.eye(9)
    for column in range(6):
        change = np.zeros(6)
        change[column] = _WIDTHS[column]
        difference = _bounced(law, meeting + change) - _bounced(law, meeting - change)
        jacobian[3:, 3 + column] = difference / (2.0 * _WIDTHS[column])
    # A ball lower than thought has bounced earlier: its height error turns round with the speed.
    jacobian[2, 2] = -law.table_restitution
    return jacobian


@compiled
def _bounced(law: BallLaw, meeting: Array) -> Array:
    """Velocity and spin (6,) after a bounce, from those before it."""
    velocity, spin = table_bounce(
        law, (meeting[0], meeting[1], meeting[2]), (meeting[3], meeting[4], meeting[5])
    )
    return np.array((velocity[0], velocity[1], velocity[2], spin[0], spin[1], spin[2]))


@compiled
def _corrected(noise: _Noise, state: BallState, covariance: Array, position: Vec) -> tuple[BallState, Array]:
    """State and covariance with the sighting at ``position``."""
    spread = covariance[:3, :3] + noise.sighting**2 * _EYE
    gain = solve_positive(spread, covariance[:3, :]).T
    innovation = np.array(minus(position, state.position)).reshape((3, 1))
    change = product(gain, innovation)[:, 0]
    covariance = covariance - product(gain, covariance[:3, :])
    (px, py, pz), (vx, vy, vz), (wx, wy, wz) = state.position, state.velocity, state.spin
    corrected = BallState(
        state.time,
        (px + change[0], py + change[1], pz + change[2]),
        (vx + change[3], vy + change[4], vz + change[5]),
        (wx + change[6], wy + change[7], wz + change[8]),
    )
    return corrected, 0.5 * (covariance + covariance.T)
