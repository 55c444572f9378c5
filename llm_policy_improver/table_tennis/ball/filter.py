"""State of the incoming ball from its observed positions: an extended Kalman filter with unknown spin."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.linear import product, solve_positive
from llm_policy_improver.core.ranges import Range, require_ranges
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.laws import fly, lift_of, minus, table_bounce
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.spin import Spin
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
        spin: rad/s, of a ball of which nothing is known, about each axis.
        spin_sighting: rad/s, noise of one observation of the spin about one axis, where somebody provides them.
        bounce_velocity: m/s, of the bounce law.
        bounce_spin: rad/s, of the bounce law.
    """

    sighting: float = 0.001
    acceleration: float = 0.2
    spin: float = 30.0
    spin_sighting: float = 10.0
    bounce_velocity: float = 0.03
    bounce_spin: float = 3.0

    def __post_init__(self) -> None:
        require_ranges(self, _RANGES, 'filter')


_RANGES: Final[dict[str, Range]] = {
    'sighting': (0.0, 1.0, ' m'),
    'acceleration': (0.0, 1000.0, ' m/s^2'),
    'spin': (0.0, 1000.0, ' rad/s'),
    'spin_sighting': (0.0, 1000.0, ' rad/s'),
    'bounce_velocity': (0.0, 100.0, ' m/s'),
    'bounce_spin': (0.0, 1000.0, ' rad/s'),
}


class BallFilter:
    """Estimates position, velocity and spin (9 numbers) of a ball from sightings of its position.

    The first two sightings start it; the spin starts at what is expected of it and is learnt from the curve of the
    flight and from the bounce.

    Args:
        model: of flight and bounces.
        config: what is believed of cameras and laws.
        expected: of the ball's spin; where None zero, as widely as ``config`` says.
    """

    def __init__(
        self, model: BallModel, config: FilterConfig | None = None, expected: Spin | None = None
    ) -> None:
        self._law = model.law
        config = config or FilterConfig()
        self._noise = _Noise(*(float(getattr(config, name)) for name in _Noise._fields))
        expected = expected or Spin((0.0, 0.0, 0.0), (config.spin,) * 3)
        self._mean, self._deviation = (
            (float(x), float(y), float(z)) for x, y, z in (expected.mean, expected.deviation)
        )
        self._first: tuple[float, Vec] | None = None
        self._state: BallState | None = None
        self._covariance: Array = np.zeros((9, 9))
        self._spins: list[tuple[float, Vec]] = []
        self._bounced = -math.inf
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
                self._state, self._covariance = _started(
                    self._law, self._noise, self._mean, self._deviation, *self._first, time, position
                )
                self.sightings = 2
        elif time > self._state.time:
            self._state, self._covariance, bounces = _updated(
                self._law, self._noise, self._state, self._covariance, time, position
            )
            self.sightings += 1
            self.bounces += bounces
            if bounces:
                self._bounced = time
        if self._spins and self._state is not None:
            self._take_spins(self._state)

    def observe_spin(self, time: float, spin: Vec) -> None:
        """Take one observation of the spin: seconds and rad/s. It counts from the first sighting on that is no older.

        What the ball had before a bounce says no more once the bounce was seen.
        """
        self._spins.append((time, spin))

    def _take_spins(self, state: BallState) -> None:
        """Those that the estimate has come up to."""
        known = [spin for time, spin in self._spins if self._bounced <= time <= state.time]
        self._spins = [each for each in self._spins if each[0] > state.time]
        for spin in known:
            state, self._covariance = _with_spin(self._noise, state, self._covariance, spin)
        self._state = state


class _Noise(NamedTuple):
    """`FilterConfig` for compiled functions."""

    sighting: float
    acceleration: float
    spin_sighting: float
    bounce_velocity: float
    bounce_spin: float


@compiled
def _started(
    law: BallLaw,
    noise: _Noise,
    spin: Vec,
    deviation: Vec,
    first_time: float,
    first: Vec,
    time: float,
    position: Vec,
) -> tuple[BallState, Array]:
    """State and covariance (9, 9) from two sightings and what is expected of the spin."""
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
    for axis in range(3):
        covariance[6 + axis, 6 + axis] = deviation[axis] ** 2
    return BallState(time, position, velocity, spin), covariance


@compiled
def _updated(
    law: BallLaw, noise: _Noise, state: BallState, covariance: Array, time: float, position: Vec
) -> tuple[BallState, Array, int]:
    """State and covariance (9, 9) with one more sighting, and the bounces since the last one."""
    steps = max(1, round((time - state.time) / 0.01))
    gap = (time - state.time) / steps
    bounces = 0
    for _ in range(steps):
        before, air = state, _expected(law, state, covariance)
        state, bounced = advance(air, before, gap)
        transition = _transition(air, before, gap)
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
def _expected(law: BallLaw, state: BallState, covariance: Array) -> BallLaw:
    """The law with one lift for all spins: that of the spin's root mean square, given what is known of it.

    Lift falls steeply with spin. To go by the slope at the estimate alone would take an unknown spin for known: over
    balls with spins of 30 rad/s about each axis the errors were 2.7 times those that the filter believed in, so 1.7.
    """
    (vx, vy, vz), (wx, wy, wz) = state.velocity, state.spin
    square = wx * wx + wy * wy + wz * wz + covariance[6, 6] + covariance[7, 7] + covariance[8, 8]
    lift = lift_of(law, math.sqrt(vx * vx + vy * vy + vz * vz), math.sqrt(square))
    return BallLaw(
        law.gravity, law.drag, lift, 0.0, law.table_restitution, law.table_friction, law.racket_restitution,
        law.racket_grip,
    )  # fmt: skip


@compiled
def _transition(law: BallLaw, state: BallState, gap: float) -> Array:
    """(9, 9) derivative of the flight over one step, to second order in time, where lift does not saturate."""
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
    off = np.array(minus(position, state.position))
    return _moved(state, covariance, off, 0, noise.sighting)


@compiled
def _with_spin(noise: _Noise, state: BallState, covariance: Array, spin: Vec) -> tuple[BallState, Array]:
    """State and covariance with an observation of the spin."""
    off = np.array(minus(spin, state.spin))
    return _moved(state, covariance, off, 6, noise.spin_sighting)


@compiled
def _moved(
    state: BallState, covariance: Array, off: Array, first: int, deviation: float
) -> tuple[BallState, Array]:
    """State and covariance, given by how much three of the nine numbers, from ``first`` on, were observed to be off."""
    seen = slice(first, first + 3)
    spread = covariance[seen, seen] + deviation**2 * _EYE
    gain = solve_positive(spread, covariance[seen, :]).T
    change = product(gain, off.reshape((3, 1)))[:, 0]
    covariance = covariance - product(gain, covariance[seen, :])
    (px, py, pz), (vx, vy, vz), (wx, wy, wz) = state.position, state.velocity, state.spin
    corrected = BallState(
        state.time,
        (px + change[0], py + change[1], pz + change[2]),
        (vx + change[3], vy + change[4], vz + change[5]),
        (wx + change[6], wy + change[7], wz + change[8]),
    )
    return corrected, 0.5 * (covariance + covariance.T)
