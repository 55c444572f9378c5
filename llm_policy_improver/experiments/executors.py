"""Who computes the cells: this process, several, or a Ray cluster. The rows are the same."""

import pickle
import traceback
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, Protocol

from llm_policy_improver.experiments.cells import Cell, CellFolder
from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.report.progress_bar import Step

PROCESSES: Final = 'processes'
SERIAL: Final = 'serial'
RAY: Final = 'ray'
EXECUTORS: Final = (PROCESSES, SERIAL, RAY)

ATTEMPTS: Final = 5
"""Workers that may die at the same cells before these are given up."""

Unit = tuple[Cell, ...]
"""Cells that one worker computes one after the other; the part of an experiment that is lost where it dies."""


class Executor(Protocol):
    """Computes cells, in any order."""

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        """Each cell with its row, as soon as it is there.

        Raises:
            ExperimentError: workers cannot be had, or die at the same cell again and again.
        """


def serial(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
    """One after the other, here."""
    for cell in cells:
        yield cell, cell.make()


def units(cells: Iterable[Cell]) -> list[Unit]:
    """Each cell alone, and those beside each other that share something together."""
    found: list[Unit] = []
    for shared, group in groupby(cells, key=lambda cell: cell.shared):
        together = tuple(group)
        found += [together] if shared else [(cell,) for cell in together]
    return found


def attempt(unit: Unit) -> list[Row] | Exception:
    """For a worker: the rows, or what went wrong, in a form that another process can read."""
    try:
        rows = [cell.make() for cell in unit]
        pickle.loads(pickle.dumps(rows))
    except Exception as error:
        return portable(error)
    return rows


def portable(error: Exception) -> Exception:
    """What went wrong, for another process, with its traceback as a note; where it cannot be pickled, in words."""
    note = traceback.format_exc()
    error.add_note(note)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        told = ExperimentError(f'{type(error).__name__}: {error}')
        told.add_note(note)
        return told
    return error


def rows_of(answer: list[Row] | Exception) -> list[Row]:
    """What `attempt` came to in the worker; raises what went wrong there."""
    if isinstance(answer, Exception):
        raise answer
    return answer


def given_up(unit: Unit, how: str) -> ExperimentError:
    """For cells at which worker after worker died."""
    return ExperimentError(
        f'{ATTEMPTS} workers died at {unit[0].name} ({how}), perhaps for want of memory; what is done is kept: '
        'run the same command again, with --processes 1 if it happens again'
    )


def make_executor(name: str, processes: int | None = None, ray_address: str = '') -> Executor:
    """The executor of this name.

    Args:
        name: one of `EXECUTORS`.
        processes: of this machine; one a core where None.
        ray_address: of a Ray cluster; empty: one is started on this machine.

    Raises:
        ExperimentError: an address for an executor that has none, or Ray is not installed.
    """
    if ray_address and name != RAY:
        raise ExperimentError('--ray-address names a Ray cluster: say --executor ray, too')
    if name == SERIAL:
        return serial
    if name == RAY:
        from llm_policy_improver.experiments.ray_cluster import RayCluster

        return RayCluster(ray_address, processes)
    from llm_policy_improver.experiments.processes import Processes

    return Processes(processes)


def run_cells(
    name: str, cells: Sequence[Cell], folder: CellFolder, executor: Executor, progress: Step
) -> None:
    """Compute the cells that are missing, and keep each as soon as it is there.

    Raises:
        ExperimentError: workers cannot be had, die at the same cell again and again, or a row cannot be kept.
    """
    todo = folder.missing(cells)
    done = len(cells) - len(todo)
    progress(name, done, len(cells))
    for cell, row in executor(todo):
        folder.keep(cell.key, row)
        done += 1
        progress(name, done, len(cells))
