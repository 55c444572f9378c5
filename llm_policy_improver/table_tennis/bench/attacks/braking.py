"""How an arm in motion is stopped as quickly as the limits allow: the judge's own arithmetic, in continuous time.

For the speed v, the acceleration a and the jerk j: the deceleration grows to p = min(a, sqrt(v j)) and falls again,
which takes T = v / p + p / j and a way of v T / 2, as the profile is symmetric.
"""

import numpy as np

from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.bench.attacks.case import Array
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits


class Braking:
    """From a velocity (8,), m/s and rad/s, to rest.

    Attributes:
        time: s until all joints rest.
        way: (8,) m and rad, signed.
    """

    def __init__(self, limits: SafetyLimits, velocity: Array) -> None:
        self._sign, self._speed = np.sign(velocity), np.abs(velocity)
        self._jerk = np.array(limits.jerk)
        self._peak = np.minimum(np.array(limits.acceleration), np.sqrt(self._speed * self._jerk))
        self._peak = np.maximum(self._peak, 1e-12)
        self._times = np.where(self._speed > 0.0, self._speed / self._peak + self._peak / self._jerk, 0.0)
        self.time = float(self._times.max())
        self.way = self._sign * 0.5 * self._speed * self._times

    def velocity(self, time: float) -> Array:
        """(8,) m/s and rad/s, so many seconds after its begin."""
        left = np.clip(self._times - time, 0.0, self._times)
        ramp = self._peak / self._jerk
        growing = self._speed - 0.5 * self._jerk * time**2
        steady = self._speed - self._peak * (time - 0.5 * ramp)
        falling = 0.5 * self._jerk * left**2
        return self._sign * np.where(left <= ramp, falling, np.where(time <= ramp, growing, steady))

    def path(self, position: Array, set_point: Array, step: float = 0.002, after: float = 0.6) -> list[Array]:
        """Where the joints go (8,) while their set points brake and the drives, each with its lag, catch up.

        A drive's set point does not leave its joint's range.
        """
        share, path = 1.0 - np.exp(-step / LAG), []
        for number in range(round((self.time + after) / step)):
            set_point = np.clip(
                set_point + step * self.velocity((number + 0.5) * step), JOINT_LOW, JOINT_HIGH
            )
            position = position + share * (set_point - position)
            path.append(position)
        return path
