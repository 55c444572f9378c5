"""SROS2's policies: just what the nodes do in a real graph, and whether anything enforces them is told."""

import importlib.util
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from granted import Granted, Profile, done_by, faults_of_form, profiles_of
from rclpy.node import Node
from ros_graph import RosGraph, node_command, process

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.core.tokens import ARM, CHECK, RESUME
from llm_policy_improver.loop.approval import APPROVE
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.enclaves import enclave_arguments, security_sentence
from llm_policy_improver.nodes.operator_client import OperatorClient
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.stand_in_arm import StandInArmNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.nodes.visualizer import VisualizerNode
from llm_policy_improver.report.robot import RobotError
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

POLICIES = share_folder() / 'security' / 'policies'
FILES = ('hardware.xml', 'rehearsal.xml', 'rehearse.xml', 'simulation.xml')
KINDS: dict[str, tuple[Any, Any]] = {
    'simulator': (SimulatorNode, SimulatorSettings),
    'stand_in_arm': (StandInArmNode, StandInSettings),
    'controller': (ControllerNode, ControllerSettings),
    'trace_logger': (TraceLoggerNode, TraceLoggerSettings),
    'optimizer': (OptimizerNode, OptimizerSettings),
    'visualizer': (VisualizerNode, VisualizerSettings),
}
ON_THE_ARM = dict.fromkeys(('controller', 'trace_logger', 'optimizer', 'visualizer'), 'hardware')
IN_SIMULATION = ('simulator', 'controller', 'trace_logger', 'optimizer', 'visualizer')
ON = {'ROS_SECURITY_ENABLE': 'true', 'ROS_SECURITY_STRATEGY': 'Enforce', 'ROS_SECURITY_KEYSTORE': '/keys'}


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def profile(file: str, node: str) -> Profile:
    (found,) = (each for each in profiles_of(POLICIES / file) if each.node == node)
    return found


def settings_of(config: str, node: str, folder: Path) -> Any:
    settings = read_settings(share_folder() / 'config' / config, KINDS[node][1], node)
    return replace(settings, output_folder=str(folder)) if hasattr(settings, 'output_folder') else settings


def compare(graph: RosGraph, probe: Node, node: str, namespace: str, granted: Granted) -> None:
    """The graph comes to know of a node bit by bit."""
    graph.holds(lambda: not granted.differs(done_by(probe, node, namespace)), 10.0)
    assert granted.differs(done_by(probe, node, namespace)) == []


def differ(graph: RosGraph, granted: Granted, namespace: str, count: int) -> bool:
    return len(granted.differs(done_by(graph.probe, 'operator', namespace))) == count


def test_every_policy_file_is_known_here() -> None:
    assert sorted(path.name for path in POLICIES.iterdir()) == sorted(FILES)


@pytest.mark.parametrize('file', FILES)
def test_policy_has_the_form_that_sros2_reads(file: str) -> None:
    assert list(faults_of_form(POLICIES / file)) == []
    paths = [each.enclave for each in profiles_of(POLICIES / file)]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith('/llm_policy_improver/') for path in paths)


