"""``kill -9`` of those who compute cells, while they do; and the judge of what came of it."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from llm_policy_improver.experiments.cells import Cell, CellFolder
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.functions import COLUMNS, FunctionRun, run_numeric
from llm_policy_improver.experiments.rows import Row

EVALUATIONS = 16
"""Of a cell: some tenths of a second."""
CELLS_A_KILL = 4
DEADLINE_S = 120.0


@dataclass
class Figures:
    """What a campaign came to.

    Attributes:
        kills: that there were.
        cells: that there are.
        begun: how often one was begun; more often than there are cells, where a worker died at one.
        violations: what must not be.
    """

    kills: int = 0
    cells: int = 0
    begun: int = 0
    violations: list[str] = field(default_factory=list)


def function_cells(seeds: Sequence[int], journal: Path) -> list[Cell]:
    """Real cells, which write down that they begin."""
    runs = [FunctionRun('expected_improvement', '', 'ackley', 2, seed, EVALUATIONS) for seed in seeds]
    return [Cell(run.key, partial(journaled, run, journal)) for run in runs]


def journaled(run: FunctionRun, journal: Path) -> Row:
    with journal.open('a') as file:
        file.write(f'{run.seed}\n')
    return run_numeric(run)


def campaign(
    executor: Executor,
    kill: Callable[[random.Random], None],
    kills: int,
    folder: Path,
    repair: Callable[[], None] = lambda: None,
) -> Figures:
    """Compute cells, some a kill, and kill as soon as one of these has begun.

    Args:
        executor: computes them.
        kill: kills somebody who is at work, drawn at random.
        kills: how often.
        folder: of the cells.
        repair: after each kill, as soon as its cells are done.
    """
    folder.mkdir(parents=True)
    journal, kept = folder / 'journal', CellFolder(folder / 'cells', COLUMNS)
    journal.touch()
    taken: Counter[str] = Counter()
    draw = random.Random(0)
    figures = Figures(cells=CELLS_A_KILL * kills)

    def counted(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        for cell, row in executor(cells):
            taken[cell.name] += 1
            yield cell, row

    for first in range(0, figures.cells, CELLS_A_KILL):
        cells = function_cells(range(first, first + CELLS_A_KILL), journal)
        killer = threading.Thread(target=_kill_one, args=(kill, draw, journal, len(_begun(journal)), figures))
        killer.start()
        run_cells('functions', cells, kept, counted, lambda name, done, total: None)
        killer.join()
        repair()
    figures.begun = len(_begun(journal))
    figures.violations = _violations(function_cells(range(figures.cells), journal), kept.rows(), taken)
    return figures


def _begun(journal: Path) -> list[str]:
    return journal.read_text().split()


def _kill_one(
    kill: Callable[[random.Random], None], draw: random.Random, journal: Path, before: int, figures: Figures
) -> None:
    wait_for(lambda: len(_begun(journal)) > before)
    kill(draw)
    figures.kills += 1


def wait_for(what: Callable[[], Any]) -> Any:
    """What it gives as soon as that is something."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := what()):
        assert time.monotonic() < deadline, 'nobody is at work'
        time.sleep(0.005)
    return found


def _violations(cells: list[Cell], rows: list[Row], taken: Counter[str]) -> list[str]:
    found = []
    if [row['seed'] for row in rows] != list(range(len(cells))):
        found.append(f'{len(rows)} rows for {len(cells)} cells')
    found += [f'{name} came {count} times' for name, count in taken.items() if count > 1]
    for row, cell in zip(rows, cells, strict=False):
        if untimed(row) != untimed(cell.make()):
            found.append(f'{cell.name} has another row than without kills')
    return found


def untimed(row: Row) -> dict[str, Any]:
    """A row without what a clock told."""
    return {name: value for name, value in row.items() if name != 'seconds'}


def kill_a_process(draw: random.Random) -> None:
    """Of the executor ``processes``."""
    workers = wait_for(multiprocessing.active_children)
    os.kill(draw.choice(sorted(worker.pid for worker in workers)), signal.SIGKILL)


def kill_a_ray_worker(draw: random.Random) -> None:
    """A process that computes a cell at this moment, of any Ray node of this machine."""
    os.kill(draw.choice(wait_for(ray_workers)), signal.SIGKILL)


def ray_workers() -> list[int]:
    """Ray names its workers after what they are at."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        with suppress(OSError):
            ours = folder.stat().st_uid == os.getuid()
            if ours and (folder / 'cmdline').read_bytes().startswith(b'ray::attempt'):
                found.append(int(folder.name))
    return sorted(found)
