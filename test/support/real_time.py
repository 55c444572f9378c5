"""For tests that play in real time: one at a time on this machine, and a measure of how busy it is meanwhile.

A test that is marked ``real_time`` and fails while the timer beside it was late says nothing about the arm: it is
skipped, with what failed as a reason.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest

TOO_LATE: Final = 0.05
"""s that an empty timer is late: half of what the controller waits for joint states."""
_TIMER = """
import time
period = 0.004
while True:
    start = time.monotonic()
    time.sleep(period)
    now = time.monotonic()
    if now - start - period > 0.01:
        print(now, now - start - period, flush=True)
"""


class EmptyTimer:
    """A process of ordinary priority that does nothing every 4 ms; what it is late for, others are late for too.

    The nodes' own empty timer has the controller's real-time priority, and so does not notice when everything
    without one (the middleware's hand-over in other processes, the cameras, this test) has to wait.
    """

    def __init__(self, output: Path, process: 'subprocess.Popen[bytes]') -> None:
        self._output = output
        self._process = process
        self._since = time.monotonic()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def begin(self) -> None:
        """What counts is how late it is from now on."""
        self._since = time.monotonic()

    @property
    def worst(self) -> float:
        """s that it was late at most since `begin`; 0 for less than 10 ms."""
        assert self._process.poll() is None, 'the empty timer has ended'
        told = (map(float, line.split()) for line in self._output.read_text().split('\n')[:-1])
        return max((late for now, late in told if now > self._since), default=0.0)

    @property
    def excuse(self) -> str:
        """Why nothing can be told of the arm, as this timer was late, too; empty where it was not."""
        worst = self.worst
        if worst <= TOO_LATE:
            return ''
        return f'an empty timer is {worst:.2f} s late here: the machine is too busy for the arm'

    def judge(self, what: object) -> NoReturn:
        """Fail, as something took too long, unless there is an `excuse`."""
        if excuse := self.excuse:
            pytest.skip(excuse)
        pytest.fail(f'{what}, though an empty timer was {self.worst:.3f} s late at most')


@contextmanager
def empty_timer(folder: Path) -> Iterator[EmptyTimer]:
    """One that runs meanwhile."""
    output = folder / 'empty_timer.txt'
    with output.open('wb') as written:
        process = subprocess.Popen([sys.executable, '-c', _TIMER], stdout=written)
    try:
        yield EmptyTimer(output, process)
    finally:
        process.kill()
        process.wait()


@contextmanager
def alone_in_real_time() -> Iterator[None]:
    """Wait until no other test has processes with real-time priority: two cells on two cores starve each other."""
    name = f'llm_policy_improver_real_time_{os.getuid()}.lock'
    with (Path(tempfile.gettempdir()) / name).open('a') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
