"""Who computes the cells: this process or several. The rows are the same."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Final, Protocol

from llm_policy_improver.experiments.cells import Cell, CellFolder, Shard
from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.experiments.work import one_thread_each, stop_at_interrupt
from llm_policy_improver.report.progress_bar import Step

PROCESSES: Final = 'processes'
SERIAL: Final = 'serial'
EXECUTORS: Final = (PROCESSES, SERIAL)


class Executor(Protocol):
    """Computes cells, in any order."""

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        """Each cell with its row, as soon as it is there.

        Raises:
            ExperimentError: a worker is gone, and its cell with it.
        """


def serial(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
    """One after the other, here."""
    for cell in cells:
        yield cell, cell.make()


class Processes:
    """In several processes of this machine.

    Args:
        count: of processes; one a core where None.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        workers = min(self._count or os.cpu_count() or 1, len(cells))
        if workers <= 1:
            yield from serial(cells)
            return
        # Not forked: a forked copy of a process with threads of its own may hang.
        context = multiprocessing.get_context('spawn')
        pool = ProcessPoolExecutor(workers, context, initializer=stop_at_interrupt)
        try:
            with one_thread_each():
                running = {pool.submit(_made, cell): cell for cell in cells}
            for done in as_completed(running):
                yield running[done], done.result()
        except BrokenProcessPool:
            raise ExperimentError(
                'a process of the experiment was killed, perhaps for want of memory; what is done is kept: '
                'run the same command again, with --processes 1 if it happens again'
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _made(cell: Cell) -> Row:
    return cell.make()


def make_executor(name: str, processes: int | None = None) -> Executor:
    """The executor of this name.

    Args:
        name: one of `EXECUTORS`.
        processes: of `Processes`; one a core where None.
    """
    return serial if name == SERIAL else Processes(processes)


def run_cells(
    name: str,
    cells: Sequence[Cell],
    folder: CellFolder,
    executor: Executor,
    shard: Shard,
    progress: Step,
) -> None:
    """Compute the missing cells of a shard, and keep each as soon as it is there.

    Raises:
        ExperimentError: a worker is gone, or a row cannot be kept.
    """
    ours = shard.share(cells)
    todo = folder.missing(ours)
    done = len(ours) - len(todo)
    progress(name, done, len(ours))
    for cell, row in executor(todo):
        folder.keep(cell, row)
        done += 1
        progress(name, done, len(ours))
