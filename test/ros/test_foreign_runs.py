"""What is not of a run is left out and counted by trace logger and optimizer, in simulation, too, without a key."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray
from ros_graph import EVERY, RosGraph

from llm_policy_improver.msg import ExecutionTrace, LockstepTick, PolicyParameters
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.settings import SimulatorSettings


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


class Counts:
    """What nodes tell on ``/diagnostics``."""

    def __init__(self, graph: RosGraph) -> None:
        self._graph = graph
        self._received = graph.collect(DiagnosticArray, '/diagnostics')

    def of(self, node: str, key: str) -> int:
        """The latest one; 0 before the first."""
        name = f'{self._graph.namespace}/{node}:'
        told = [
            int(pair.value)
            for array in self._received
            for status in array.status
            for pair in status.values
            if status.name.startswith(name) and pair.key == key
        ]
        return told[-1] if told else 0


def test_parameters_and_trials_of_another_run_do_not_count(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path / 'run', first_trials=2, method='least_squares', all_trials=True)
    counts = Counts(graph)
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    sent = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    assert graph.improve('far right', trials=2).result()[0] == GoalStatus.STATUS_SUCCEEDED
    strangers = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED, readers=3)
    # An old one: of a new version the controller would speak, which asks for no key here.
    strangers.publish(parameters_message(Modulation((1.4,) * 8, version=1), 0, 'another run'))
    graph.spin_until(lambda: counts.of('trace_logger', 'messages left out') == 1, 'the count of parameters')
    foreign = deepcopy(traces[-1])
    foreign.trial, foreign.run = 3, 'another run'
    graph.publisher(ExecutionTrace, 'execution_trace', TRACES, readers=2).publish(foreign)
    graph.spin_until(lambda: counts.of('optimizer', 'messages left out') == 1, 'the count of trials')
    # What was left out changes nothing.
    status, result = graph.improve('far left', trials=2).result()
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 2)
    own = {message.run for message in sent} - {'another run'}
    with RunStore.open(tmp_path / 'run') as store:
        assert own == {store.identity}
        assert [trial.number for trial in store.trials()] == [1, 2, 3, 4]


def test_trial_in_which_a_second_simulator_comes_is_not_stored(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path / 'run', first_trials=2, method='least_squares', all_trials=True)
    counts = Counts(graph)
    ticks = graph.collect(LockstepTick, 'lockstep/tick')
    run = graph.improve('far right', trials=5)
    run.trials(1)
    before = len(ticks)
    graph.spin_until(lambda: len(ticks) > before and ticks[-1].tick == 5, 'a ball in flight')
    with RunStore.open(tmp_path / 'run') as store:
        stored = len(store.trials())
        second = graph.add(SimulatorNode, SimulatorSettings())  # the ball waits meanwhile: nothing is spun
        graph.spin_until(lambda: counts.of('trace_logger', 'trials left out') == 1, 'the count of trials')
        assert len(store.trials()) == stored
    graph.remove(second)
