"""Conversations with a language model, several at a time: they wait for it, not for a core."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread

from llm_policy_improver.experiments.cells import Cell, CellFolder
from llm_policy_improver.experiments.executors import run_cells, serial
from llm_policy_improver.experiments.rows import Row
from llm_policy_improver.report.progress_bar import Step


class SideBySide:
    """Computes cells in threads, which share one client of the endpoint.

    An interrupted run does not wait for a model that thinks: its threads end with the process, where those of a
    `concurrent.futures.ThreadPoolExecutor` would hold it up.

    Args:
        count: of conversations at a time.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        if self._count <= 1:
            yield from serial(cells)
            return
        todo: SimpleQueue[Cell] = SimpleQueue()
        done: SimpleQueue[tuple[Cell, Row | BaseException]] = SimpleQueue()
        for cell in cells:
            todo.put(cell)
        for _ in range(min(self._count, len(cells))):
            Thread(target=_take_turns, args=(todo, done), name='conversation', daemon=True).start()
        try:
            for _ in cells:
                cell, row = done.get()
                if isinstance(row, BaseException):
                    raise row
                yield cell, row
        finally:
            _empty(todo)


def converse(name: str, cells: Sequence[Cell], folder: CellFolder, progress: Step, count: int = 1) -> None:
    """Have the conversations that are missing, ``count`` at a time, and keep each row as soon as it is there.

    One that another process has had by the time that it would begin is not had again.

    Raises:
        ExperimentError: the endpoint is gone, or a row cannot be kept.
    """
    talks = [replace(cell, make=partial(folder.row_or_made, cell)) for cell in cells]
    run_cells(name, talks, folder, SideBySide(count), progress)


def _take_turns(todo: SimpleQueue[Cell], done: 'SimpleQueue[tuple[Cell, Row | BaseException]]') -> None:
    """Compute cells until none is left."""
    while True:
        try:
            cell = todo.get_nowait()
        except Empty:
            return
        try:
            done.put((cell, cell.make()))
        except BaseException as error:  # whoever waits for the rows raises it
            done.put((cell, error))


def _empty(todo: SimpleQueue[Cell]) -> None:
    """Leave nothing for the threads to begin."""
    while not todo.empty():
        try:
            todo.get_nowait()
        except Empty:
            return
