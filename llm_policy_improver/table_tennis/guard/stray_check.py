"""Whether the joints move as they are commanded, and not as somebody else, or a drifting encoder, has them move."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings

Array = NDArray[np.float64]

_BLOCK: Final = 0.02
"""s, in which what was sent is remembered."""
_ANSWERED: Final = 30
"""Blocks: after 0.6 s the slowest drive (0.13 s), its delays and the encoders' have answered what was sent."""
_RESTING: Final = 0.002
"""m and rad: an arm that was sent no farther in that time rests where it was sent."""
_SWUNG: Final = 150
"""Blocks: 3 s, a swing and the way home."""


class StrayCheck:
    """Of each joint: is it where its drive can be by what was sent?

    A drive without overshoot, of whatever lag and delay, is where a mean of the sums of what was sent in the time
    before would have it: between the least and the largest of them. So no model of a drive is needed, and the
    check is as narrow on a standing arm as it is wide in a swing. What joints are beyond that counts where it comes
    faster than drives drift from their sums. Where a joint was sent is known from the first rest on.
    """

    def __init__(self, settings: WatchdogSettings) -> None:
        self._settings = settings
        self._least = arm.per_joint(settings.stray_way, settings.stray_way, settings.stray_angle)
        self.start_anew()

    def start_anew(self) -> None:
        """What was sent before, or whether it held, is not known."""
        self._anchor: Array | None = None
        self._blocks = 0
        self._sum: Array = np.zeros(len(arm.ARM))
        self._low: Array = np.zeros((_SWUNG, len(arm.ARM)))
        self._high: Array = np.zeros((_SWUNG, len(arm.ARM)))
        self._open = 0.0

    def see(self, sent: Array, position: Array, gap: float) -> str:
        """Take the velocity sent for the last ``gap`` s and the newest positions; what strays, in words.

        Args:
            sent: (8,) m/s and rad/s.
            position: (8,) m and rad.
            gap: s.
        """
        self._remember(sent * gap, gap)
        low, high = self._low[:_ANSWERED].min(axis=0), self._high[:_ANSWERED].max(axis=0)
        if self._anchor is None:
            if self._blocks < _ANSWERED or np.any(high - low > _RESTING):
                return ''
            self._anchor = position - self._sum
        moved = position - self._anchor
        beyond = moved - np.clip(moved, low, high)
        swung = self._high.max(axis=0) - self._low.min(axis=0)
        drift = self._settings.stray_drift * gap
        self._anchor = self._anchor + np.clip(beyond, -drift, drift)
        tolerated = self._least + self._settings.stray_share * swung
        for joint in np.flatnonzero(np.abs(beyond) > tolerated):
            self._anchor = self._anchor + beyond  # what was said once counts from here
            return (
                f'{arm.ARM[joint].name} is {beyond[joint]:+.3f} from where it was sent: somebody else commands it, '
                'something pushes it, or its encoder drifts'
            )
        return ''

    def _remember(self, way: Array, gap: float) -> None:
        self._sum = self._sum + way
        self._open += gap
        if self._open >= _BLOCK:
            self._open = 0.0
            self._blocks += 1
            self._low[1:], self._high[1:] = self._low[:-1].copy(), self._high[:-1].copy()
            self._low[0] = self._high[0] = self._sum
        self._low[0] = np.minimum(self._low[0], self._sum)
        self._high[0] = np.maximum(self._high[0], self._sum)
