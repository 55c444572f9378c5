"""A soft ball that a hand rolls over a table; it comes to rest by rolling resistance.

Two simulators: `Roll` with a constant resistance, and `RollStandIn`, which stands in the place of a real robot: its
resistance grows with speed, its hand is slow and lets go late, and its camera sees the ball somewhat beside its
place. No example of a data set comes from the second one.
"""

import math
from typing import Any, Final

import numpy as np

from llm_policy_improver.tasks.dynamic_manipulation.push import GRAVITY, PushScene, release_speed

RADIUS: Final = 0.03
MASS: Final = 0.2
RESISTANCE: Final = 0.004
"""m; the rolling resistance of a soft ball on felt: torque over weight."""

_GRIP: Final = 'connect anchor="0 0 -0.07"'
_GEOM: Final = f'type="sphere" size="{RADIUS}" mass="{MASS}"'
_FRICTION: Final = 0.5
_TIMESTEP: Final = 0.002
_STILL: Final = 2e-3
_SMOOTH: Final = 0.05
"""rad/s below which the resistance fades, as it has no direction at rest."""


class Roll(PushScene):
    """A ball 6 cm wide that rolls in the hand already.

    Args:
        resistance: m, torque of the rolling resistance over the weight.
        growth: share by which the resistance grows a m/s.
    """

    def __init__(self, resistance: float = RESISTANCE, growth: float = 0.0) -> None:
        super().__init__(_GEOM, RADIUS, _GRIP, _FRICTION, _TIMESTEP, _STILL)
        import mujoco

        self._to_matrix: Any = mujoco.mju_quat2Mat
        self._rotation = np.empty(9)
        self._torque = resistance * MASS * GRAVITY
        self._growth = growth
        self._ball = self.model.body('object').id

    def apply_drag(self) -> None:
        """The torque against the rolling."""
        spin = self.data.qvel[5:8]
        rate = math.sqrt(spin @ spin)
        if rate == 0.0:
            return
        self._to_matrix(self._rotation, self.data.qpos[5:9])
        torque = self._torque * (1.0 + self._growth * rate * RADIUS) * math.tanh(rate / _SMOOTH)
        self.data.xfrc_applied[self._ball, 3:] = -torque / rate * (self._rotation.reshape(3, 3) @ spin)


def rolling_distance(distance: float, time: float, resistance: float = RESISTANCE) -> float:
    """m from where the ball lay to where it rests, by constant resistance.

    A torque ``c m g`` slows a full sphere by ``(5 / 7) c g / R``.
    """
    return distance + release_speed(distance, time) ** 2 / (2.0 * 5.0 / 7.0 * resistance * GRAVITY / RADIUS)


class RollStandIn:
    """What stands in the place of a real robot."""

    GAIN: Final = 0.96
    """Share of the commanded speed that the hand reaches."""
    DELAY: Final = 0.012
    """s that it lets go late, at full speed."""
    SCALE: Final = 1.02
    TURN: Final = 0.02
    OFFSET: Final = (0.008, -0.012)
    """The camera's errors: scale, rad, m."""
    NOISE: Final = 0.002
    """m, standard deviation of what the camera sees, an axis."""

    def __init__(self) -> None:
        self._roll = Roll(RESISTANCE * 0.85, growth=0.45)

    def rest(self, angle: float, distance: float, time: float) -> tuple[float, float]:
        """Where the camera would see the ball at rest, x and y in m, without its noise; see `PushScene.rest`."""
        # Slower by the gain, over the same distance; then a bit on at full speed.
        slow = time / self.GAIN
        late = release_speed(distance, slow) * self.DELAY
        x, y = self._roll.rest(angle, distance, slow)
        x, y = x + late * math.cos(angle), y + late * math.sin(angle)
        turned = (
            math.cos(self.TURN) * x - math.sin(self.TURN) * y,
            math.sin(self.TURN) * x + math.cos(self.TURN) * y,
        )
        return self.SCALE * turned[0] + self.OFFSET[0], self.SCALE * turned[1] + self.OFFSET[1]

    def seen(self, place: tuple[float, float], generator: np.random.Generator) -> tuple[float, float]:
        """A place (2,) with the camera's noise."""
        noise = generator.normal(0.0, self.NOISE, 2)
        return place[0] + float(noise[0]), place[1] + float(noise[1])
