"""How a program's faults reach its caller."""

import re
import signal
import threading
import time
from pathlib import Path

import pytest

from llm_policy_improver.sandbox import confined
from llm_policy_improver.sandbox.confined import ConfinedWorker
from llm_policy_improver.sandbox.errors import (
    ProgramDiedError,
    ProgramError,
    ProgramTimeoutError,
    SandboxError,
    SandboxUnavailableError,
)
from llm_policy_improver.sandbox.inside.frames import RESULT
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import WAITING, Limits
from llm_policy_improver.sandbox.sandbox import Sandbox

FAULTY = """
import os

def divide(x):
    return 1 / x

def act(obs):
    value = divide(obs[0])
    return value

def endless():
    print('I begin')
    while True:
        pass

def leave():
    print('I go')
    os._exit(3)

def crash():
    import ctypes
    ctypes.string_at(0)

def read(path):
    return open(path).read()

def say(text, times):
    for _ in range(times):
        print(text)

def give(kind):
    return {'nan': float('nan'), 'set': {1}, 'big': [0.5] * 300_000, 'int': 2**63 + 1}[kind]

def fill():
    return len(bytearray(10**9))

class Policy:
    def __init__(self):
        raise ValueError('no gain\\nwas given')
"""


def test_exception_is_told_with_the_lines_of_the_program_alone(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker, pytest.raises(ProgramError) as caught:
        worker.call('act', [0.0])
    assert str(caught.value) == 'act raised ZeroDivisionError: float division by zero'
    assert caught.value.type == 'ZeroDivisionError'
    assert caught.value.traceback == (
        '  line 8, in act\n    value = divide(obs[0])\n  line 5, in divide\n    return 1 / x'
    )


def test_worker_goes_on_after_an_exception(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker:
        with pytest.raises(ProgramError):
            worker.call('act', [0.0])
        assert worker.call('act', [0.5]) == 2.0


def test_error_in_a_batch_says_which_call_it_was(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker, pytest.raises(ProgramError) as caught:
        worker.call_methods([(0, 'act', [1.0]), (0, 'act', [2.0]), (0, 'act', [0.0])])
    assert caught.value.call == 2


def test_message_is_one_sentence_on_one_line(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker, pytest.raises(ProgramError) as caught:
        worker.new('Policy')
    assert str(caught.value) == 'Policy raised ValueError: no gain was given'
    assert caught.value.reason == 'no gain\nwas given'


def test_source_that_does_not_compile_is_told_with_its_line(sandbox: Sandbox) -> None:
    with pytest.raises(ProgramError) as caught:
        sandbox.load('x = 1\nif x:\nprint(x)\n')
    assert caught.value.type == 'IndentationError'
    assert caught.value.traceback == '  line 3\n    print(x)'


def test_forbidden_file_is_an_error_that_the_model_can_read(sandbox: Sandbox) -> None:
    with (
        sandbox.load(FAULTY) as worker,
        pytest.raises(ProgramError, match='read raised PermissionError') as caught,
    ):
        worker.call('read', __file__)
    assert '  line 25, in read' in caught.value.traceback


def test_program_that_takes_too_long_is_stopped_and_its_output_kept(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY, Limits(call_seconds=0.2)) as worker:
        begin = time.monotonic()
        with pytest.raises(ProgramTimeoutError, match=r'endless took longer than 0\.2 s and was stopped'):
            worker.call('endless')
        assert time.monotonic() - begin < 5.0
        assert worker.output == 'I begin\n'
        assert not worker.alive
        with pytest.raises(
            ProgramDiedError, match=r'cannot be called any more: endless took longer than 0\.2 s'
        ):
            worker.call('act', [1.0])


def test_quick_program_on_a_busy_machine_is_not_taken_for_an_endless_one(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY, Limits(call_seconds=0.2)) as worker:
        assert isinstance(worker, ConfinedWorker)
        assert worker._forked is not None
        handle = worker._forked.handle
        signal.pidfd_send_signal(handle, signal.SIGSTOP)  # as if others had all of the processor
        later = threading.Timer(0.6, signal.pidfd_send_signal, (handle, signal.SIGCONT))
        later.start()
        assert worker.call('act', [1.0]) == 1.0
        later.join()


def test_program_that_waits_is_stopped(sandbox: Sandbox) -> None:
    with sandbox.load('import time\ndef wait(): time.sleep(60)', Limits(call_seconds=0.05)) as worker:
        begin = time.monotonic()
        with pytest.raises(ProgramTimeoutError, match=r'wait took longer than 0\.05 s'):
            worker.call('wait')
        assert time.monotonic() - begin >= WAITING * 0.05


def test_program_that_uses_up_its_processor_time_is_told_so(sandbox: Sandbox) -> None:
    with (
        sandbox.load(FAULTY, Limits(cpu_seconds=1, call_seconds=60.0)) as worker,
        pytest.raises(ProgramDiedError, match='it had used 1 s of processor time'),
    ):
        worker.call('endless')


def test_program_that_ends_its_process_is_told_so(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker:
        with pytest.raises(ProgramDiedError, match='ended in leave: it ended its own process, with status 3'):
            worker.call('leave')
        assert worker.output == 'I go\n'


def test_crash_is_told_by_its_signal(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker, pytest.raises(ProgramDiedError, match=signal.SIGSEGV.name):
        worker.call('crash')


def test_memory_is_limited_and_the_worker_goes_on(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker:
        with pytest.raises(ProgramError, match='fill raised MemoryError'):
            worker.call('fill')
        assert worker.call('act', [0.5]) == 2.0


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [
        ('nan', 'it holds nan or infinity; numbers must be finite'),
        ('set', 'it holds a set; only numbers, text, lists, dicts and arrays can be handed over'),
        ('big', r'it takes 12000\d\d bytes; 1048576 are the most'),
        ('int', 'it holds an integer of more than 64 bits'),
    ],
)
def test_result_that_cannot_be_handed_over_is_refused(sandbox: Sandbox, kind: str, reason: str) -> None:
    with sandbox.load(FAULTY) as worker, pytest.raises(ProgramError) as caught:
        worker.call('give', kind)
    assert caught.value.type == RESULT
    assert re.fullmatch(f'give returned what cannot be handed over: {reason}', str(caught.value))


def test_which_result_of_a_batch_is_refused_is_told(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker, pytest.raises(ProgramError) as caught:
        worker.call_methods([(0, 'act', [1.0]), (0, 'give', 'nan')])
    assert caught.value.call == 1


def test_output_beyond_its_limit_is_lost_and_the_program_does_not_notice(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY, Limits(output_bytes=1000)) as worker:
        assert worker.call('say', 'x' * 99, 1000) is None
        assert worker.output == ('x' * 99 + '\n') * 10


def test_output_cannot_command_the_terminal(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker:
        worker.call('say', '\x1b[2J\u202eé', 1)
        assert worker.output == '[2Jé\n'


def test_interrupt_in_a_call_ends_the_worker(sandbox: Sandbox) -> None:
    """What came next would be the answer to the call that was interrupted."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with sandbox.load(FAULTY) as worker:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                worker.call('endless')
            assert not worker.alive
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_wrong_argument_is_the_callers_own_error_and_costs_no_worker(sandbox: Sandbox) -> None:
    with sandbox.load(FAULTY) as worker:
        with pytest.raises(TypeError, match='a set cannot be given to a program'):
            worker.call('act', {1.0})
        assert worker.call('act', [0.5]) == 2.0


def test_worker_that_could_not_confine_itself_gets_no_program(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker is asked, not only the first one of a sandbox."""
    monkeypatch.setattr(confined, 'missing', lambda active: (Protection.SECCOMP,))
    with pytest.raises(SandboxUnavailableError, match='seccomp'):
        sandbox.load('x = 1')


def test_worker_that_ends_before_it_is_used_leaves_nothing_behind(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(handle: int) -> int:
        raise ProcessLookupError(f'the process of descriptor {handle} is gone')

    monkeypatch.setattr(confined, 'processor_clock', gone)
    before = len([*Path('/proc/self/fd').iterdir()])
    with pytest.raises(SandboxError, match='could not confine itself'):
        sandbox.load('x = 1')
    assert len([*Path('/proc/self/fd').iterdir()]) == before
