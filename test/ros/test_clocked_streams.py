"""The trace logger by the clock, of streams in which something is wrong: stamps, places, lengths, balls at rest."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PointStamped
from rclpy.clock import ROSClock
from rclpy.time import Time
from ros_graph import MANY, TIMEOUT, RosGraph
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, JointVelocityCommand
from llm_policy_improver.nodes import clocked_trials
from llm_policy_improver.nodes.messages import (
    ball_message,
    command_message,
    doubles,
    joint_state_message,
    stamp_of,
)
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, TRACES
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation, Command
from llm_policy_improver.table_tennis.settings import TraceLoggerSettings

pytestmark = pytest.mark.real_time
BALL_LOST = 0.4


class Streams:
    """The trace logger, and a test that says what drivers, cameras and controller would say.

    Attributes:
        traces: what the trace logger has published.
        signs: levels of what it said of itself.
    """

    def __init__(self, graph: RosGraph, folder: Path) -> None:
        self.graph = graph
        settings = TraceLoggerSettings(output_folder=str(folder), lockstep=False, ball_lost=BALL_LOST)
        self.logger = graph.add(TraceLoggerNode, settings)
        self.traces: list[ExecutionTrace] = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
        self._signs: list[DiagnosticArray] = graph.collect(DiagnosticArray, '/diagnostics')
        self._joints = graph.publisher(JointState, 'joint_states')
        self._balls = graph.publisher(PointStamped, 'ball/position', MANY)
        self._read: list[tuple[int, int]] = []
        graph.probe.create_subscription(PointStamped, 'ball/position', self._on_ball, MANY)
        self._said: list[int] = []
        self._commands = graph.publisher(JointVelocityCommand, 'joint_velocity_command', COMMANDS)
        self._y = 1.5
        graph.publisher(ControllerStatus, 'controller/status', LATCHED).publish(
            ControllerStatus(state=ControllerStatus.READY)
        )

    @property
    def now(self) -> int:
        """ns, of the clock of the stamps."""
        return int(self.logger.get_clock().now().nanoseconds)

    @property
    def signs(self) -> list[int]:
        name = f'{self.graph.namespace}/trace_logger'
        return [
            status.level for array in self._signs for status in array.status if status.name.startswith(name)
        ]

    def say(self, seconds: float, sighted: bool = True) -> None:
        """A message of each kind every 10 ms for a while."""
        for _ in range(round(seconds / 0.01)):
            now = self.now
            self._joints.publish(joint_state_message(ArmObservation(now, np.array(HOME), np.zeros(8))))
            self._commands.publish(command_message(Command(now, np.full(8, 0.1), np.full(8, 0.2)), 0))
            if sighted:
                self.sight(now, (0.0, self._y, 0.3))
                self._y -= 0.01
            self.graph.spin_for(0.01)

    def say_until_a_trial(self) -> None:
        """The same as long as no trial has come, though the ball stays in view."""
        end = time.monotonic() + TIMEOUT
        while not self.traces:
            assert time.monotonic() < end, 'no trial'
            self.say(0.1)

    def pause(self) -> None:
        """Sightings of 0.6 s, of which none is read meanwhile: nothing is spun, the messages wait."""
        for _ in range(60):
            self.sight(self.now, (0.0, 1.0, 0.3))
            time.sleep(0.01)

    def _on_ball(self, message: PointStamped) -> None:
        self._read.append((stamp_of(message.header.stamp), self.now))

    def late(self, stamp: int) -> float:
        """s after which the sighting with this stamp, ns, was read."""
        return next(read - said for said, read in self._read if said == stamp) / NANOSECONDS

    def read(self) -> None:
        """Waits until all sightings were read: each reader takes one in a round."""
        self.graph.spin_until(lambda: len(self._read) == len(self._said), 'all sightings')
        self.graph.spin_rounds()

    def sight(self, stamp: int, position: tuple[float, float, float]) -> None:
        self._said.append(stamp)
        self._balls.publish(ball_message(BallObservation(stamp, position)))

    def command(self, applied: list[float]) -> None:
        """A joint state and the answer to it."""
        now = self.now
        self._joints.publish(joint_state_message(ArmObservation(now, np.array(HOME), np.zeros(8))))
        message = command_message(Command(now, np.full(8, 0.1), np.full(8, 0.2)), 0)
        message.applied = doubles(applied)
        self._commands.publish(message)

    def take_away(self) -> None:
        """No ball is in sight; the next one comes from the opponent's side again."""
        self.read()  # it is out of sight for the trace logger from then on
        self.say(BALL_LOST + 0.1, sighted=False)
        self._y = 1.5

    def end(self) -> ExecutionTrace:
        """The ball is out of sight; its trial."""
        count = len(self.traces)
        self.take_away()
        self.graph.spin_until(lambda: len(self.traces) > count, 'the trial')
        return self.traces[-1]


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    with RosGraph() as graph:
        yield Streams(graph, tmp_path)


