"""A hand that pushes something over a table and lets go: what sliding and rolling share.

The hand holds the object, accelerates it evenly over a distance, lets go at full speed and stays behind. A paddle
that only touches it loses contact now and then, by less than a thousandth of the speed, and lands the object
somewhere else by centimetres for a parameter changed by a thousandth of its range; a grip is smooth.

Frame: origin where the object lies at first, x straight ahead, y to the left, z up; metres, seconds, radians.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GRAVITY: Final = 9.81

_HAND_MASS: Final = 500.0
"""kg; so heavy that what it holds does not slow it."""
_LONGEST: Final = 12.0
"""s; nothing here moves as long."""

_SCENE: Final = """
<mujoco model="push">
  <option timestep="{timestep}" cone="elliptic" impratio="10" integrator="implicitfast" gravity="0 0 -{gravity}"
    iterations="100" tolerance="1e-12"/>
  <worldbody>
    <geom name="table" type="plane" size="3 3 0.1" friction="{friction} 0 0" condim="3" priority="1"
      solref="0.004 1"/>
    <body name="hand" pos="0 0 0.1">
      <joint type="slide" axis="1 0 0"/>
      <joint type="slide" axis="0 1 0"/>
      <geom type="box" size="0.02 0.02 0.02" mass="{hand_mass}" contype="0" conaffinity="0"/>
    </body>
    <body name="object" pos="0 0 {height}">
      <freejoint/>
      <geom {geom} condim="3"/>
    </body>
  </worldbody>
  <equality>
    <{grip} name="grip" body1="hand" body2="object" solref="0.004 1" solimp="0.99 0.999 0.001"/>
  </equality>
</mujoco>
"""


class PushScene:
    """MuJoCo's model of table, hand and object, and one push after the other in it.

    Args:
        geom: attributes of the object's shape and mass.
        height: m, of the object's centre above the table.
        grip: what holds the object: ``'weld'``, or ``'connect'`` with an ``anchor`` where it may turn in the hand.
        friction: coefficient between object and table.
        timestep: s.
        still: m/s, speed below which it counts as at rest.
    """

    def __init__(
        self, geom: str, height: float, grip: str, friction: float, timestep: float, still: float
    ) -> None:
        import mujoco  # takes long to load

        self._step: Any = mujoco.mj_step
        self._reset: Any = mujoco.mj_resetData
        self.model: Any = mujoco.MjModel.from_xml_string(
            _SCENE.format(
                timestep=timestep, gravity=GRAVITY, friction=friction, hand_mass=_HAND_MASS, height=height,
                geom=geom, grip=grip,
            )
        )  # fmt: skip
        self.data: Any = mujoco.MjData(self.model)
        self._still = still

    def apply_drag(self) -> None:
        """Set forces beside friction before each step; none here."""

    def rest(self, angle: float, distance: float, time: float) -> tuple[float, float]:
        """Where the object comes to rest, x and y in m.

        Args:
            angle: rad, of the push, from straight ahead towards the left.
            distance: m, over which the hand accelerates.
            time: s, it takes to; it lets go at the speed ``2 distance / time``.
        """
        data, timestep = self.data, self.model.opt.timestep
        self._reset(self.model, data)
        data.eq_active[0] = 1
        direction = np.array([math.cos(angle), math.sin(angle)])
        # The last step ends when the push does. The first one is cut short: the hand is slow there, and nothing jumps.
        steps = math.ceil(time / timestep - 1e-9)
        speed_before = 0.0
        for step in range(1, steps + 1):
            elapsed = time - (steps - step) * timestep
            speed = 2.0 * distance * elapsed / time**2
            data.qfrc_applied[:2] = _HAND_MASS * (speed - speed_before) / timestep * direction
            self._advance()
            speed_before = speed
        data.qfrc_applied[:2] = 0.0
        data.eq_active[0] = 0
        data.qvel[:2] = 0.0
        while math.hypot(*data.qvel[2:4]) > self._still and data.time < _LONGEST:
            self._advance()
            data.qvel[:2] = 0.0
        return float(data.qpos[2]), float(data.qpos[3])

    def _advance(self) -> None:
        self.apply_drag()
        self._step(self.model, self.data)


def release_speed(distance: float, time: float) -> float:
    """m/s at which the hand lets go."""
    return 2.0 * distance / time
