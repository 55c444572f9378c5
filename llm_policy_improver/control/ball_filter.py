"""State of the incoming ball from its observed positions: an extended Kalman filter with unknown spin."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver import table
from llm_policy_improver.ball import BallModel, Vec
from llm_policy_improver.control.prediction import BallState, advance

Array = NDArray[np.float64]

_EYE, _IDENTITY = np.eye(3), np.eye(9)


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
        self._model = model
        self._config = config or FilterConfig()
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
            return
        if self._state is None:
            self._start(time, position)
            return
        if time <= self._state.time:
            return
        self._predict(time - self._state.time)
        self._correct(position)
        self.sightings += 1

    def _start(self, time: float, position: Vec) -> None:
        assert self._first is not None
        first_time, first = self._first
        if time <= first_time:
            return
        gap = time - first_time
        # The chord is the velocity half-way; half the gap of gravity brings it to now.
        vx, vy, vz = ((b - a) / gap for a, b in zip(first, position, strict=True))
        self._state = BallState(
            time, position, (vx, vy, vz - 0.5 * self._model.gravity * gap), (0.0, 0.0, 0.0)
        )
        sighting = self._config.sighting
        covariance = np.zeros((9, 9))
        covariance[:3, :3] = sighting**2 * np.eye(3)
        covariance[3:6, 3:6] = (
            2.0 * (sighting / gap) ** 2 + (2.0 * gap * self._config.acceleration + 0.05) ** 2
        ) * np.eye(3)
        covariance[:3, 3:6] = covariance[3:6, :3] = sighting**2 / gap * np.eye(3)
        covariance[6:, 6:] = self._config.spin**2 * np.eye(3)
        self._covariance = covariance
        self.sightings = 2

    def _predict(self, gap: float) -> None:
        assert self._state is not None
        steps = max(1, round(gap / 0.01))
        for _ in range(steps):
            before = self._state
            self._state, bounced = advance(self._model, before, gap / steps)
            transition = self._transition(before, gap / steps)
            if bounced:
                transition = self._bounce_jacobian(before) @ transition
                self.bounces += 1
            covariance = transition @ self._covariance @ transition.T
            drift = (self._config.acceleration * gap / steps) ** 2
            covariance[(3, 4, 5), (3, 4, 5)] += drift
            if bounced:
                covariance[(3, 4, 5), (3, 4, 5)] += self._config.bounce_velocity**2
                covariance[(6, 7, 8), (6, 7, 8)] += self._config.bounce_spin**2
            self._covariance = covariance

    def _transition(self, state: BallState, gap: float) -> Array:
        """(9, 9) derivative of the flight over one step, to second order in time."""
        (vx, vy, vz), (wx, wy, wz) = state.velocity, state.spin
        speed = math.sqrt(vx * vx + vy * vy + vz * vz) or 1e-9
        lift, along = self._model.lift, self._model.drag / speed
        drag = self._model.drag * speed
        by_velocity = np.array(
            (
                (-drag - along * vx * vx, -along * vx * vy - lift * wz, -along * vx * vz + lift * wy),
                (-along * vx * vy + lift * wz, -drag - along * vy * vy, -along * vy * vz - lift * wx),
                (-along * vx * vz - lift * wy, -along * vy * vz + lift * wx, -drag - along * vz * vz),
            )
        )
        by_spin = -lift * _cross_matrix(state.velocity)
        transition = _IDENTITY.copy()
        transition[:3, 3:6] = gap * _EYE + 0.5 * gap**2 * by_velocity
        transition[3:6, 3:6] += gap * by_velocity
        transition[:3, 6:] = 0.5 * gap**2 * by_spin
        transition[3:6, 6:] = gap * by_spin
        return transition

    def _bounce_jacobian(self, before: BallState) -> Array:
        """(9, 9) derivative of the bounce law at the state that meets the table, by central differences."""
        height = before.position[2] - table.BALL_RADIUS
        touch = height / max(-before.velocity[2], 1e-6)
        _, velocity = self._model.fly(before.position, before.velocity, before.spin, touch)
        jacobian = np.eye(9)
        centre = np.array([*velocity, *before.spin])
        for column, width in enumerate((1e-4, 1e-4, 1e-4, 1e-2, 1e-2, 1e-2)):
            sides = []
            for sign in (1.0, -1.0):
                vx, vy, vz, wx, wy, wz = (centre + sign * width * (np.arange(6) == column)).tolist()
                sides.append(np.concatenate(self._model.table_bounce((vx, vy, vz), (wx, wy, wz))))
            jacobian[3:, 3 + column] = (sides[0] - sides[1]) / (2.0 * width)
        # A ball lower than thought has bounced earlier: its height error turns round with the speed.
        jacobian[2, 2] = -self._model.table_restitution
        return jacobian

    def _correct(self, position: Vec) -> None:
        assert self._state is not None
        covariance = self._covariance
        innovation = np.array(position) - self._state.position
        spread = covariance[:3, :3] + self._config.sighting**2 * _EYE
        gain = np.linalg.solve(spread, covariance[:3, :]).T
        change = (gain @ innovation).tolist()
        self._covariance = covariance - gain @ covariance[:3, :]
        self._covariance = 0.5 * (self._covariance + self._covariance.T)
        state = self._state
        p, v, w = state.position, state.velocity, state.spin
        self._state = BallState(
            state.time,
            (p[0] + change[0], p[1] + change[1], p[2] + change[2]),
            (v[0] + change[3], v[1] + change[4], v[2] + change[5]),
            (w[0] + change[6], w[1] + change[7], w[2] + change[8]),
        )


def _cross_matrix(v: Vec) -> Array:
    """(3, 3) matrix M with ``M @ u == cross(v, u)``."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
