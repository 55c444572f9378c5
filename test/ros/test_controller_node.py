"""The controller node: which parameters it takes, when, and which settings it refuses to start with."""

import array
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from ros_graph import EVERY, RosGraph, node_command, process
from std_srvs.srv import Trigger

from llm_policy_improver.msg import (
    ControllerStatus,
    ExecutionTrace,
    JointVelocityCommand,
    PolicyParameters,
)
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.srv import Operate
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, RESIDUALS
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def parameters(version: int, **changed: Any) -> PolicyParameters:
    fields: dict[str, Any] = {
        'joint_names': list(JOINTS),
        'attenuation': array.array('d', [0.9] * 8),
        'residual': array.array('d', [0.0] * 8),
        'names': [*ATTENUATIONS, *RESIDUALS],
        'proposed_by': 'operator',
    }
    return PolicyParameters(version=version, **{**fields, **changed})


def doubles(*values: float) -> 'array.array[float]':
    return array.array('d', values)


REFUSED = {
    'same version': (parameters(5, residual=doubles(*[0.0] * 7, 1e-6)), 'the version must grow: 5 came after 5'),
    'version far ahead': (
        parameters(4_000_000_000), 'must grow: 4000000000 came after 5; by 1,000,000 at most',
    ),
    'lower version': (parameters(4), 'the version must grow: 4 came after 5'),
    'other order of joints': (parameters(6, joint_names=list(reversed(JOINTS))), 'joint_names must be slide_y, '),
    'unknown joint': (parameters(6, joint_names=[*JOINTS[:7], 'wrist']), 'got slide_y, .*, wrist'),
    'no joint names': (parameters(6, joint_names=[]), 'got none'),
    'seven numbers': (parameters(6, attenuation=doubles(*[1.0] * 7)), 'attenuation must hold 8 numbers.* got 7'),
    'no residual': (parameters(6, residual=doubles()), 'residual must hold 8 numbers.* got 0'),
    'NaN': (
        parameters(6, attenuation=doubles(1.0, math.nan, *[1.0] * 6)),
        'attenuation of slide_x must be a finite number; got nan',
    ),
    'infinite residual': (
        parameters(6, residual=doubles(*[0.0] * 7, math.inf)),
        'residual of axis_6 must be a finite number; got inf',
    ),
    'unnamed attenuation': (parameters(6, names=list(RESIDUALS)), 'a is 0.9, but it is not among the names'),
    'unknown name': (parameters(6, names=[*ATTENUATIONS, 'q']), 'unknown parameter "q"; there are a, b, '),
}  # fmt: skip


@pytest.mark.parametrize('case', REFUSED)
def test_bad_parameters_are_refused_with_the_reason_and_the_active_ones_stay(
    graph: RosGraph, case: str
) -> None:
    graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED)
    publisher.publish(parameters(5))
    graph.spin_until(lambda: states and states[-1].active_version == 5, 'the first parameters in use')
    message, reason = REFUSED[case]
    publisher.publish(message)
    graph.spin_until(lambda: 'refused' in states[-1].message, 'a refusal')
    assert re.search(reason, states[-1].message)
    assert states[-1].message.startswith(f'parameters version {message.version} refused: ')
    assert (states[-1].active_version, states[-1].refused_version) == (5, message.version)
    publisher.publish(parameters(7))
    graph.spin_until(lambda: states[-1].active_version == 7, 'good parameters accepted afterwards')
    assert states[-1].refused_version == 0


def test_parameters_in_force_may_come_again_from_an_optimizer_that_was_restarted(graph: RosGraph) -> None:
    graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(ControllerStatus, 'controller/status', EVERY)
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED)
    publisher.publish(parameters(5))
    graph.spin_until(lambda: states and states[-1].active_version == 5, 'the parameters in use')
    graph.probe.destroy_publisher(publisher)
    again = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED)
    again.publish(parameters(5, proposed_by='the same, read from the store'))
    graph.spin_rounds()  # of two at once only the newest is kept
    again.publish(parameters(6))
    graph.spin_until(lambda: states[-1].active_version == 6, 'the next parameters')
    assert not [state.message for state in states if 'refused' in state.message]
    again.publish(parameters(6, attenuation=doubles(*[0.9] * 7, 0.8)))
    graph.spin_until(lambda: 'refused' in states[-1].message, 'a refusal')
    assert states[-1].active_version == 6


