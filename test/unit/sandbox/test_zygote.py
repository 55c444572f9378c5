"""Where the processes of a sandbox come from, and that none is left."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from llm_policy_improver.sandbox.errors import SandboxError
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.sandbox.zygote import Zygote

PARENT = """
import os, sys, threading, time
from llm_policy_improver.sandbox.sandbox import Sandbox
sandbox = Sandbox()
worker = sandbox.load('def f():\\n    while True: pass')
threading.Thread(target=worker.call, args=('f',), daemon=True).start()
if os.fork() == 0:  # another process of ours that has all its descriptors
    sys.stdin.read()
    os._exit(0)
print('ready', flush=True)
time.sleep(600)
"""


def processes_of(session_leader: int) -> set[int]:
    """Processes that this one has begun, and theirs."""
    parents = {}
    for place in Path('/proc').glob('[0-9]*'):
        try:
            parents[int(place.name)] = int((place / 'stat').read_text().rpartition(')')[2].split()[1])
        except OSError:
            continue
    found = {session_leader}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} | found
        if more == found:
            return found - {session_leader}
        found = more


def wait_for_end(processes: set[int]) -> None:
    for pid in processes:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            events = select.poll()
            events.register(handle, select.POLLIN)
            assert events.poll(10_000), f'process {pid} has not ended'
        finally:
            os.close(handle)


def test_nothing_is_left_after_a_kill_of_the_parent() -> None:
    """Even though another process still holds the other end of the connection."""
    parent = subprocess.Popen(
        [sys.executable, '-c', PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == 'ready\n'
    begun = processes_of(parent.pid)
    assert len(begun) >= 3  # the zygote, its worker and the fork
    fork = max(pid for pid in begun if b'while True' in Path('/proc', str(pid), 'cmdline').read_bytes())
    parent.kill()
    parent.wait()
    wait_for_end(begun - {fork})
    assert parent.stdin is not None
    parent.stdin.close()
    wait_for_end({fork})
    parent.stdout.close()


def test_close_leaves_no_process_and_no_descriptor() -> None:
    def descriptors() -> int:
        return len(list(Path('/proc/self/fd').iterdir()))

    Sandbox().close()
    before, others = descriptors(), processes_of(os.getpid())
    with Sandbox() as sandbox:
        for _ in range(3):
            sandbox.load('x = 1').close()
        with pytest.raises(SandboxError):
            sandbox.load('1 / 0')
        forgotten = sandbox.load('x = 1')
        begun = processes_of(os.getpid()) - others
        assert begun
    forgotten.close()
    wait_for_end(begun)
    assert processes_of(os.getpid()) <= others
    assert descriptors() == before


def test_sandbox_whose_zygote_was_killed_says_so() -> None:
    zygote = Zygote()
    zygote._process.kill()
    zygote._process.wait()
    with pytest.raises(SandboxError, match='process that starts programs has ended'):
        zygote.fork(Limits())
    zygote.close()


def test_environment_and_signals_of_ours_do_not_reach_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-secret')
    source = """
    import os, sys
    def look():
        return [dict(os.environ), sys.flags.hash_randomization, sys.stdin is None, len(sys.argv)]
    """
    with Sandbox() as sandbox, sandbox.load(textwrap.dedent(source)) as worker:
        assert worker.call('look')[:3] == [{}, 0, True]


def test_interrupt_of_ours_does_not_reach_the_zygote() -> None:
    """Ctrl-C goes to a whole process group."""
    zygote = Zygote()
    try:
        assert os.getsid(zygote._process.pid) != os.getsid(0)
    finally:
        zygote.close()


def test_worker_whose_process_is_killed_from_outside_says_so() -> None:
    with Sandbox() as sandbox, sandbox.load('def f(): return 1') as worker:
        signal.pidfd_send_signal(worker._forked.handle, signal.SIGKILL)  # type: ignore[attr-defined]
        with pytest.raises(SandboxError, match='it was killed from outside'):
            worker.call('f')


def test_answer_to_a_request_that_was_interrupted_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    zygote = Zygote()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(zygote, '_receive', lambda: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                zygote.fork(Limits())
        worker = zygote.fork(Limits())
        with worker.connection:
            assert zygote.end(worker) == signal.SIGKILL
        os.close(worker.handle)
        os.close(worker.output)
    finally:
        zygote.close()
