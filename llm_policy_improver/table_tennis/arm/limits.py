"""The arm's limits, enforced on every command after everything else."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.ranges import require_ranges
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW

Array = NDArray[np.float64]

_SPEED_MARGIN = 0.95
SPEED_LIMIT: Array = _SPEED_MARGIN * np.array([joint.speed for joint in arm.ARM])
"""(8,) m/s and rad/s, of a command; below the joints' own, which a drive that catches up may reach."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Velocity and position limits of the joints.

    Attributes:
        horizon: s; a joint may not move so fast that it would be past its range after this time.
    """

    horizon: float = 0.1

    def __post_init__(self) -> None:
        require_ranges(self, {'horizon': (0.001, 10.0, ' s')}, 'limits')

    def enforce(self, velocity: Array, position: Array) -> tuple[Array, bool]:
        """The command (8,) that may be sent to an arm at ``position`` (8,), and whether it was changed.

        Commands that are not finite become a standstill. A joint beyond its speed limit scales the whole
        vector, so that the blade keeps its direction; a joint near the end of its range is slowed alone.
        A command within all limits comes back bit for bit.
        """
        return _enforced(velocity, position, self.horizon)


@compiled
def _enforced(velocity: Array, position: Array, horizon: float) -> tuple[Array, bool]:
    excess = 0.0
    for joint in range(len(velocity)):
        if not (math.isfinite(velocity[joint]) and math.isfinite(position[joint])):
            return np.zeros_like(velocity), True
        excess = max(excess, abs(velocity[joint]) / SPEED_LIMIT[joint])
    allowed = velocity.copy()
    limited = excess > 1.0
    for joint in range(len(velocity)):
        if excess > 1.0:
            # Clipped too: the quotient may round up by its last bit.
            scaled = velocity[joint] / excess
            allowed[joint] = min(max(scaled, -SPEED_LIMIT[joint]), SPEED_LIMIT[joint])
        room_below = min((JOINT_LOW[joint] - position[joint]) / horizon, 0.0)
        room_above = max((JOINT_HIGH[joint] - position[joint]) / horizon, 0.0)
        if not room_below <= allowed[joint] <= room_above:
            allowed[joint] = min(max(allowed[joint], room_below), room_above)
            limited = True
    return allowed, limited