def test_sightings_that_cannot_be_right_are_left_out_and_the_trial_ends_and_is_stored(
    streams: Streams,
) -> None:
    first = streams.now
    streams.say(0.1)
    streams.sight(0, (0.0, 1.4, 0.3))
    streams.sight(streams.now + 3600 * NANOSECONDS, (0.0, 1.4, 0.3))
    streams.sight(streams.now, (0.0, float('nan'), 0.3))
    streams.sight(streams.now, (0.0, 1e9, 0.3))
    streams.say(0.1)
    passed = (streams.now - first) / NANOSECONDS
    trace = streams.end()
    assert 0.1 < trace.ball_time[-1] < passed
    assert all(0.0 < point.y <= 1.5 for point in trace.ball_position)
    streams.graph.spin_until(lambda: streams.signs, 'a sign of life')
    assert DiagnosticStatus.ERROR not in streams.signs


def test_of_a_ball_that_stays_in_view_the_first_seconds_are_one_trial(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocked_trials, 'LONGEST_PLAY', 0.3)
    streams.say_until_a_trial()
    streams.say(0.8)
    streams.read()
    assert len(streams.traces) == 1
    trace = streams.traces[0]
    assert trace.ball_time[-1] <= 0.4 + streams.late(stamp_of(trace.header.stamp))
    assert trace.outcome != ExecutionTrace.ABORTED, trace.note
    streams.take_away()
    assert len(streams.traces) == 1
    streams.say(0.2)
    trace = streams.end()
    assert trace.ball_time[-1] < 0.4 + streams.late(stamp_of(trace.header.stamp))
    assert len(streams.traces) == 2


def test_a_pause_of_the_trace_logger_is_no_end_of_the_ball(streams: Streams) -> None:
    streams.say(0.2)
    streams.pause()
    streams.say(0.2)
    trace = streams.end()
    assert len(streams.traces) == 1
    assert trace.ball_time[-1] > 0.9
    assert len(trace.ball_time) > 95


def test_after_a_pause_of_the_trace_logger_a_ball_that_stays_in_view_still_counts_for_one(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocked_trials, 'LONGEST_PLAY', 0.3)
    streams.say_until_a_trial()
    streams.pause()
    streams.say(0.2)
    streams.take_away()
    assert len(streams.traces) == 1


def test_command_of_the_wrong_length_is_left_out(streams: Streams) -> None:
    streams.say(0.1)
    streams.command([0.2] * 7)
    streams.say(0.1)
    trace = streams.end()
    assert trace.outcome != ExecutionTrace.ABORTED, trace.note
    assert len(trace.applied_velocity) == 8 * len(trace.joint_time)


def test_clock_that_is_set_in_the_middle_of_a_ball_aborts_its_trial_only(streams: Streams) -> None:
    clock = streams.logger.get_clock()
    assert isinstance(clock, ROSClock)
    clock.set_ros_time_override(Time(seconds=100))  # a computer without a battery for its clock
    clock._set_ros_time_is_active(True)
    streams.say(0.1)
    streams.read()  # by the clock that they are of
    clock._set_ros_time_is_active(False)
    streams.say(0.1, sighted=False)
    streams.say(0.1)
    streams.graph.spin_until(lambda: streams.traces, 'the trial')
    trace = streams.traces[0]
    assert trace.outcome == ExecutionTrace.ABORTED
    assert trace.note.startswith('the clock was set while this ball was in play; could not store the trial: ')
    assert len(trace.ball_time) == 0
    streams.take_away()
    streams.say(0.1)
    assert streams.end().outcome != ExecutionTrace.ABORTED
    assert len(streams.traces) == 2
    streams.graph.spin_until(lambda: streams.signs, 'a sign of life')
    assert DiagnosticStatus.ERROR not in streams.signs
