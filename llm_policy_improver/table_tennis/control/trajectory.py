"""Smooth joint trajectories: polynomials between two states."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A polynomial joint trajectory from ``start`` to ``end`` (s); outside of it the ends' velocities go on.

    Attributes:
        coefficients: (k, 8), of the time since ``start`` in seconds, lowest power first.
    """

    start: float
    end: float
    coefficients: Array

    @classmethod
    def quintic(
        cls, start: float, end: float, q0: Array, v0: Array, a0: Array, q1: Array, v1: Array, a1: Array
    ) -> Self:
        """From position, velocity and acceleration to position, velocity and acceleration, all (8,)."""
        return cls(start, end, _quintic(end - start, q0, v0, a0, q1, v1, a1))

    @classmethod
    def quartic(cls, start: float, end: float, q0: Array, v0: Array, q1: Array, v1: Array) -> Self:
        """From position and velocity to position and velocity without acceleration at the end, all (8,)."""
        return cls(start, end, _quartic(end - start, q0, v0, q1, v1))

    def at(self, time: float) -> tuple[Array, Array]:
        """Position and velocity (8,) at ``time`` (s)."""
        return _at(self.coefficients, self.end - self.start, time - self.start)

    def acceleration(self, time: float) -> Array:
        """Acceleration (8,) at ``time`` (s); zero outside of the segment."""
        return _acceleration(self.coefficients, self.end - self.start, time - self.start)


@compiled
def _quintic(t: float, q0: Array, v0: Array, a0: Array, q1: Array, v1: Array, a1: Array) -> Array:
    coefficients = np.empty((6, len(q0)))
    for joint in range(len(q0)):
        gap = q1[joint] - (q0[joint] + t * v0[joint] + 0.5 * t * t * a0[joint])
        rate = (v1[joint] - (v0[joint] + t * a0[joint])) * t
        bend = (a1[joint] - a0[joint]) * t * t
        coefficients[0, joint], coefficients[1, joint] = q0[joint], v0[joint]
        coefficients[2, joint] = 0.5 * a0[joint]
        coefficients[3, joint] = (10.0 * gap - 4.0 * rate + 0.5 * bend) / t**3
        coefficients[4, joint] = (-15.0 * gap + 7.0 * rate - bend) / t**4
        coefficients[5, joint] = (6.0 * gap - 3.0 * rate + 0.5 * bend) / t**5
    return coefficients


@compiled
def _quartic(t: float, q0: Array, v0: Array, q1: Array, v1: Array) -> Array:
    coefficients = np.empty((5, len(q0)))
    for joint in range(len(q0)):
        gap = q1[joint] - q0[joint] - t * v0[joint]
        rate = (v1[joint] - v0[joint]) * t
        coefficients[0, joint], coefficients[1, joint] = q0[joint], v0[joint]
        coefficients[2, joint] = (6.0 * gap - 3.0 * rate) / t**2
        coefficients[3, joint] = (-8.0 * gap + 5.0 * rate) / t**3
        coefficients[4, joint] = (3.0 * gap - 2.0 * rate) / t**4
    return coefficients


@compiled
def _at(coefficients: Array, duration: float, time: float) -> tuple[Array, Array]:
    """Position and velocity ``time`` seconds after the start."""
    powers, joints = coefficients.shape
    tau = min(max(time, 0.0), duration)
    position, velocity = np.zeros(joints), np.zeros(joints)
    for joint in range(joints):
        for power in range(powers - 1, -1, -1):
            velocity[joint] = velocity[joint] * tau + position[joint]
            position[joint] = position[joint] * tau + coefficients[power, joint]
        position[joint] += (time - tau) * velocity[joint]
    return position, velocity


@compiled
def _acceleration(coefficients: Array, duration: float, time: float) -> Array:
    powers, joints = coefficients.shape
    result = np.zeros(joints)
    if 0.0 <= time <= duration:
        for power in range(powers - 1, 1, -1):
            for joint in range(joints):
                result[joint] = result[joint] * time + power * (power - 1) * coefficients[power, joint]
    return result
