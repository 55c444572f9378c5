"""One controller, optimizer, trace logger and simulator in a namespace: the second one ends, and meets no ghost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from diagnostic_msgs.msg import DiagnosticStatus
from ros_graph import Process, RosGraph, node_command, process

from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import ControllerStatus
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.lease import TOPIC
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import EACH_LATCHED, LATCHED
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.stand_in_arm import StandInArmNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

NODES: dict[str, tuple[Any, Any]] = {
    'simulator': (SimulatorNode, SimulatorSettings()),
    'stand_in_arm': (StandInArmNode, StandInSettings()),
    'controller': (ControllerNode, ControllerSettings()),
    'trace_logger': (TraceLoggerNode, TraceLoggerSettings(output_folder='first')),
    'optimizer': (OptimizerNode, OptimizerSettings(output_folder='first')),
}
FOLDER: dict[str, Any] = {'output_folder': 'second', 'resume': True}
STORING = ('trace_logger', 'optimizer')


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RosGraph]:
    monkeypatch.chdir(tmp_path)
    with RosGraph() as graph:
        yield graph


def command(graph: RosGraph, name: str) -> list[str]:
    return node_command(name, graph.namespace, **(FOLDER if name in STORING else {}))


def beats(graph: RosGraph) -> list[DiagnosticStatus]:
    return graph.collect(DiagnosticStatus, TOPIC, EACH_LATCHED)


def ends_with(graph: RosGraph, started: Process, sentence: str) -> None:
    """One line, and the status of whoever was refused."""
    graph.spin_until(lambda: not started.running, 'the end of the newcomer')
    assert started.end() == 2, started.told
    errors = [line for line in started.err.splitlines() if line.startswith('error: ')]
    assert len(errors) == 1, started.told
    assert sentence in errors[0]
    assert errors[0].endswith('end it, or start this one with another namespace or ROS_DOMAIN_ID')
    assert 'Traceback' not in started.told


@pytest.mark.parametrize('name', NODES)
def test_second_of_each_ends_with_one_sentence(graph: RosGraph, tmp_path: Path, name: str) -> None:
    kind, settings = NODES[name]
    graph.add(kind, settings)
    role = 'simulator' if name == 'stand_in_arm' else name
    with process(command(graph, name), tmp_path) as started:
        ends_with(graph, started, f'{graph.namespace}/{name} (process ')
        assert f') has been the {role} here for ' in started.err


@pytest.mark.parametrize('name', ['simulator', 'controller', 'trace_logger'])
def test_simulation_does_not_start_beside_an_arm(graph: RosGraph, tmp_path: Path, name: str) -> None:
    graph.add(StandInArmNode, StandInSettings())
    with process(command(graph, name), tmp_path) as started:
        ends_with(graph, started, '/stand_in_arm (process ')


@pytest.mark.parametrize('name', ['simulator', 'controller', 'trace_logger', 'optimizer'])
def test_killed_node_is_started_again_at_once_and_nobody_takes_it_for_two(
    graph: RosGraph, tmp_path: Path, name: str
) -> None:
    states = []
    if name != 'controller':
        graph.add(ControllerNode, ControllerSettings())
        states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    heard = beats(graph)

    def holders() -> list[str]:
        return [message.hardware_id for message in heard if message.name == f'{graph.namespace}/{name}']

    with process(command(graph, name), tmp_path) as first:
        graph.spin_until(lambda: len(holders()) > 2, 'heartbeats')
        before = set(holders())
        first.kill()
        with process(command(graph, name), tmp_path) as second:
            graph.spin_until(
                lambda: len([each for each in holders() if each not in before]) > 5 or not second.running,
                'heartbeats of its successor',
            )
            assert second.running, second.told
            assert 'two nodes' not in second.told
    assert not any(state.state == ControllerStatus.FAULT for state in states)


@pytest.mark.parametrize('name', STORING)
def test_folder_that_another_node_writes_is_refused_and_that_of_a_killed_one_taken_over(
    graph: RosGraph, tmp_path: Path, name: str
) -> None:
    """In other namespaces, where no lease is in the way."""
    heard = beats(graph)
    with process(command(graph, name), tmp_path) as first:
        graph.spin_until(lambda: len(heard) > 3, 'heartbeats')
        elsewhere = node_command(name, f'{graph.namespace}/other', **FOLDER)
        with process(elsewhere, tmp_path) as second:
            assert second.end() == 2, second.told
            errors = [line for line in second.err.splitlines() if line.startswith('error: ')]
            assert len(errors) == 1, second.told
            assert f' of second are written by process {first.pid} on ' in errors[0]
        first.kill()
        with process(elsewhere, tmp_path) as third:
            third.wait_until(lambda: f' of second from process {first.pid} on ' in third.told, 'what it tells')


def test_of_two_that_are_started_together_exactly_one_stays(graph: RosGraph, tmp_path: Path) -> None:
    started = command(graph, 'simulator')
    with process(started, tmp_path) as one, process(started, tmp_path) as other:
        graph.spin_until(lambda: not (one.running and other.running), 'the end of one of them')
        ended, stays = (other, one) if one.running else (one, other)
        assert ended.end() == 2, ended.told
        graph.spin_for(1.0)
        assert stays.running, stays.told


def test_simulated_arm_stands_still_while_there_are_two_controllers(graph: RosGraph) -> None:
    graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    graph.spin_until(lambda: states, 'a status')
    assert states[-1].state == ControllerStatus.READY
    second = graph.add(ControllerNode, ControllerSettings())
    graph.spin_until(lambda: states[-1].state == ControllerStatus.FAULT, 'a fault')
    assert 'there are two nodes in the role of controller' in states[-1].fault
    graph.remove(second)
    graph.spin_until(lambda: states[-1].state == ControllerStatus.READY, 'the end of it')
