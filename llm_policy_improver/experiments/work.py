"""Runs the missing rows of an experiment: those of numeric methods on all cores, others one by one."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.experiments.rows import ExperimentError, Key, Row, RowFile
from llm_policy_improver.report.progress_bar import Step

_THREADS: Final = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS')


@dataclass(frozen=True, slots=True)
class Job:
    """Makes some rows.

    Attributes:
        keys: of the rows.
        make: makes them; it must be possible to pickle it, unless it runs in this process.
    """

    keys: tuple[Key, ...]
    make: Callable[[], list[Row]]


def _made(job: Job) -> list[Row]:
    return job.make()


def missing(jobs: Sequence[Job], rows: RowFile) -> list[Job]:
    """The jobs of which not all rows are there."""
    return [job for job in jobs if any(key not in rows for key in job.keys)]


def run_here(name: str, jobs: Sequence[Job], rows: RowFile, progress: Step) -> None:
    """Run the missing jobs one by one in this process."""
    todo, total = missing(jobs, rows), len(jobs)
    for done, job in enumerate(todo, start=total - len(todo)):
        progress(name, done, total)
        for row in job.make():
            rows.add(row)
    progress(name, total, total)


def run_everywhere(
    name: str, jobs: Sequence[Job], rows: RowFile, processes: int | None, progress: Step
) -> None:
    """Run the missing jobs on ``processes`` cores, all where None.

    An interrupt lets nothing be lost that a job has brought: its rows are kept at once.

    Raises:
        ExperimentError: a process was killed.
    """
    todo, total = missing(jobs, rows), len(jobs)
    workers = min(processes or os.cpu_count() or 1, len(todo))
    if workers <= 1:
        run_here(name, jobs, rows, progress)
        return
    progress(name, total - len(todo), total)
    # Not forked: a forked copy of a process with threads of its own may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context('spawn'), initializer=stop_at_interrupt)
    try:
        with one_thread_each():
            running = [pool.submit(_made, job) for job in todo]
        for done, finished in enumerate(as_completed(running), start=total - len(todo) + 1):
            for row in finished.result():
                rows.add(row)
            progress(name, done, total)
    except BrokenProcessPool:
        raise ExperimentError(
            'a process of the experiment was killed, perhaps for want of memory; the rows so far are kept: '
            'run the same command again, with --processes 1 if it happens again'
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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


def stop_at_interrupt() -> None:
    """For the start of a process that works for this one."""
    # Ctrl-C reaches all processes of a terminal: the workers go without a word, and the main process speaks.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
