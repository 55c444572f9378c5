"""Cells in several processes of this machine; one that dies is replaced, and costs what it was at."""

import multiprocessing
import os
import pickle
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from llm_policy_improver.experiments.cells import Cell
from llm_policy_improver.experiments.executors import (
    ATTEMPTS,
    Unit,
    attempt,
    given_up,
    portable,
    rows_of,
    serial,
    units,
)
from llm_policy_improver.experiments.rows import Row

_GONE: Final = (EOFError, OSError)
"""What is raised where a process at the other end of a pipe has died."""
_THREADS: Final = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS')


class Processes:
    """In several processes of this machine.

    Args:
        count: of processes; one a core where None. With 1 there are no others: this one computes.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        """Each cell with its row, as soon as it is there.

        Raises:
            ExperimentError: process after process died at the same cells.
        """
        if self._count == 1:
            yield from serial(cells)
            return
        waiting = deque(units(cells))
        count = min(self._count or os.cpu_count() or 1, len(waiting))
        deaths: Counter[Unit] = Counter()
        busy: dict[Connection, _Worker] = {}
        try:
            for _ in range(count):
                _employ(_Worker(), waiting, busy)
            while busy:
                for channel in wait(list(busy)):
                    worker = busy[channel]  # type: ignore[index]
                    unit = worker.unit
                    try:
                        answer = worker.answer()
                    except _GONE:
                        del busy[worker.channel]
                        deaths[unit] += 1
                        how = worker.end()
                        if deaths[unit] >= ATTEMPTS:
                            raise given_up(unit, how) from None
                        waiting.appendleft(unit)
                        _employ(_Worker(), waiting, busy)
                        continue
                    del busy[worker.channel]
                    _employ(worker, waiting, busy)
                    yield from zip(unit, rows_of(answer), strict=True)
        finally:
            for worker in busy.values():
                worker.end()


class _Worker:
    """A process that computes what it is given until the pipe to it is closed."""

    def __init__(self) -> None:
        # Not forked: a forked copy of a process with threads of its own may hang.
        context = multiprocessing.get_context('spawn')
        self.channel, theirs = context.Pipe()
        self.unit: Unit = ()
        self._process: SpawnProcess = context.Process(target=_work, args=(theirs,), name='cells')
        with one_thread_each():
            self._process.start()
        theirs.close()

    def give(self, unit: Unit) -> None:
        """Something to compute; where it has died, `answer` will tell."""
        self.unit = unit
        with suppress(OSError):
            self.channel.send_bytes(pickle.dumps(unit))

    def answer(self) -> list[Row] | Exception:
        """What `attempt` came to.

        Raises:
            EOFError, OSError: it has died.
        """
        answer: list[Row] | Exception = self.channel.recv()
        return answer

    def end(self) -> str:
        """Let it go, whatever it is at; how it ended."""
        self.channel.close()
        self._process.terminate()
        self._process.join()
        return f'exit code {self._process.exitcode}'


def _employ(worker: _Worker, waiting: 'deque[Unit]', busy: dict[Connection, _Worker]) -> None:
    """Give a worker what comes next, or let it go."""
    if waiting:
        busy[worker.channel] = worker  # first: what cannot be pickled ends all
        worker.give(waiting.popleft())
    else:
        worker.end()


def _work(channel: Connection) -> None:
    # Ctrl-C reaches all processes of a terminal: the workers go without a word, and the main process speaks.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(*_GONE):
        while True:
            given = channel.recv_bytes()
            channel.send(_attempt(given))


def _attempt(given: bytes) -> list[Row] | Exception:
    try:
        unit: Unit = pickle.loads(given)
    except Exception as error:
        return portable(error)
    return attempt(unit)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started here use one thread of linear algebra each: all cores are busy with them already."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, '1'))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
