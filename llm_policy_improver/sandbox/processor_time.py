"""How much processor time another process has used."""

import time
from pathlib import Path
from typing import Final

_WHOLE_PROCESS: Final = 2
"""``CPUCLOCK_SCHED`` of Linux: all threads of a process, user and system time."""


def processor_clock(handle: int) -> int:
    """The clock of a process' processor time in s, for `time.clock_gettime`.

    Python makes such clocks for its own threads alone; this is what ``clock_getcpuclockid(3)`` does.

    Args:
        handle: descriptor of the process, which may be one of another PID namespace.

    Raises:
        OSError: the process is gone.
    """
    told = dict(line.split(':', 1) for line in Path(f'/proc/self/fdinfo/{handle}').read_text().splitlines())
    number = int(told['Pid'])
    if number <= 0:
        raise ProcessLookupError(f'the process of descriptor {handle} is gone')
    return ~number << 3 | _WHOLE_PROCESS


def used(clock: int) -> float:
    """Processor time in s; infinite where the process is gone."""
    try:
        return time.clock_gettime(clock)
    except OSError:
        return float('inf')
