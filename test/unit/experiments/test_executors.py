"""Who computes the cells: the same rows whoever does, and who dies costs what it was at."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner
from worker_kills import function_cells, untimed

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments.cells import Cell
from llm_policy_improver.experiments.executors import Executor, make_executor, serial, units
from llm_policy_improver.experiments.processes import Processes
from llm_policy_improver.experiments.ray_cluster import attempt_there
from llm_policy_improver.experiments.rows import ExperimentError, Row

needs_ray = pytest.mark.skipif(
    find_spec('ray') is None, reason="Ray is not installed: pip install 'llm-policy-improver[ray]'"
)


def square(number: int) -> Row:
    return {'number': number, 'square': number**2, 'process': os.getpid()}


def squares(count: int) -> list[Cell]:
    return [Cell((number,), partial(square, number)) for number in range(count)]


@pytest.fixture(scope='module')
def ray() -> Iterator[Executor]:
    """A cluster of this machine with two workers, which sees what the tests import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', os.pathsep.join(sys.path))  # so that workers find the modules of the tests
        yield make_executor('ray', 2)
        import ray

        ray.shutdown()


def assert_same_rows_as_serial(executor: Executor, folder: Path) -> None:
    cells = function_cells(range(4), folder / 'journal')
    expected = {cell.key: untimed(row) for cell, row in serial(cells)}
    assert {cell.key: untimed(row) for cell, row in executor(cells)} == expected


def test_rows_of_processes_are_those_of_this_one(tmp_path: Path) -> None:
    assert_same_rows_as_serial(make_executor('processes', 2), tmp_path)


@needs_ray
def test_rows_of_a_ray_cluster_are_those_of_this_process(ray: Executor, tmp_path: Path) -> None:
    assert_same_rows_as_serial(ray, tmp_path)


def broken(number: int) -> Row:
    raise ExperimentError(f'cell {number} is broken')


@pytest.mark.parametrize('name', ['serial', 'processes', pytest.param('ray', marks=needs_ray)])
def test_fault_in_a_worker_is_told_in_its_own_words(name: str, request: pytest.FixtureRequest) -> None:
    executor = request.getfixturevalue('ray') if name == 'ray' else make_executor(name, 2)
    with pytest.raises(ExperimentError) as told:
        list(executor([Cell((number,), partial(broken, number)) for number in (7, 7)]))
    assert str(told.value) == 'cell 7 is broken'
    if name != 'serial':
        assert 'in broken' in told.value.__notes__[0]


class OddError(Exception):
    """Pickled, but not read back."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f'{what} is {why}')


def odd(number: int) -> Row:
    raise OddError(f'cell {number}', 'odd')


def row_of_this_process(number: int) -> Row:
    return {'number': number, 'lock': threading.Lock()}


@pytest.mark.parametrize('name', ['processes', pytest.param('ray', marks=needs_ray)])
@pytest.mark.parametrize(
    ('make', 'said'), [(odd, '^OddError: cell 7 is odd'), (row_of_this_process, 'cannot pickle')]
)
def test_what_cannot_come_back_from_a_worker_is_told_in_words(
    name: str, make: Callable[[int], Row], said: str, request: pytest.FixtureRequest
) -> None:
    executor = request.getfixturevalue('ray') if name == 'ray' else make_executor(name, 2)
    with pytest.raises((ExperimentError, TypeError), match=said) as told:
        list(executor([Cell((7,), partial(make, 7))]))
    assert 'in attempt' in told.value.__notes__[0]
    assert not multiprocessing.active_children()


def test_command_survives_what_kills_the_worker_of_the_last_cell() -> None:
    ((_, row),) = Processes(2)(squares(1))
    assert row['process'] != os.getpid()
    ((_, row),) = Processes(1)(squares(1))
    assert row['process'] == os.getpid()


def lacking() -> Row:
    raise MissingPackageError("task pendulum needs the package gymnasium: pip install 'x[suites]'", 'suites')


@needs_ray
def test_machine_without_a_package_is_one_sentence(ray: Executor) -> None:
    with pytest.raises(
        ExperimentError, match='a machine of the Ray cluster lacks a package: task pendulum needs'
    ):
        list(ray([Cell((0,), lacking)]))


def test_machine_with_another_version_is_refused() -> None:
    refused = attempt_there('0.0.1', tuple(squares(1)))
    assert isinstance(refused, ExperimentError)
    assert str(refused).endswith('and this one 0.0.1: install the same version on all')
    assert isinstance(attempt_there(version('llm-policy-improver'), tuple(squares(1))), list)


@needs_ray
def test_ray_leaves_sigterm_to_the_command(ray: Executor) -> None:
    import ray as of_ray

    assert [row['number'] for _, row in ray(squares(1))] == [0]
    assert of_ray.is_initialized()
    assert not getattr(signal.getsignal(signal.SIGTERM), '__module__', '').startswith('ray')


def test_cell_that_cannot_be_sent_is_an_error_and_nobody_is_left_waiting() -> None:
    with pytest.raises(Exception, match='pickle'):
        list(Processes(2)([*squares(1), Cell(('local',), lambda: square(1))]))
    assert not multiprocessing.active_children()


def test_cells_that_share_something_are_computed_by_one_worker() -> None:
    cells = [Cell((n, m), partial(square, 10 * n + m), (n,)) for n in range(4) for m in range(3)]
    assert [len(unit) for unit in units([*cells, *squares(2)])] == [3, 3, 3, 3, 1, 1]
    rows = [row for _, row in Processes(2)(cells)]
    assert sorted(row['number'] for row in rows) == sorted(10 * n + m for n in range(4) for m in range(3))
    for n in range(4):
        assert len({row['process'] for row in rows if row['number'] // 10 == n}) == 1


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (('--ray-address', 'auto'), '--ray-address names a Ray cluster: say --executor ray, too'),
        (('--shard', '3/2'), 'a shard is one of its count'),
        pytest.param(
            ('--executor', 'ray'),
            "--executor ray needs the package ray: pip install 'llm-policy-improver[ray]'",
            marks=pytest.mark.skipif(find_spec('ray') is not None, reason='Ray is installed'),
        ),
    ],
)
@pytest.mark.parametrize('name', ['functions', 'retrieval', 'improvement', 'context', 'methods', 'ablation'])
def test_what_cannot_be_had_is_one_sentence(
    name: str, options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    model = ('--model', 'm') if name == 'ablation' else ()
    result = CliRunner().invoke(cli, ['bench', name, '--quick', '--output', str(tmp_path), *model, *options])
    assert result.exit_code == 2
    assert said in result.stderr
    assert '\n' not in result.stderr.strip()
