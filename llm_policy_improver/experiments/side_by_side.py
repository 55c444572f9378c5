"""Conversations with a language model, several at a time: they wait for it, not for a core."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from llm_policy_improver.experiments.cells import Cell
from llm_policy_improver.experiments.executors import serial
from llm_policy_improver.experiments.rows import Row


class SideBySide:
    """Computes cells in threads, which share one client of the endpoint.

    Args:
        count: of conversations at a time.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        if self._count <= 1:
            yield from serial(cells)
            return
        pool = ThreadPoolExecutor(self._count, thread_name_prefix='conversation')
        try:
            running = {pool.submit(cell.make): cell for cell in cells}
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
