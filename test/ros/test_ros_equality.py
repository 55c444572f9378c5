"""A trial through the nodes is the trial in process: bit for bit, in one process and in four."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from ros_graph import TIMEOUT, Process, RosGraph, node_command, process

from llm_policy_improver import msg
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.messages import parameters_message, trial_in
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.arm.modulation import NEUTRAL_ATTENUATION, Modulation
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.control.stroke import StrokeConfig
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples, landing_of

TOLERANCE = 1e-9
"""m, m/s, s: the promise. What is really reached is equality of every bit."""

NOISY = SimulationConfig(
    camera_noise=0.003,
    launcher=Launcher(
        position_spread=(0.1, 0.05, 0.02), velocity_spread=(0.1, 0.2, 0.1), spin_spread=(20.0, 5.0, 20.0)
    ),
)
STROKE = StrokeConfig(target=(0.1, 0.8))
NODES = ('simulator', 'controller', 'trace_logger', 'optimizer')


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def differences(left: Trial, right: Trial) -> dict[str, float]:
    """The largest difference of each time series and of the landing; NaN where the lengths differ."""
    found: dict[str, float] = {}
    for entry in fields(TraceSamples):
        one, other = getattr(left.samples, entry.name), getattr(right.samples, entry.name)
        same_shape = one.shape == other.shape
        found[entry.name] = float(np.abs(one - other).max()) if same_shape and one.size else float('nan')
    one_landing, other_landing = landing_of(left), landing_of(right)
    for name in ('x', 'y', 'time'):
        if one_landing is not None and other_landing is not None:
            found[f'landing.{name}'] = abs(getattr(one_landing, name) - getattr(other_landing, name))
    return found


def spin_until_active(graph: RosGraph, states: list[msg.ControllerStatus], version: int) -> None:
    graph.spin_until(lambda: states and states[-1].active_version == version, f'parameters {version} in use')


def wait_for_trial(graph: RosGraph, traces: list[msg.ExecutionTrace], version: int) -> None:
    graph.spin_until(lambda: traces and traces[-1].parameters_version == version, f'trial {version}')


def assert_same_trial(through_ros: Trial, in_process: Trial) -> None:
    assert through_ros.outcome is in_process.outcome
    assert through_ros.note == in_process.note
    assert (landing_of(through_ros) is None) == (landing_of(in_process) is None)
    found = differences(through_ros, in_process)
    assert all(difference <= TOLERANCE for difference in found.values()), found
    assert set(found.values()) == {0.0}, f'within the tolerance, but not bit for bit: {found}'
    assert landing_of(through_ros) == landing_of(in_process)
    assert dict(through_ros.measures) == dict(in_process.measures)


@pytest.mark.parametrize('late', [False, True])
def test_composed_nodes_play_the_same_trials_as_one_process_does(
    graph: RosGraph, tmp_path: Path, late: bool
) -> None:
    simulation = replace(NOISY, latency=Latency.published()) if late else NOISY
    controller = ControllerConfig(stroke=STROKE)
    graph.add(SimulatorNode, SimulatorSettings(simulation))
    graph.add(ControllerNode, ControllerSettings(controller=controller))
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path / 'run')))
    traces = graph.collect(msg.ExecutionTrace, 'execution_trace')
    states = graph.collect(msg.ControllerStatus, 'controller/status', LATCHED)
    publisher = graph.publisher(msg.PolicyParameters, 'policy_parameters', LATCHED, readers=2)
    generator = np.random.default_rng(4)
    residual = (0.02, -0.03, 0.05, 0.0, -0.05, 0.1, 0.0, -0.1)
    offered = [Modulation(NEUTRAL_ATTENUATION, version=1, proposed_by='test')]
    offered += [
        Modulation(
            parameter_space().sample(generator).values,
            residual if version % 2 else (0.0,) * 8,
            version,
            'test',
        )
        for version in range(2, 6)
    ]
    task = TableTennis(simulation, controller)
    landings = 0
    for parameters in offered:
        publisher.publish(parameters_message(parameters, 0))
        version = parameters.version
        spin_until_active(graph, states, version)
        seed = 100 + version
        graph.feed(version, seed)
        wait_for_trial(graph, traces, version)
        through_ros = trial_in(traces[-1])
        assert Modulation.of(through_ros.parameters, through_ros.version, through_ros.proposed_by) == parameters
        assert_same_trial(through_ros, task.run(parameters.policy, seed))
        landings += landing_of(through_ros) is not None
    assert late or landings >= 2, 'most of these balls should reach the table'
    with RunStore.open(tmp_path / 'run') as store:
        for trace in map(trial_in, traces):
            stored = store.samples(trace.number)
            assert all(
                np.array_equal(getattr(stored, entry.name), getattr(trace.samples, entry.name))
                for entry in fields(TraceSamples)
            )


@pytest.fixture
def processes(graph: RosGraph, tmp_path: Path) -> Iterator[dict[str, Process]]:
    """The four nodes as four processes, with the settings of the test above as ROS parameters."""
    launcher = NOISY.launcher
    parameters: dict[str, dict[str, Any]] = {
        'simulator': {
            'simulation__camera_noise': NOISY.camera_noise,
            'simulation__launcher__position_spread': list(launcher.position_spread),
            'simulation__launcher__velocity_spread': list(launcher.velocity_spread),
            'simulation__launcher__spin_spread': list(launcher.spin_spread),
        },
        'controller': {'controller__stroke__target': list(STROKE.target)},
        'trace_logger': {'output_folder': tmp_path / 'run'},
        'optimizer': {
            'output_folder': tmp_path / 'run',
            'first_trials': 4,
            'seed': 7,
            'vary_balls': True,
        },
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                process(node_command(name, graph.namespace, **parameters[name]), tmp_path / name)
            )
            for name in NODES
        }


def test_four_processes_play_the_same_trials_and_end_cleanly_when_interrupted(
    graph: RosGraph, processes: dict[str, Process], tmp_path: Path
) -> None:
    traces = graph.collect(msg.ExecutionTrace, 'execution_trace', TRACES)
    status, result = graph.improve('as far right as possible', trials=5).result(2 * TIMEOUT)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.message
    graph.spin_until(lambda: len(traces) == 5, 'five trials')
    task = TableTennis(NOISY, ControllerConfig(stroke=STROKE))
    for number, trace in enumerate(map(trial_in, traces), start=1):
        assert_same_trial(trace, task.run(trace.parameters, 7 + number))
    assert len({trace.attenuation.tobytes() for trace in traces}) == 5
    for started in processes.values():
        started.interrupt()
    for name, started in processes.items():
        assert started.end() == 0, f'{name}: {started.err}'
        assert 'Traceback' not in started.err, f'{name}: {started.err}'
    with RunStore.open(tmp_path / 'run') as store:
        assert [trial.number for trial in store.trials()] == [1, 2, 3, 4, 5]
        assert len(store.steps()) == 5
