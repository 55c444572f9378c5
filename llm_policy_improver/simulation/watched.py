"""A simulator that also measures how near the arm comes to what it must not touch and to its joints' ends."""

from typing import Final

import mujoco
import numpy as np

from llm_policy_improver import arm
from llm_policy_improver.simulation.config import SimulationConfig
from llm_policy_improver.simulation.delayed import DelayedSimulator

AROUND: Final = ('table', 'net', 'floor')
"""What the arm must keep away from."""
FARTHEST: Final = 0.3
"""m; distances beyond this are of no interest and count as this."""
_EVERY: Final = 0.004
"""s between two measurements; the blade moves 2 cm meanwhile where it is fastest."""

_LOW: Final = np.array([joint.low for joint in arm.ARM])
_HIGH: Final = np.array([joint.high for joint in arm.ARM])


class WatchedSimulator(DelayedSimulator):
    """A `DelayedSimulator`, with or without delays, whose true joint positions are measured all the time.

    Attributes:
        clearance: m, the smallest distance so far of a link or of the paddle to table, net or floor; negative inside.
        nearest: which part came so near to what, in words.
        joint_clearance: the smallest share of its range that a joint was away from an end of it; negative beyond.
        nearest_joint: which joint that was.
    """

    def __init__(self, config: SimulationConfig | None = None) -> None:
        super().__init__(config)
        self._pose = mujoco.MjData(self.model)
        obstacles = [self.model.geom(name).id for name in AROUND]
        ball = self.model.geom('ball').id
        # A part of the arm is what the simulation lets touch its surroundings.
        parts = [
            geom
            for geom in range(self.model.ngeom)
            if geom not in (*obstacles, ball)
            and any(self.model.geom_contype[each] & self.model.geom_conaffinity[geom] for each in obstacles)
        ]
        self._pairs = [(part, obstacle) for part in parts for obstacle in obstacles]
        self._stride = max(1, round(_EVERY / self.config.physics_period))

    def launch(self, seed: int) -> None:
        """Put the arm into its ready pose, draw the delays and launch the ball of this seed."""
        self.clearance, self.nearest = FARTHEST, ''
        self.joint_clearance, self.nearest_joint = 1.0, ''
        super().launch(seed)

    def step(self, velocity: np.ndarray) -> None:
        """Send this joint velocity command (8,), m/s and rad/s, and advance one control period."""
        super().step(velocity)
        positions = np.array([state[0] for state in self._past[-self._control_steps :]])
        shares = np.minimum(positions - _LOW, _HIGH - positions) / (_HIGH - _LOW)
        row, joint = np.unravel_index(int(np.argmin(shares)), shares.shape)
        if shares[row, joint] < self.joint_clearance:
            self.joint_clearance, self.nearest_joint = float(shares[row, joint]), arm.ARM[joint].name
        for position in positions[:: self._stride]:
            self._measure(position)

    def _measure(self, position: np.ndarray) -> None:
        self._pose.qpos[: self._arm_dofs] = position
        mujoco.mj_kinematics(self.model, self._pose)
        for part, obstacle in self._pairs:
            distance = mujoco.mj_geomDistance(self.model, self._pose, part, obstacle, FARTHEST, None)
            if distance < self.clearance:
                self.clearance = distance
                self.nearest = f'{self._names[part]} to the {self._names[obstacle]}'
