"""The trace logger in simulation: stored before published, given-up trials, folders that hold trials, kill -9."""

import signal
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from geometry_msgs.msg import PointStamped
from ros_graph import TIMEOUT, RosGraph, node_command, process

from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.step import Step
from llm_policy_improver.msg import BallLanding, ControllerStatus, ExecutionTrace
from llm_policy_improver.msg import PolicyParameters as ParametersMessage
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.messages import parameters_message, trial_in
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples, landing_of


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def test_trial_is_in_the_store_before_it_is_published(graph: RosGraph, tmp_path: Path) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    compared = []

    def on_trace(message: ExecutionTrace) -> None:
        published = trial_in(message)
        with RunStore.open(tmp_path) as store:
            stored = {trial.number: trial for trial in store.trials()}[published.number]
            samples = store.samples(published.number)
        assert landing_of(stored) == landing_of(published)
        assert (stored.outcome, stored.note) == (published.outcome, published.note)
        for entry in fields(TraceSamples):
            assert np.array_equal(getattr(samples, entry.name), getattr(published.samples, entry.name))
        compared.append(published.number)

    def on_landing(message: BallLanding) -> None:
        with RunStore.open(tmp_path) as store:
            landing = landing_of(store.trials()[message.trial - 1])
        assert landing is not None
        assert (message.point.x, message.point.y) == (landing.x, landing.y)
        assert message.header.frame_id == 'table'
        landings.append(message.trial)

    landings: list[int] = []
    graph.probe.create_subscription(ExecutionTrace, 'execution_trace', on_trace, TRACES)
    graph.probe.create_subscription(BallLanding, 'ball/landing', on_landing, RELIABLE)
    graph.feed(1, seed=1)
    graph.spin_until(lambda: compared == landings == [1], 'the first trial')
    graph.feed(2, seed=2)
    graph.spin_until(lambda: compared == landings == [1, 2], 'the second trial')


def test_trial_without_an_answering_controller_is_stored_as_aborted_with_the_reason(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings(command_timeout=0.2))
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    graph.add(ControllerNode, ControllerSettings(autostart=False)).trigger_configure()
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    offers = graph.publisher(ParametersMessage, 'policy_parameters', LATCHED, readers=2)
    offers.publish(parameters_message(Modulation(version=7), 0))
    graph.feed(1, 0)
    graph.spin_until(lambda: traces, 'the trial')
    assert traces[0].outcome == ExecutionTrace.ABORTED
    assert traces[0].parameters_version == 7  # whoever published them waits for this trial
    assert traces[0].note == 'the controller did not answer for 0.2 s'
    assert not traces[0].has_landing
    with RunStore.open(tmp_path) as store:
        assert [(str(trial.outcome), trial.note) for trial in store.trials()] == [('aborted', traces[0].note)]


def test_no_ball_is_played_before_the_controller_is_found(graph: RosGraph, tmp_path: Path) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.call(FeedBall, 'feed_ball', FeedBall.Request(trial=1))
    graph.spin_for(1.0)  # longer than what has been found needs to settle
    refused = graph.call(FeedBall, 'feed_ball', FeedBall.Request(trial=1))
    assert not refused.accepted
    assert 'is the controller running?' in refused.message
    graph.add(ControllerNode, ControllerSettings())
    graph.feed(1, 0)
    graph.spin_until(lambda: traces, 'the trial')
    assert traces[0].outcome == ExecutionTrace.LANDED


def test_controller_that_ends_in_a_trial_aborts_it_and_its_successor_plays_the_next(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings(command_timeout=1.5))
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    controller = graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.feed(1, 0)
    graph.spin_until(lambda: states and states[-1].state == ControllerStatus.PLAYING, 'a ball in play')
    graph.remove(controller)
    graph.spin_until(lambda: traces, 'the end of the trial')
    assert traces[0].outcome == ExecutionTrace.ABORTED
    assert len(traces[0].ball_time) > 0
    graph.add(ControllerNode, ControllerSettings())
    graph.feed(2, 5)
    graph.spin_until(lambda: len(traces) == 2, 'the next trial')
    played, expected = trial_in(traces[1]), TableTennis().run(Modulation().policy, 5)
    assert landing_of(played) == landing_of(expected)
    assert np.array_equal(played.samples.applied_velocity, expected.samples.applied_velocity)


def test_trace_logger_that_joins_in_the_middle_of_a_trial_stores_what_it_saw_as_aborted(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    graph.feed(1, 0)
    graph.spin_until(lambda: states and states[-1].state == ControllerStatus.PLAYING, 'a ball in play')
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.spin_until(lambda: states[-1].state == ControllerStatus.READY, 'the end of the play')
    graph.spin_until(lambda: traces, 'the trial')
    assert traces[0].outcome == ExecutionTrace.ABORTED
    assert 'did not arrive here' in traces[0].note
    graph.feed(2, 5)
    graph.spin_until(lambda: len(traces) == 2, 'the next trial')
    played, expected = trial_in(traces[1]), TableTennis().run(Modulation().policy, 5)
    assert landing_of(played) == landing_of(expected)
    assert np.array_equal(played.samples.ball_position, expected.samples.ball_position)


def one_stored_trial(folder: Path) -> None:
    with RunStore.create(folder, {}) as store:
        store.add_trial(replace(TableTennis().run(Modulation().policy, 0), version=1))


def test_folder_that_holds_trials_is_refused_unless_they_are_to_be_continued(
    graph: RosGraph, tmp_path: Path
) -> None:
    one_stored_trial(tmp_path)
    with pytest.raises(StoreError, match='already holds trials: choose another output_folder, or set resume'):
        graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path), resume=True))
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.feed(1, 0)
    graph.spin_until(lambda: [trace.trial for trace in traces] == [1, 2], 'the stored and a new trial')
    with RunStore.open(tmp_path) as store:
        assert [trial.number for trial in store.trials()] == [1, 2]


