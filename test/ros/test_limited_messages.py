"""Messages that are too long, no messages at all, or old: what nodes leave out before they look at anything else."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from rclpy.serialization import serialize_message
from ros_graph import RosGraph

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.msg import ControllerStatus, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.limited import LONGEST, subscribe
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE
from llm_policy_improver.nodes.scripted_operator import ScriptedOperator
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.settings import ControllerSettings


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


@pytest.fixture
def keys(tmp_path: Path) -> SecuritySettings:
    return SecuritySettings(str(tmp_path / 'run.key'), str(tmp_path / 'operator.key'))


def status(state: str, second: int, **fields: Any) -> ControllerStatus:
    message = ControllerStatus(state=state, **fields)
    message.header.stamp.sec = second
    return message


def test_message_that_is_too_long_is_left_out_and_told(graph: RosGraph, capfd: pytest.CaptureFixture[str]) -> None:
    taken: list[ControllerStatus] = []
    subscribe(graph.probe, ControllerStatus, 'said', taken.append, RELIABLE)
    publisher = graph.publisher(ControllerStatus, 'said', RELIABLE)
    for length in (LONGEST - 1000, LONGEST + 1, 3):
        publisher.publish(ControllerStatus(message='A' * length))
    graph.spin_until(lambda: len(taken) == 2, 'two messages')
    assert [len(message.message) for message in taken] == [LONGEST - 1000, 3]
    told = capfd.readouterr().err
    assert 'left out: a message of 262,' in told
    assert 'on said; 262,144 at most are read' in told


def test_bytes_that_are_no_message_are_left_out_and_told(graph: RosGraph, capfd: pytest.CaptureFixture[str]) -> None:
    taken: list[PolicyParameters] = []
    subscribe(graph.probe, PolicyParameters, 'said', taken.append, RELIABLE)
    publisher = graph.publisher(PolicyParameters, 'said', RELIABLE)
    whole = serialize_message(PolicyParameters(version=7, attenuation=[1.0] * 8))
    for data in (whole[:40], b'', whole[:16] + b'\xff\xff\xff\x7f' + whole[20:], whole):
        publisher.publish(data)
    graph.spin_until(lambda: taken, 'the whole message')
    assert [message.version for message in taken] == [7]
    assert 'left out: 40 bytes on said that are no PolicyParameters' in capfd.readouterr().err


def test_message_that_would_tell_nothing_now_is_not_even_read(graph: RosGraph) -> None:
    taken: list[str] = []
    subscribe(
        graph.probe, ControllerStatus, 'said', lambda message: taken.append(message.state), RELIABLE,
        wanted=lambda: not taken or taken[-1] != 'enough',
    )  # fmt: skip
    publisher = graph.publisher(ControllerStatus, 'said', RELIABLE)
    for state in ('ready', 'enough', 'more', 'still more'):
        publisher.publish(ControllerStatus(state=state))
    graph.spin_until(lambda: len(taken) == 2, 'two messages')
    graph.spin_for(0.3)
    assert taken == ['ready', 'enough']


def test_controller_is_not_held_up_by_a_long_message(graph: RosGraph, keys: SecuritySettings) -> None:
    graph.add(ControllerNode, ControllerSettings(security=keys))
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    graph.spin_until(lambda: states, 'the controller')
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED)
    seals = Seals(graph.probe, keys)
    good = parameters_message(Modulation((1.1,) * 8, version=1, proposed_by='Ada'), 0, '', states[-1].start)
    long = deepcopy(good)
    long.version, long.source = 2, 'A' * LONGEST
    publisher.publish(seals.sealed(long))
    graph.spin_for(0.5)
    publisher.publish(seals.sealed(good))
    graph.spin_until(lambda: 'accepted' in states[-1].message, 'the parameters')
    assert states[-1].message == 'parameters version 1 by Ada accepted'


def test_refusals_again_and_again_fill_no_log(
    graph: RosGraph, keys: SecuritySettings, capfd: pytest.CaptureFixture[str]
) -> None:
    graph.add(ControllerNode, ControllerSettings(security=keys))
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    graph.spin_until(lambda: states, 'the controller')
    publisher, seals = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED), Seals(graph.probe, keys)
    for version in range(1, 41):
        bad = parameters_message(Modulation((1.0,) * 8, version=version), 0, '', states[-1].start)
        bad.joint_names = []
        publisher.publish(seals.sealed(bad))
        graph.spin_until(lambda: states[-1].refused_version == version, 'a refusal')  # noqa: B023
    assert 0 < capfd.readouterr().err.count('refused: joint_names') < 40


@pytest.mark.parametrize('asked', [True, False])
def test_status_that_was_sent_once_more_is_none_where_messages_are_sealed(
    graph: RosGraph, keys: SecuritySettings, asked: bool
) -> None:
    seals = Seals(graph.probe, keys if asked else SecuritySettings())
    taken: list[str] = []
    take = seals.latest(lambda message: taken.append(message.state))
    first, second = (seals.sealed(status(state, number)) for number, state in enumerate(('ready', 'fault'), 1))
    for message in (first, second, first, second):
        take(message)
    # In simulation, where nothing is sealed, the time begins anew with every simulator.
    assert taken == (['ready', 'fault', 'fault'] if asked else ['ready', 'fault', 'ready', 'fault'])
    assert seals.left_out == asked


def test_scripted_operator_believes_no_status_of_others(graph: RosGraph, keys: SecuritySettings) -> None:
    operator = ScriptedOperator(graph.probe, keys)
    seals = Seals(graph.probe, keys)
    said = graph.publisher(ControllerStatus, 'controller/status', LATCHED)
    told = graph.publisher(OptimizerStatus, 'optimizer/status', LATCHED)
    said.publish(seals.sealed(status('disarmed', 1)))
    told.publish(seals.sealed(OptimizerStatus(state='running')))
    graph.spin_until(lambda: (operator.state, operator.run) == ('disarmed', 'running'), 'both')
    for number in range(10):
        said.publish(status('fault', 2 + number, fault=f'made up {number}'))
        told.publish(OptimizerStatus(state='waiting_for_approval', proposed_version=2**32 - 1))
        graph.spin_for(0.05)
    assert (operator.state, operator.run, operator.faults) == ('disarmed', 'running', [])
    said.publish(seals.sealed(status('fault', 20, fault='a real one')))
    graph.spin_until(lambda: operator.faults == ['a real one'], 'the real one')
