"""The zygote as its parent holds it: a fresh Python, started once, that forks confined workers."""

import contextlib
import dataclasses
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.sandbox.errors import SandboxError
from llm_policy_improver.sandbox.inside.confinement import ResourceLimits
from llm_policy_improver.sandbox.limits import Limits

_ROOT: Final = Path(__file__).parents[2]
"""The folder that our package is in."""

_BEGIN: Final = (
    'import sys; sys.path.extend(sys.argv[1:]); '
    'from llm_policy_improver.sandbox.inside.zygote import main; main()'
)
_PYTHON: Final = ('-P', '-s', '-S', '-B', '-c', _BEGIN)
"""No site-packages but those named, nothing from the current folder or of the user, no bytecode written."""

_START_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 65_536


@dataclass(frozen=True, slots=True)
class Forked:
    """A worker's process.

    Attributes:
        number: of the process, as the zygote knows it.
        handle: a descriptor of the process, which stays the same process whatever its number is used for later.
        connection: to it.
        output: descriptor of the file that holds what the program prints.
    """

    number: int
    handle: int
    connection: socket.socket
    output: int


class Zygote:
    """Starts the zygote. May be used from any thread.

    Args:
        modules: that programs may use beyond the standard ones.
        around: command that it is started by, e.g. `bubblewrap.bubblewrap`; empty for none.

    Raises:
        SandboxError: it does not start.
        ModuleNotFoundError: a module is not installed.
    """

    def __init__(self, modules: Sequence[str] = (), around: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._number = 0
        self._log = os.memfd_create('zygote')
        folders = module_folders(('numpy', *modules))
        self._control, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with inner:
            self._process = subprocess.Popen(
                [*around, sys.executable, *_PYTHON, str(_ROOT), *folders],
                stdin=inner.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=_environment(),
                cwd='/',
                start_new_session=True,
            )
        try:
            self._begin(modules)
        except BaseException:
            self.close()
            raise

    def fork(self, limits: Limits) -> Forked:
        """A new worker, which confines itself and then waits for requests."""
        outer, inner = socket.socketpair()
        output = os.memfd_create('output')
        resources = ResourceLimits(limits.memory_bytes, limits.cpu_seconds, limits.output_bytes)
        request = {'fork': {'resources': dataclasses.asdict(resources), 'result_bytes': limits.result_bytes}}
        try:
            with inner:
                answer, (handle,) = self._ask(request, _ANSWER_SECONDS, inner.fileno(), output)
        except BaseException:
            outer.close()
            os.close(output)
            raise
        return Forked(answer['process'], handle, outer, output)

    def end(self, worker: Forked) -> int:
        """Kill a worker, where it still runs; its status as `os.waitpid` gives it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(worker.handle, signal.SIGKILL)
        if self._closed:  # all have been ended with the zygote
            return signal.SIGKILL
        gone = select.poll()
        gone.register(worker.handle, select.POLLIN)
        if not gone.poll(1_000 * _ANSWER_SECONDS):
            raise SandboxError('a process that was killed does not end')
        try:
            answer, _ = self._ask({'wait': worker.number}, _ANSWER_SECONDS)
        except SandboxError:  # the zygote is gone, and all with it
            return signal.SIGKILL
        return int(answer['status'])

    def close(self) -> None:
        """End it, and every worker with it."""
        if self._closed:
            return
        self._closed = True
        self._control.close()
        try:
            self._process.wait(_ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._log)

    def _begin(self, modules: Sequence[str]) -> None:
        myself = os.pidfd_open(os.getpid())
        try:
            self._ask({'modules': list(modules)}, _START_SECONDS, myself)
        except SandboxError as error:
            raise SandboxError(f'the sandbox does not start: {error}') from None
        finally:
            os.close(myself)

    def _ask(
        self, request: dict[str, Any], seconds: float, *descriptors: int
    ) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            self._number += 1
            try:
                self._control.settimeout(seconds)
                text = json.dumps({**request, 'number': self._number}).encode()
                socket.send_fds(self._control, [text], descriptors, socket.MSG_NOSIGNAL)
                answer, given = self._receive()
                while answer and answer['number'] < self._number:  # to a request that was interrupted
                    for each in given:
                        os.close(each)
                    answer, given = self._receive()
            except TimeoutError:
                raise SandboxError('the process that starts programs does not answer') from None
            except ConnectionError:
                answer = {}
        if not answer:
            said = os.pread(self._log, 4_000, 0).decode(errors='replace').strip()
            raise SandboxError(f'the process that starts programs has ended: {said[-500:]}')
        if 'error' in answer:
            raise SandboxError(answer['error'])
        return answer, given

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        text, given, _, _ = socket.recv_fds(self._control, _LONGEST_ANSWER, 1)
        return json.loads(text or b'{}'), given


def _environment() -> dict[str, str]:
    """Nothing of ours, but where the interpreter's own libraries are."""
    kept = {name: os.environ[name] for name in ('LD_LIBRARY_PATH',) if name in os.environ}
    threads = dict.fromkeys(('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS'), '1')
    return {**kept, **threads, 'PYTHONHASHSEED': '0', 'LC_ALL': 'C.UTF-8'}


def module_folders(modules: Sequence[str]) -> list[str]:
    """Where modules are, by their first name.

    Raises:
        ModuleNotFoundError: one is not installed.
    """
    folders: dict[str, None] = {}
    for module in modules:
        name = module.partition('.')[0]
        found = importlib.util.find_spec(name)
        if found is None:
            raise ModuleNotFoundError(f'the module {name}, which programs may use, is not installed')
        if found.origin and found.origin not in ('built-in', 'frozen'):
            place = Path(found.origin).parent
            folders[str(place.parent if found.submodule_search_locations else place)] = None
    return list(folders)
