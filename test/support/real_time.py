"""For tests that play in real time: one at a time on this machine, and a measure of how busy it is meanwhile.

A test that is marked ``real_time`` and fails while the timer beside it was late, or while a process of the test stood
in the queue for a processor, says nothing about the arm: it is skipped, with what failed as a reason.
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
TOO_LONG: Final = 0.5
"""Share of half a second that a process of a test stands in the queue for a processor: it is given less than it needs.
A timer that sleeps is served before those that compute, and does not notice."""
_TIMER = """
import sys, time
from pathlib import Path

def read(pid, name):
    try:
        return Path(f'/proc/{pid}/{name}').read_text()
    except OSError:
        return ''

def processes(root):
    parent = {}
    for entry in Path('/proc').glob('[0-9]*'):
        fields = read(entry.name, 'stat').rpartition(')')[2].split()
        if fields:
            parent[int(entry.name)] = int(fields[1])
    found = {root}
    while more := {pid for pid, above in parent.items() if above in found} - found:
        found |= more
    return found

def queued(root):
    times = {pid: read(pid, 'schedstat').split() for pid in processes(root)}
    return {pid: int(fields[1]) / 1e9 for pid, fields in times.items() if len(fields) == 3}

period, window, root = 0.004, 0.5, int(sys.argv[1])
looked, before = time.monotonic(), queued(root)
while True:
    start = time.monotonic()
    time.sleep(period)
    now = time.monotonic()
    if now - start - period > 0.01:
        print('late', now, now - start - period, flush=True)
    if now - looked > window:
        waited = queued(root)
        most = max((waited[pid] - before[pid] for pid in waited if pid in before), default=0.0)
        print('queued', now, most / (now - looked), flush=True)
        looked, before = time.monotonic(), waited
"""


class EmptyTimer:
    """A process of ordinary priority that does nothing every 4 ms; what it is late for, others are late for too.

    The nodes' own empty timer has the controller's real-time priority, and so does not notice when everything
    without one (the middleware's hand-over in other processes, the cameras, this test) has to wait. Twice a second it
    also asks the kernel (``/proc/*/schedstat``) how long each process of the test stood in the queue for a processor.
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
        return self._most('late')

    @property
    def queued(self) -> float:
        """Share of half a second since `begin` that a process of the test waited for a processor at most."""
        return self._most('queued')

    def _most(self, what: str) -> float:
        assert self._process.poll() is None, 'the empty timer has ended'
        told = (line.split() for line in self._output.read_text().split('\n')[:-1])
        return max(
            (float(value) for name, at, value in told if name == what and float(at) > self._since),
            default=0.0,
        )

    @property
    def excuse(self) -> str:
        """Why nothing can be told of the arm, as the machine is too busy for it; empty where it is not."""
        why = ''
        if self.worst > TOO_LATE:
            why = f'an empty timer is {self.worst:.2f} s late here'
        elif self.queued > TOO_LONG:
            why = f'a process waits for a processor for {self.queued:.0%} of half a second here'
        return why and f'{why}: the machine is too busy for the arm'

    def judge(self, what: object) -> NoReturn:
        """Fail, as something took too long, unless there is an `excuse`."""
        if excuse := self.excuse:
            pytest.skip(excuse)
        pytest.fail(
            f'{what}, though an empty timer was {self.worst:.3f} s late at most, and no process waited for a processor '
            f'for more than {self.queued:.0%} of half a second'
        )


@contextmanager
def empty_timer(folder: Path) -> Iterator[EmptyTimer]:
    """One that runs meanwhile."""
    output = folder / 'empty_timer.txt'
    with output.open('wb') as written:
        process = subprocess.Popen([sys.executable, '-c', _TIMER, str(os.getpid())], stdout=written)
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
