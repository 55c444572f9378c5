"""The arm's limits, enforced on every command after everything else."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver import arm
from llm_policy_improver.control.inverse_kinematics import JOINT_HIGH, JOINT_LOW

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

    def enforce(self, velocity: Array, position: Array) -> tuple[Array, bool]:
        """The command (8,) that may be sent to an arm at ``position`` (8,), and whether it was changed.

        Commands that are not finite become a standstill. A joint beyond its speed limit scales the whole
        vector, so that the blade keeps its direction; a joint near the end of its range is slowed alone.
        A command within all limits comes back bit for bit.
        """
        if not all(map(math.isfinite, (*velocity.tolist(), *position.tolist()))):
            return np.zeros_like(velocity), True
        excess = float(np.max(np.abs(velocity) / SPEED_LIMIT))
        # Clipped too: the quotient may round up by its last bit.
        scaled = np.clip(velocity / excess, -SPEED_LIMIT, SPEED_LIMIT) if excess > 1.0 else velocity
        room_below = np.minimum((JOINT_LOW - position) / self.horizon, 0.0)
        room_above = np.maximum((JOINT_HIGH - position) / self.horizon, 0.0)
        allowed = np.minimum(np.maximum(scaled, room_below), room_above)
        return allowed, bool(excess > 1.0 or np.any(allowed != scaled))
