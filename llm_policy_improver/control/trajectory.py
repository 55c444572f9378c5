"""Smooth joint trajectories: polynomials between two states."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

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
        t = end - start
        gap = q1 - (q0 + t * v0 + 0.5 * t * t * a0)
        rate = (v1 - (v0 + t * a0)) * t
        bend = (a1 - a0) * t * t
        c3 = 10.0 * gap - 4.0 * rate + 0.5 * bend
        c4 = -15.0 * gap + 7.0 * rate - bend
        c5 = 6.0 * gap - 3.0 * rate + 0.5 * bend
        return cls(start, end, np.stack((q0, v0, 0.5 * a0, c3 / t**3, c4 / t**4, c5 / t**5)))

    @classmethod
    def quartic(cls, start: float, end: float, q0: Array, v0: Array, q1: Array, v1: Array) -> Self:
        """From position and velocity to position and velocity without acceleration at the end, all (8,)."""
        t = end - start
        gap = q1 - q0 - t * v0
        rate = (v1 - v0) * t
        c2 = 6.0 * gap - 3.0 * rate
        c3 = -8.0 * gap + 5.0 * rate
        c4 = 3.0 * gap - 2.0 * rate
        return cls(start, end, np.stack((q0, v0, c2 / t**2, c3 / t**3, c4 / t**4)))

    def at(self, time: float) -> tuple[Array, Array]:
        """Position and velocity (8,) at ``time`` (s)."""
        tau = min(max(time, self.start), self.end) - self.start
        position = velocity = np.zeros(self.coefficients.shape[1])
        for row in self.coefficients[::-1]:
            velocity = velocity * tau + position
            position = position * tau + row
        beyond = time - self.start - tau
        return position + beyond * velocity, velocity

    def acceleration(self, time: float) -> Array:
        """Acceleration (8,) at ``time`` (s); zero outside of the segment."""
        tau = time - self.start
        result = np.zeros(self.coefficients.shape[1])
        if 0.0 <= tau <= self.end - self.start:
            for power in range(len(self.coefficients) - 1, 1, -1):
                result = result * tau + power * (power - 1) * self.coefficients[power]
        return result
