"""A simulator that also tells how near the arm came to what it must not touch and to its joints' ends."""

from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import DelayedSimulator

AROUND: Final = ('table', 'net', 'floor')
"""What the arm must keep away from."""
FARTHEST: Final = 0.3
"""m; distances beyond this are of no interest and count as this."""
_EVERY: Final = 0.004
"""s between two measurements; the blade moves 2 cm meanwhile where it is fastest."""

_LOW: Final = np.array([joint.low for joint in arm.ARM])
_HIGH: Final = np.array([joint.high for joint in arm.ARM])


@dataclass(frozen=True, slots=True)
class Margins:
    """Of the true joint positions of a trial.

    Attributes:
        clearance: m, the smallest distance of a link or of the paddle to table, net or floor; negative inside.
        nearest: which part came so near to what, in words; empty where nothing came within `FARTHEST`.
        joint_clearance: the smallest share of its range that a joint was away from an end of it; negative beyond.
        nearest_joint: which joint that was.
    """

    clearance: float
    nearest: str
    joint_clearance: float
    nearest_joint: str


class WatchedSimulator(DelayedSimulator):
    """A `DelayedSimulator`, with or without delays, that can tell the margins of its trial."""

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

    def margins(self) -> Margins:
        """Since the launch."""
        positions = np.array([state[0] for state in self._past])
        shares = np.minimum(positions - _LOW, _HIGH - positions) / (_HIGH - _LOW)
        row, joint = np.unravel_index(int(np.argmin(shares)), shares.shape)
        clearance, nearest = FARTHEST, ''
        for position in positions[:: self._stride]:
            distance, pair = self._distance(position)
            if distance < clearance:
                clearance, nearest = distance, pair
        return Margins(clearance, nearest, float(shares[row, joint]), arm.ARM[joint].name)

    def _distance(self, position: NDArray[np.float64]) -> tuple[float, str]:
        """m, of the arm with its joints at this position (8,) to its surroundings, and where, in words."""
        self._pose.qpos[: self._arm_dofs] = position
        mujoco.mj_kinematics(self.model, self._pose)
        distances = [
            mujoco.mj_geomDistance(self.model, self._pose, part, obstacle, FARTHEST, None)
            for part, obstacle in self._pairs
        ]
        least = int(np.argmin(distances))
        part, obstacle = self._pairs[least]
        return distances[least], f'{self._names[part]} to the {self._names[obstacle]}'
