"""The drives' own command time-out: they hold a velocity for so long, and then brake by themselves."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DriveTimeout:
    """What the simulated drives do without a command.

    Attributes:
        timeout: s that a command holds; infinite: for ever, as with ros2_control's forward_command_controller alone.
        deceleration: (8,) m/s^2 and rad/s^2, at which each joint's set point is then brought to rest.
    """

    timeout: float = SafetyLimits().drive_timeout
    deceleration: tuple[float, ...] = field(default=SafetyLimits().acceleration)

    @classmethod
    def of(cls, limits: SafetyLimits) -> 'DriveTimeout':
        """Drives that were commissioned as the safety file says."""
        return cls(limits.drive_timeout, limits.acceleration)


class TimedDrives:
    """Eight drives, at rest until their first command. Times are passed in, in ns of one clock."""

    def __init__(self, settings: DriveTimeout) -> None:
        self._timeout = settings.timeout
        self._deceleration = np.array(settings.deceleration)
        self._commanded: Array = np.zeros(len(arm.ARM))
        self._taken = np.zeros(len(arm.ARM), dtype=np.int64)

    def take(self, joints: slice | int, velocity: ArrayLike, now: int) -> None:
        """A command, m/s and rad/s, to these joints takes effect now."""
        self._commanded[joints] = velocity
        self._taken[joints] = now

    def leave_out(self, duration: int) -> None:
        """So many ns pass without any drive noticing."""
        self._taken += duration

    def velocity(self, now: int) -> Array:
        """(8,) m/s and rad/s, of the set points now."""
        over = np.maximum((now - self._taken) / NANOSECONDS - self._timeout, 0.0)
        if not over.any():
            return self._commanded.copy()
        left = np.maximum(np.abs(self._commanded) - self._deceleration * over, 0.0)
        return np.asarray(np.copysign(left, self._commanded))
