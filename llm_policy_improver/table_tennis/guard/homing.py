"""Whether the arm can get from where it stands to its ready pose: tried out before it is armed.

Found outside of its box, the arm may come back on ways that lead further out at no time. The controller's way home is a
simple one, all joints at once, and the safety stage may have to hold it up for ever. Then a person has to move the arm.
"""

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoop, InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS

Array = NDArray[np.float64]

NO_WAY_HOME = 'from here the arm cannot get to its ready pose'
_SOFT_START = 1.0
"""s from the arming to full speed."""
_LONGEST = 20.0
"""s."""
_NEAR = 0.1
"""m and rad, from where on nothing holds it up."""
_PROGRESS = 1e-3
"""m and rad that the joints together must have come nearer within ``_HELD_UP``."""
_HELD_UP = 0.5
"""s."""


def soft_start(velocity: Array, since: float) -> Array:
    """The way home begins slowly: joints that all start at once shake each other, and who stands beside the arm.

    Args:
        velocity: (8,) m/s and rad/s, the controller's.
        since: s since the arming.
    """
    return velocity if since >= _SOFT_START else np.asarray(since / _SOFT_START * velocity)


class WayHome:
    """The arm's own inner loop and safety stage, with a model of its drives.

    Args:
        gain: 1/s, velocity over distance, of the way home.
        period: s between the controller's commands.
    """

    def __init__(self, settings: InnerLoopSettings, limits: SafetyLimits, gain: float, period: float) -> None:
        self._stage = SafetyStage(limits)
        self._loop = InnerLoop(settings, period, self._stage)
        self._gain = gain
        self._cycle = settings.period
        self._cycles_per_tick = max(round(period / settings.period), 1)
        self._follows = 1.0 - np.exp(-settings.period / LAG)

    def why_infeasible(self, position: Array) -> str:
        """Why the arm cannot get home from ``position`` (8,), m and rad, in words; empty where it can."""
        here, home = position.copy(), np.array(arm.HOME)
        self._loop.start_anew(here)
        marked, left = np.inf, 0.0
        for cycle in range(round(_LONGEST / self._cycle)):
            away = home - here
            if np.abs(away).max() < _NEAR:
                return ''
            left -= self._cycle
            if left <= 0.0:
                now = float(np.abs(away).sum())
                if marked - now < _PROGRESS:
                    break
                marked, left = now, _HELD_UP
            steady = round(cycle * self._cycle * NANOSECONDS)
            if cycle % self._cycles_per_tick == 0:
                self._loop.aim(self._gain * away, steady)  # at full speed at once: the harder way
            velocity = self._loop.cycle(here, steady).velocity
            here = here + self._follows * (self._stage.position + velocity * self._cycle - here)
        farthest = int(np.argmax(np.abs(home - here)))
        return (
            f'{NO_WAY_HOME} within the limits: {arm.ARM[farthest].name} would come to {here[farthest]:.2f} instead '
            f'of {home[farthest]:.2f}; move the arm near its ready pose by other means first'
        )