def test_new_parameters_wait_until_the_ball_is_out_of_play(graph: RosGraph, tmp_path: Path) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    states = graph.collect(ControllerStatus, 'controller/status', EVERY)
    commands = graph.collect(JointVelocityCommand, 'joint_velocity_command', RELIABLE)
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED, readers=2)
    publisher.publish(parameters(1))
    graph.spin_until(lambda: states and states[-1].active_version == 1, 'the first parameters in use')
    graph.feed(1, 0)
    graph.spin_until(lambda: states[-1].state == ControllerStatus.PLAYING, 'a ball in play')
    publisher.publish(parameters(2, attenuation=doubles(*[0.7] * 8)))
    graph.spin_until(lambda: states[-1].active_version == 2, 'the second parameters in use')
    assert states[-1].state == ControllerStatus.READY
    accepted = [state for state in states if 'version 2' in state.message]
    assert (accepted[0].state, accepted[0].active_version) == (ControllerStatus.PLAYING, 1)
    graph.spin_until(lambda: traces, 'the trial')
    assert {command.parameters_version for command in commands} == {1}
    assert len(commands) > 30
    assert (traces[0].parameters_version, traces[0].attenuation) == (1, doubles(*[0.9] * 8))


def test_disarmed_controller_answers_with_standstill(graph: RosGraph, tmp_path: Path) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    answer = graph.call(Trigger, 'controller/disarm', Trigger.Request())
    assert (answer.success, answer.message) == (True, 'disarmed: the arm is commanded to stand still')
    graph.spin_rounds()
    states.clear()
    graph.feed(1, 0)
    graph.spin_until(lambda: traces, 'the trial')
    assert {state.state for state in states} <= {ControllerStatus.DISARMED}
    assert set(traces[0].applied_velocity) == {0.0}
    assert set(traces[0].requested_velocity) != {0.0}
    assert traces[0].outcome == ExecutionTrace.MISSED


def test_emergency_stop_of_a_simulated_arm_latches_until_it_is_resumed(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)

    def ask(service: str, kind: Any = Operate) -> tuple[bool, str]:
        answer = graph.call(kind, f'controller/{service}', kind.Request())
        return answer.success, answer.message

    assert ask('resume') == (False, 'not resumed: there is nothing to resume from')
    assert ask('emergency_stop', Trigger)[0]
    graph.spin_until(lambda: states and states[-1].state == ControllerStatus.ESTOP, 'the state')
    assert states[-1].fault == 'a person stopped the arm'
    graph.feed(1, 0)
    graph.spin_until(lambda: traces, 'the trial')
    assert set(traces[0].applied_velocity) == {0.0}
    assert ask('arm') == (False, 'not armed: a person stopped the arm: resume first')
    assert ask('resume') == (True, 'resumed: disarmed, to be armed again')
    graph.spin_until(lambda: states[-1].state == ControllerStatus.DISARMED, 'the state')
    assert ask('arm')[0]
    graph.feed(2, 0)
    graph.spin_until(lambda: len(traces) > 1, 'the next trial')
    assert set(traces[1].applied_velocity) != {0.0}


BAD_STARTS: dict[str, tuple[dict[str, Any], str]] = {
    'too few joints': ({'driver_joint_names': '[slide_y, slide_x]'}, 'driver_joint_names must be 8 different names'),
    'wrong type': ({'autostart': 3}, 'parameter autostart has the wrong type'),
    'armed at the start': ({'armed': True, 'lockstep': False}, 'unknown setting "armed"'),
    'whole number for a real one': ({'watchdog__joints_stale': 1}, 'write 1.0, not 1, for a number'),
    'watchdog switched off': (
        {'watchdog__joints_stale': 100.0}, 'watchdog: joints_stale must be between 0.005 and 0.5 s; got 100 s'
    ),
    'slow inner loop': ({'inner_loop__rate': 50.0}, 'inner_loop: rate must be between 100 and 1000 Hz; got 50 Hz'),
    'out of range': ({'controller__period': 0.5}, 'period must be between 0.001 and 0.02 s'),
    'arm without limits': (
        {'lockstep': False, 'security__insecure': True},
        'safety.velocity and 19 more missing: on the arm every limit must be',
    ),
    'arm without a key': ({'lockstep': False}, 'security.key_file is empty: name the file of the key that controller'),
    'arm by a clock of others': (
        {'lockstep': False, 'use_sim_time': True, 'security__insecure': True},
        'use_sim_time must be false on the arm (lockstep: false)',
    ),
    'arm that nobody watches': ({'lockstep': False, 'peers': "['']"}, 'peers must be names of nodes'),
    'equal topics': ({'ball_topic': 'joint_states'}, 'joint_state_topic and ball_topic must be different topics'),
    'wrong length': ({'controller__stroke__target': '[0.1]'}, 'controller.stroke.target must have 2 entries; got 1'),
}  # fmt: skip


@pytest.mark.parametrize('case', BAD_STARTS)
def test_wrong_parameter_ends_the_program_with_one_sentence(tmp_path: Path, case: str) -> None:
    given, sentence = BAD_STARTS[case]
    with process(node_command('controller', '/wrong', **given), tmp_path) as started:
        assert started.end() == 2
        assert started.err.startswith('error: controller')
        assert sentence in started.err
        assert len(started.err.strip().splitlines()) == 1