@pytest.mark.parametrize(
    ('change', 'fault'),
    [
        (('publish="ALLOW"', 'publish="YES"'), "controller: topics {'publish': 'YES'}"),
        (('<topics publish="ALLOW">', '<topics>'), 'controller: topics {}'),
        (('version="0.2.0"', 'version="1"'), 'policy'),
        (('<topic>joint_velocity_command</topic>', ''), ''),
        (('<topic>~/status</topic>', '<topic>~/ball_choice</topic>'), "controller: topics {'publish': 'ALLOW'}"),
        (('node="controller"', ''), "profile {'ns': '/'}"),
    ],
)
def test_wrong_form_is_found(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    text = (POLICIES / 'hardware.xml').read_text()
    spoiled = tmp_path / 'policy.xml'
    spoiled.write_text(text.replace(*change, 1))
    found = list(faults_of_form(spoiled))
    assert found[0].startswith(fault) if fault else not found


@pytest.mark.parametrize(
    ('config', 'files'),
    [
        ('hardware.yaml', ON_THE_ARM),
        ('rehearsal.yaml', {'stand_in_arm': 'rehearsal'} | ON_THE_ARM),
        ('sim.yaml', dict.fromkeys(IN_SIMULATION, 'simulation')),
    ],
)
def test_nodes_may_do_what_they_do_and_nothing_else(
    graph: RosGraph, tmp_path: Path, config: str, files: dict[str, str]
) -> None:
    for node in files:
        graph.add(KINDS[node][0], settings_of(config, node, tmp_path))
    for node, file in files.items():
        granted = profile(f'{file}.xml', node)
        # The policy is for nodes outside of all namespaces; its names move with ns.
        moved = replace(granted, namespace=graph.namespace).granted(graph.namespace)
        assert granted.namespace == '/'
        if importlib.util.find_spec('tf2_msgs') is None:  # then nobody publishes frames
            moved.publish.difference_update({'/tf', '/tf_static'})
        compare(graph, graph.probe, node, graph.namespace, moved)


def test_a_topic_too_many_or_too_few_is_found(graph: RosGraph, tmp_path: Path) -> None:
    node = graph.add(TraceLoggerNode, settings_of('rehearsal.yaml', 'trace_logger', tmp_path))
    granted = replace(profile('hardware.xml', 'trace_logger'), namespace=graph.namespace).granted(graph.namespace)
    compare(graph, graph.probe, 'trace_logger', graph.namespace, granted)
    node.create_publisher(OptimizerStatus, 'more', 1)
    more = f'{graph.namespace}/more'
    graph.spin_until(lambda: more in done_by(graph.probe, 'trace_logger', graph.namespace).publish, 'the topic')
    assert granted.differs(done_by(graph.probe, 'trace_logger', graph.namespace)) == [f'publish {more}']
    granted.publish.add(more)
    granted.subscribe.add('/gone')
    assert granted.differs(done_by(graph.probe, 'trace_logger', graph.namespace)) == ['subscribe /gone']


def test_rehearse_has_its_own_enclaves_and_its_operator_may_do_what_it_does(graph: RosGraph, tmp_path: Path) -> None:
    nodes = ('stand_in_arm', 'controller', 'trace_logger', 'optimizer')
    of_nodes = {node: settings_of('rehearsal.yaml', node, tmp_path / 'run') for node in nodes}
    namespace = f'/rehearsal_{os.getpid()}'
    with RehearsalCell(RehearsalSettings(**of_nodes), tmp_path, namespace) as cell:
        cell.make_ready()
        expected = {each.node: each for each in profiles_of(POLICIES / 'rehearse.xml')}
        assert set(expected) == {*of_nodes, 'operator'}
        for node, granted in expected.items():
            compare(graph, graph.probe, node, namespace, granted.granted(namespace))
        seen = {
            name: enclave
            for name, where, enclave in graph.probe.get_node_names_and_namespaces_with_enclaves()
            if where == namespace
        }
        assert seen == {node: granted.enclave for node, granted in expected.items()}


def test_operator_may_ask_for_what_a_person_asks_for(graph: RosGraph) -> None:
    """One client each, in a namespace of its own: it is there while nobody answers."""
    asked: dict[str, Callable[[OperatorClient], Any]] = {
        ARM: lambda operator: operator.operate(ARM),
        RESUME: lambda operator: operator.operate(RESUME),
        CHECK: lambda operator: operator.operate(CHECK),
        'disarm': lambda operator: operator.stop('controller/disarm'),
        'stop': lambda operator: operator.stop('controller/emergency_stop'),
        'decide': lambda operator: operator.decide(OptimizerStatus(), APPROVE),
    }

    def ask(name: str) -> None:
        with (
            OperatorClient(SecuritySettings(), 'Ada', f'{graph.namespace}/{name}') as operator,
            pytest.raises(RobotError),
        ):
            asked[name](operator)

    threads = [threading.Thread(target=ask, args=[name]) for name in asked]
    for thread in threads:
        thread.start()
    granted, requested = profile('hardware.xml', 'operator'), set()
    everything = granted.granted('/')
    try:
        for name in asked:
            namespace = f'{graph.namespace}/{name}'
            own = replace(granted, namespace=namespace).granted(namespace)
            others = len(own.request) - 1
            graph.holds(partial(differ, graph, own, namespace, others), 4.0)
            (one,) = done_by(graph.probe, 'operator', namespace).request
            requested.add(one.removeprefix(namespace))
            own.request.intersection_update({one})
            assert own.differs(done_by(graph.probe, 'operator', namespace)) == []
        enclaves = {
            enclave
            for name, where, enclave in graph.probe.get_node_names_and_namespaces_with_enclaves()
            if name == 'operator' and where.startswith(f'{graph.namespace}/')
        }
    finally:
        for thread in threads:
            thread.join()
    assert requested == everything.request
    assert enclaves == {granted.enclave}


def test_people_at_a_terminal_may_only_ask_for_what_there_is() -> None:
    nodes = [each.granted('/') for each in profiles_of(POLICIES / 'hardware.xml')]
    terminal = profile('hardware.xml', 'terminal').granted('/')
    assert terminal.request <= set().union(*(node.reply for node in nodes))
    assert terminal.call <= set().union(*(node.execute for node in nodes))
    assert terminal.subscribe <= set().union(*(node.publish for node in nodes))
    assert terminal.publish == {'/rosout', '/parameter_events'}


@pytest.mark.parametrize(
    ('changed', 'said'),
    [
        ({}, 'ROS 2 security is enforced, with the keystore /keys'),
        ({'ROS_SECURITY_ENABLE': ''}, 'ROS 2 security is off: everybody on the network can '),
        ({'ROS_SECURITY_ENABLE': 'True'}, 'ROS 2 security is off: '),  # as rcl compares it
        ({'ROS_SECURITY_STRATEGY': 'Permissive'}, 'ROS 2 security is on and not enforced: '),
        ({'ROS_SECURITY_STRATEGY': ''}, 'ROS 2 security is on and not enforced: '),
        ({'ROS_SECURITY_KEYSTORE': ''}, 'ROS 2 security is enforced without a keystore, so no node will start: '),
    ],
)
def test_whether_security_is_enforced_is_said(changed: dict[str, str], said: str) -> None:
    assert security_sentence(ON | changed).startswith(said)


def test_node_without_its_enclave_does_not_start_and_says_why(tmp_path: Path) -> None:
    command = [*node_command('empty_timer', '/nowhere'), *enclave_arguments('empty_timer')]
    with process(command, tmp_path, **ON, ROS_SECURITY_ENCLAVE_OVERRIDE=None) as started:
        assert started.end() == 2
        assert started.err.startswith('error: ROS 2 does not let this node start: ')
        assert "'/keys/enclaves/llm_policy_improver/empty_timer' does not exist" in started.err
        assert 'Traceback' not in started.err
