"""The empty timer beside tests in real time: how late it was, and from when on that counts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from real_time import TOO_LATE, TOO_LONG, EmptyTimer, empty_timer


@pytest.fixture
def timer(tmp_path: Path) -> Iterator[EmptyTimer]:
    with empty_timer(tmp_path) as running:
        yield running


def until_late(timer: EmptyTimer) -> None:
    """Stops its process for a while, as a busy machine would."""
    end = time.monotonic() + 30.0
    while timer.worst <= TOO_LATE:
        assert time.monotonic() < end
        os.kill(timer.pid, signal.SIGSTOP)
        time.sleep(2.0 * TOO_LATE)
        os.kill(timer.pid, signal.SIGCONT)
        time.sleep(TOO_LATE)


def test_a_late_timer_excuses_and_only_for_the_time_since_it_was_begun(timer: EmptyTimer) -> None:
    until_late(timer)
    assert 'the machine is too busy for the arm' in timer.excuse
    with pytest.raises(pytest.skip.Exception, match='an empty timer is'):
        timer.judge('late')
    for _ in range(100):  # a busy machine may make it late again
        timer.begin()
        if not timer.excuse:
            return
    pytest.fail('what was before is not forgotten')


def test_without_an_excuse_what_was_late_fails(timer: EmptyTimer) -> None:
    for _ in range(100):
        timer.begin()
        if not timer.excuse:
            break
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception)) as caught:
        timer.judge('the arm was late')
    assert timer.excuse or 'the arm was late, though an empty timer was' in str(caught.value)


def test_processes_that_wait_for_a_processor_excuse_though_the_timer_is_served(timer: EmptyTimer) -> None:
    one = min(os.sched_getaffinity(0))
    busy = f'import os\nos.sched_setaffinity(0, {{{one}}})\nwhile True: pass'
    end = time.monotonic() + 60.0
    with ExitStack() as running:
        for _ in range(4):
            process = running.enter_context(subprocess.Popen([sys.executable, '-c', busy]))
            running.callback(process.kill)
        while timer.queued <= TOO_LONG:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert 'the machine is too busy for the arm' in timer.excuse
