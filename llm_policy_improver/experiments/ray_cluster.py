"""Cells on a Ray cluster: one of this machine, or one that is up already, with as many machines as it has."""

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from itertools import islice
from threading import current_thread, main_thread
from typing import Any, Final

from llm_policy_improver.core.packages import MissingPackageError, require_package
from llm_policy_improver.experiments.cells import Cell
from llm_policy_improver.experiments.executors import ATTEMPTS, Unit, attempt, given_up, rows_of, units
from llm_policy_improver.experiments.rows import ExperimentError, Row

_IN_FLIGHT: Final = 1000
"""Handed to the cluster at a time: more than it has cores, and not so many that asking for news takes long."""
_OF_THIS_MACHINE: Final = {
    'address': 'local',
    'include_dashboard': False,
    'object_store_memory': 100_000_000,  # bytes; rows are small
}
"""A cluster that is started for this process."""
PACKAGE: Final = 'llm-policy-improver'
LOOPBACK: Final = ('RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER', '0')
"""Set before Ray is imported, this keeps its servers to the loopback, on Linux too; else they listen everywhere."""


def attempt_there(asked: str, unit: Unit) -> list[Row] | Exception:
    """`attempt` for a machine of the cluster: a refusal where its version of this package is not the one asked for."""
    here = version(PACKAGE)
    if here != asked:
        return ExperimentError(
            f'a machine of the Ray cluster has {PACKAGE} {here}, and this one {asked}: install the same version on all'
        )
    return attempt(unit)


class RayCluster:
    """On a Ray cluster.

    Ray itself computes again what a worker, or a whole node, was at when it died. The cluster stays connected until the
    process ends.

    Args:
        address: of a cluster that is up, as `ray.init` takes it; empty: one is started on the loopback of this machine.
        count: of workers of the cluster that is started; one a core where None.

    Raises:
        ExperimentError: Ray is not installed.
    """

    def __init__(self, address: str = '', count: int | None = None) -> None:
        try:
            require_package('ray', 'ray', '--executor ray', 'ray')
        except MissingPackageError as error:
            raise ExperimentError(str(error)) from None
        self._address = address
        self._count = count

    def __call__(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        """Each cell with its row, as soon as it is there.

        Raises:
            ExperimentError: the cluster cannot be reached, is gone, or workers died at the same cells again and again.
        """
        if not cells:
            return
        ray = self._connected()
        make = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(attempt_there)
        ours = version(PACKAGE)
        waiting = iter(units(cells))
        running: dict[Any, Unit] = {}
        try:
            while True:
                for unit in islice(waiting, _IN_FLIGHT - len(running)):
                    running[make.remote(ours, unit)] = unit
                if not running:
                    return
                for reference in ray.wait(list(running))[0]:
                    unit = running.pop(reference)
                    try:
                        answer = ray.get(reference)
                    except (
                        ray.exceptions.WorkerCrashedError,
                        ray.exceptions.NodeDiedError,
                        ray.exceptions.OutOfMemoryError,
                    ) as error:
                        raise given_up(unit, type(error).__name__) from None
                    if isinstance(answer, MissingPackageError):
                        raise ExperimentError(f'a machine of the Ray cluster lacks a package: {answer}')
                    yield from zip(unit, rows_of(answer), strict=True)
        except ray.exceptions.RayTaskError as error:  # what goes wrong in a cell comes back as an answer
            raise ExperimentError(
                f'a machine of the Ray cluster cannot compute cells ({str(error.cause)[:200]}): all need this package, '
                'in the same version'
            ) from None
        except ray.exceptions.RayError as error:
            raise ExperimentError(
                f'the Ray cluster is gone ({type(error).__name__}); what is done is kept: run the same command again'
            ) from None
        finally:
            with suppress(ray.exceptions.RayError):
                for reference in running:
                    ray.cancel(reference)

    def _connected(self) -> Any:
        """Ray, connected to the cluster.

        Raises:
            ExperimentError: it cannot be started, or nothing answers at the address.
        """
        os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
        # Ray counts the workers that it kills itself, for want of memory, apart, and has no end of them.
        os.environ.setdefault('RAY_task_oom_retries', str(ATTEMPTS - 1))
        if not self._address:
            os.environ.setdefault(*LOOPBACK)
        import ray  # takes a second

        if not ray.is_initialized():
            where = (
                {'address': self._address} if self._address else {**_OF_THIS_MACHINE, 'num_cpus': self._count}
            )
            try:
                with _sigterm_kept():
                    ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
            except Exception as error:  # Ray raises bare ones
                raise ExperimentError(self._unreachable(error)) from None
        return ray

    def _unreachable(self, error: Exception) -> str:
        said = f'{type(error).__name__}: {error}'.splitlines()[0]
        if not self._address:
            return f'no Ray cluster could be started on this machine ({said}): try --executor processes'
        return (
            f'no Ray cluster answers at {self._address} ({said}): start one with "ray start --head", or leave '
            '--ray-address out to have one on this machine'
        )


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself, and whoever ends this process by it would hear nothing of what is kept."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and current_thread() is main_thread():
            signal.signal(signal.SIGTERM, before)
