"""Processes that play the trials of a prior while this one goes on.

They are started anew rather than forked or spawned from this one: a script that calls `improve` would have to guard
against being run again by each of them.
"""

import atexit
import base64
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

from llm_policy_improver.table_tennis.played_blocks import Played, PlayedBlocks
from llm_policy_improver.table_tennis.prior_order import Order, Player

MOST: Final = 8
"""Processes."""
YIELDING: Final = 10
"""Added to their niceness."""

_PACKAGE: Final = Path(__file__).parent.parent


def processes() -> int:
    """How many play at once."""
    return min(os.cpu_count() or 1, MOST)


class Workers:
    """Play what is missing of an order's trials, from now on, and end with this process, however it ends.

    Args:
        order: of the trials.
        apart: in a folder of this process alone; else in the one beside the prior, where that can be written.
    """

    def __init__(self, order: Order, apart: bool = False) -> None:
        self._apart, self._blocks = _prepared(order, apart)
        self._errors = tempfile.TemporaryFile('w+')  # noqa: SIM115 - of processes that go on
        count = min(processes(), len(self._blocks.missing()))
        self._workers = [_started(order, self._blocks.folder, self._errors) for _ in range(count)]
        atexit.register(self.close)

    def played(self) -> list[Played]:
        """All trials, in their order, once they are played.

        Raises:
            RuntimeError: some are missing, e.g. as another process has made the prior and removed them.
        """
        statuses = [worker.wait() for worker, _ in self._workers]
        found: list[Played] = []
        for number in range(len(self._blocks.sizes)):
            block = self._blocks.read(number)
            if block is None:
                raise RuntimeError(f'the trials of the prior could not be simulated: {self._wrong(statuses)}')
            found.extend(block)
        return found

    def _wrong(self, statuses: Sequence[int]) -> str:
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        return said[-1] if said else f'the exit statuses are {", ".join(map(str, statuses)) or "none"}'

    def close(self) -> None:
        """End those that are still at it; what they have played stays where others can use it."""
        for worker, held in self._workers:
            worker.kill()
            worker.wait()
            held.close()
        if self._apart:
            self._blocks.remove()


def _prepared(order: Order, apart: bool) -> tuple[bool, PlayedBlocks]:
    if not apart:
        try:
            shared = order.blocks()
            shared.prepare()
            return False, shared
        except OSError:
            pass  # the cache cannot be written: they are played for this process alone
    return True, order.blocks(Path(tempfile.mkdtemp(prefix='prior-')))


def _started(order: Order, folder: Path, errors: IO[str]) -> tuple['subprocess.Popen[str]', IO[str]]:
    """A worker, and the end of a pipe to it: it ends once nobody holds that any more."""
    worker = subprocess.Popen(
        [sys.executable, '-c', f'from {__name__} import work; work()'],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, text=True,
        env=os.environ | {'PYTHONPATH': os.pathsep.join([str(_PACKAGE.parent), *sys.path])},
    )  # fmt: skip
    held = worker.stdin
    assert held is not None
    held.write(_packed((order, folder)) + '\n')
    held.flush()
    return worker, held


def work() -> None:
    """In a process of its own: play blocks of the order that standard input tells, until none is missing."""
    order, folder = _unpacked(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C reaches all processes of a terminal; the parent decides what it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, 'nice'):
        os.nice(YIELDING)  # an arm may be running beside it
    blocks, player = order.blocks(folder), Player(order)
    while (number := blocks.take()) is not None:
        blocks.keep(number, player.play(number))


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing comes but the end, by whatever the parent ended
    os._exit(1)


def _packed(thing: object) -> str:
    return base64.b64encode(pickle.dumps(thing)).decode()


def _unpacked(text: str) -> Any:
    return pickle.loads(base64.b64decode(text))
