"""The thread of the inner loop: one cycle after the other, as evenly as the machine allows, whatever happens."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final

from llm_policy_improver.table_tennis.observation import NANOSECONDS

_SWITCHING: Final = 0.0005
"""s after which a thread that computes must let another one on: Python's own 5 ms are more than a cycle."""


class InnerLoopThread:
    """Runs until it is ended; an error in a cycle does not end it. Cycles that are late are left out, not made up for.

    Args:
        period: s between two cycles.
        cycle: takes the cycle's number.
        failed: stops the arm in another way; takes the error of a cycle.

    Attributes:
        cycles: that went well, or after whose error `failed` did. Who watches it sees where nothing is sent any more.
    """

    def __init__(
        self, period: float, cycle: Callable[[int], None], failed: Callable[[Exception], None]
    ) -> None:
        self._period = round(period * NANOSECONDS)
        self._cycle = cycle
        self._failed = failed
        self._ending = Event()
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCHING))
        self.cycles = 0
        self._thread = Thread(target=self._run, name='inner loop', daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether cycles are still to come."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Let the cycle under way be the last one."""
        self._ending.set()

    def join(self, patience: float) -> None:
        """Wait for its end, for ``patience`` s at most."""
        self._thread.join(patience)

    def _run(self) -> None:
        due, number = time.monotonic_ns(), 0
        while not self._ending.is_set():
            with suppress(Exception):  # nothing could be sent: tried again in the next cycle
                self._cycle_or_stop(number)
                self.cycles += 1
            number += 1
            due += self._period
            late = time.monotonic_ns() - due
            if late > 0:
                due += self._period * (1 + late // self._period)
                late = time.monotonic_ns() - due
            time.sleep(max(-late, 0) / NANOSECONDS)

    def _cycle_or_stop(self, number: int) -> None:
        try:
            self._cycle(number)
        except Exception as error:  # whatever it is: the arm has to stop, even if at once
            self._failed(error)