@pytest.mark.parametrize(
    ('case', 'sentence'),
    [('holds trials', 'already holds trials'), ('is a file', 'a file is in its way')],
)
def test_unusable_folder_ends_the_program_with_one_sentence(tmp_path: Path, case: str, sentence: str) -> None:
    folder = tmp_path / 'run'
    if case == 'is a file':
        folder.write_text('')
    else:
        one_stored_trial(folder)
    with process(node_command('trace_logger', '/wrong', output_folder=folder), tmp_path) as started:
        assert started.end() == 2
        assert started.err.startswith('error: ')
        assert sentence in started.err
        assert len(started.err.strip().splitlines()) == 1


HEARD = ('joint_states', 'ball/position', 'lockstep/tick', 'joint_velocity_command')
"""What makes up a trial."""
KILLED_BEFORE_PUBLISHING = """
import os, signal
from llm_policy_improver.nodes import trace_logger
trace_logger.trace_message = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
trace_logger.main()
"""
"""Ends as by ``kill -9`` at the worst moment: the trial is stored, nobody has been told."""


def test_trial_that_was_stored_and_never_sent_is_sent_once_it_runs_again(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    sightings = graph.collect(PointStamped, 'ball/position', RELIABLE)
    run = tmp_path / 'run'
    command = node_command('trace_logger', graph.namespace, output_folder=run, resume=True)
    killed = [command[0], '-c', KILLED_BEFORE_PUBLISHING, *command[3:]]

    def recorded(topic: str) -> bool:
        listening = graph.probe.get_subscriptions_info_by_topic(f'{graph.namespace}/{topic}')
        return 'trace_logger' in [each.node_name for each in listening]

    with process(killed, tmp_path) as started:
        graph.spin_until(lambda: all(map(recorded, HEARD)), 'the trace logger')
        graph.feed(1, 0)
        graph.spin_until(lambda: not started.running, 'its end')
        assert started.end() == -signal.SIGKILL
    assert not traces
    with process(command, tmp_path):
        graph.spin_until(lambda: traces, 'the trial')
        with RunStore.open(run) as store:
            (stored,) = store.trials()
            assert (
                landing_of(trial_in(traces[0]))
                == landing_of(stored)
                == landing_of(TableTennis().run(Modulation().policy, 0))
            )
            for entry in fields(TraceSamples):
                samples = getattr(trial_in(traces[0]).samples, entry.name)
                assert np.array_equal(samples, getattr(store.samples(1), entry.name))
        assert traces[0].header.stamp == sightings[0].header.stamp
        end = time.monotonic() + TIMEOUT
        while len(traces) < 2:  # a ball that it has not found the simulator for is none
            assert time.monotonic() < end, 'no trial'
            graph.feed(2, 5)
            graph.holds(lambda: len(traces) >= 2, 10.0)
    assert [trace.trial for trace in traces] == [1, 2]


def test_parameters_that_were_published_before_it_started_are_those_of_the_store(
    graph: RosGraph, tmp_path: Path
) -> None:
    known = Modulation((0.9,) * 8, (0.0,) * 8, 1, 'least_squares')
    proposal = Proposal(known.policy, known.proposed_by)
    with RunStore.create(tmp_path, {}) as store:
        store.add_step('left', Step(1, known.policy, known.version, proposal, 0))
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    offers = graph.publisher(ParametersMessage, 'policy_parameters', LATCHED)
    offers.publish(parameters_message(known, 0))
    graph.spin_until(lambda: states and 'version 1' in states[-1].message, 'their acceptance')
    graph.probe.destroy_publisher(offers)  # whoever proposed them has ended
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.feed(1, 0)
    graph.spin_until(lambda: traces, 'the trial')
    played = trial_in(traces[0])
    assert Modulation.of(played.parameters, played.version, played.proposed_by) == known
    assert traces[0].outcome != ExecutionTrace.ABORTED


def test_deactivated_in_the_middle_of_a_simulated_trial_it_keeps_what_it_saw(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    logger = graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.feed(1, 0)
    graph.spin_until(lambda: states and states[-1].state == ControllerStatus.PLAYING, 'a ball in play')
    logger.trigger_deactivate()
    graph.spin_until(lambda: traces, 'what it saw of the trial')
    assert traces[0].outcome == ExecutionTrace.ABORTED
    assert traces[0].note == 'the trace logger was deactivated while this ball was in play'
    logger.trigger_activate()
    graph.spin_until(lambda: len(traces) == 2, 'the rest of the trial')
    assert traces[1].outcome == ExecutionTrace.ABORTED
    assert traces[1].note.endswith('did not arrive here')
    graph.feed(2, 5)
    graph.spin_until(lambda: len(traces) == 3, 'the next trial')
    played, expected = trial_in(traces[2]), TableTennis().run(Modulation().policy, 5)
    assert landing_of(played) == landing_of(expected)
    assert np.array_equal(played.samples.applied_velocity, expected.samples.applied_velocity)
