"""Ends the trembling of simulated drives, which real ones do not know.

The wrist's drives are so stiff for its inertia that one physics step at the force limit takes a joint past its set
point, from where the next step takes it back at the opposite limit. After a jerk axis_3 and axis_4 can go on so for
ever, 0.6 mrad to and fro at 0.59 rad/s, and no controller finds the arm at rest. MuJoCo's implicit integration keeps
stiff drives calm only as long as their force is not limited.
"""

from typing import Final

import mujoco
import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.drives import DRIVES

LASTING: Final = 0.05
"""s of going from limit to limit in every step, after which it is ended: in the swings of 160 balls it ended by itself
within 0.016 s."""

_FORCE: Final = np.array([DRIVES[joint.name].force for joint in arm.ARM])
_KP: Final = np.array([DRIVES[joint.name].kp for joint in arm.ARM])
_KV: Final = np.array([DRIVES[joint.name].kv for joint in arm.ARM])


class Trembling:
    """Watches the drives of an arm in MuJoCo, step by step.

    Args:
        model, data: of the arm.
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._model, self._data = model, data
        self._steps = round(LASTING / model.opt.timestep)
        self._count = np.zeros(len(arm.ARM), dtype=int)
        self._limit = np.zeros(len(arm.ARM))

    def see_step(self) -> None:
        """A physics step has been taken: where a joint trembles for long, take back what its drive gave too much."""
        force = self._data.actuator_force
        limited = np.abs(force) >= _FORCE
        if not limited.any():  # as in nearly all steps
            self._limit[:] = 0.0
            self._count[:] = 0
            return
        limit = np.where(limited, np.sign(force), 0.0)
        self._count = np.where(limit * self._limit < 0.0, self._count + 1, 0)
        self._limit = limit
        if np.any(self._count >= self._steps):
            self._calm(np.flatnonzero(self._count))
            self._count[:] = 0

    def _calm(self, joints: NDArray[np.intp]) -> None:
        """The impulses of these drives by which their forces are zero in the next step; all links that they move react.

        Args:
            joints: those that tremble; together, as one would set off another again.
        """
        data = self._data
        wanted = _KP[joints] * (data.act[joints] - data.qpos[joints]) / _KV[joints]
        unit = np.zeros((len(joints), self._model.nv))
        unit[np.arange(len(joints)), joints] = 1.0
        reaction = np.zeros_like(unit)
        mujoco.mj_solveM(self._model, data, reaction, unit)
        impulse = np.linalg.solve(reaction[:, joints], wanted - data.qvel[joints])
        data.qvel[:] += impulse @ reaction
