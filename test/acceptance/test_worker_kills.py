"""The kill campaign of experiments: ``kill -9`` of workers and of Ray nodes while cells are computed."""

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_kills import Figures, campaign, function_cells, kill_a_process, kill_a_ray_worker, untimed

from llm_policy_improver.experiments.cells import Cell
from llm_policy_improver.experiments.executors import Executor, make_executor, serial
from llm_policy_improver.experiments.processes import Processes
from llm_policy_improver.experiments.ray_cluster import LOOPBACK
from llm_policy_improver.experiments.rows import ExperimentError, Row

FEW = 10
Record = Callable[[str, object], None]


def assert_only_what_was_in_flight_was_lost(figures: Figures, kills: int) -> None:
    assert figures.violations == []
    assert figures.kills == kills
    # Each kill costs one cell at most, and of many some do.
    assert figures.cells <= figures.begun <= figures.cells + kills
    assert figures.cells < figures.begun or kills < FEW


@pytest.fixture(scope='module')
def kills(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption('worker_kills'))


@pytest.fixture(scope='module')
def cluster() -> Iterator[Any]:
    """Two Ray nodes with a worker each, beside a head without any, on the loopback of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*LOOPBACK)
        patch.setenv('PYTHONPATH', os.pathsep.join(sys.path))  # so that workers find the modules of the tests
        pytest.importorskip('ray', reason="Ray is not installed: pip install 'llm-policy-improver[ray]'")
        import ray
        from ray.cluster_utils import Cluster

        head = {'num_cpus': 0, 'node_ip_address': '127.0.0.1', 'include_dashboard': False}
        made = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(2):
            add_node(made)
        yield made
        ray.shutdown()
        made.shutdown()


def add_node(cluster: Any) -> None:
    cluster.add_node(num_cpus=1, node_ip_address='127.0.0.1', object_store_memory=100_000_000)


@pytest.fixture
def executor(cluster: Any) -> Executor:
    return make_executor('ray', ray_address=cluster.address)


def test_processes(tmp_path: Path, kills: int, record_property: Record) -> None:
    figures = campaign(Processes(2), kill_a_process, kills, tmp_path / 'run')
    record_property('killed processes', str(figures))
    assert_only_what_was_in_flight_was_lost(figures, kills)


def test_rows_of_two_ray_nodes_are_those_of_this_process(executor: Executor, tmp_path: Path) -> None:
    cells = function_cells(range(6), tmp_path / 'journal')
    expected = {cell.key: untimed(row) for cell, row in serial(cells)}
    assert {cell.key: untimed(row) for cell, row in executor(cells)} == expected


def test_ray_workers(executor: Executor, tmp_path: Path, kills: int, record_property: Record) -> None:
    figures = campaign(executor, kill_a_ray_worker, kills, tmp_path / 'run')
    record_property('killed Ray workers', str(figures))
    assert_only_what_was_in_flight_was_lost(figures, kills)


def test_ray_nodes(
    cluster: Any, executor: Executor, tmp_path: Path, kills: int, record_property: Record
) -> None:
    def kill_a_node(draw: random.Random) -> None:
        """And its workers with it; the cells go on on the other one."""
        node = draw.choice(sorted(cluster.worker_nodes, key=lambda each: str(each.unique_id)))
        cluster.remove_node(node, allow_graceful=False)

    # Not in the thread that kills: a node ends with the thread that started it.
    figures = campaign(executor, kill_a_node, kills, tmp_path / 'run', lambda: add_node(cluster))
    record_property('killed Ray nodes', str(figures))
    assert_only_what_was_in_flight_was_lost(figures, kills)


def kill_myself() -> Row:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@pytest.mark.parametrize('name', ['processes', 'ray'])
def test_cell_that_kills_whoever_computes_it_is_given_up(name: str, request: pytest.FixtureRequest) -> None:
    executor = request.getfixturevalue('executor') if name == 'ray' else Processes(2)
    done = set()

    def run() -> None:
        for cell, _ in executor([Cell(('deadly',), kill_myself), *(Cell((n,), dict) for n in range(3))]):
            done.add(cell.key)

    with pytest.raises(ExperimentError, match=r'5 workers died at deadly .*with --processes 1 if it happens'):
        run()
    assert done == {(0,), (1,), (2,)}
