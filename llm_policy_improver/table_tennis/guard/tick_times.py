"""How regularly something that should happen in even time steps does happen."""

from collections import deque

import numpy as np

from llm_policy_improver.table_tennis.observation import NANOSECONDS

_KEPT = 2000
_LATE = 1.5


class TickTimes:
    """Intervals between ticks of a nominal period.

    Example:
        >>> times = TickTimes(0.02)
        >>> for stamp in (0, 20_000_000, 40_000_000, 75_000_000):
        ...     times.add(stamp)
        >>> times.overruns, round(times.jitter(), 4)
        (1, 0.015)

    Attributes:
        period: s.
        ticks: counted so far.
        overruns: intervals of more than one and a half periods so far.
    """

    def __init__(self, period: float) -> None:
        self.period = period
        self.ticks = 0
        self.overruns = 0
        self._last: int | None = None
        self._intervals: deque[float] = deque(maxlen=_KEPT)

    def add(self, steady: int) -> None:
        """A tick at this time, ns."""
        if self._last is not None:
            interval = (steady - self._last) / NANOSECONDS
            self._intervals.append(interval)
            self.overruns += interval > _LATE * self.period
        self._last = steady
        self.ticks += 1

    def jitter(self, share: float = 0.99) -> float:
        """s: the deviation from the period that this share of the last 2000 intervals stays within; 0 without any."""
        if not self._intervals:
            return 0.0
        return float(np.quantile(np.abs(np.array(self._intervals) - self.period), share, method='higher'))
