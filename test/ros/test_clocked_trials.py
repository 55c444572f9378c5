"""The trace logger by the clock: which balls are aborted and why, and its life as a managed node."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from ros_graph import TIMEOUT, RosGraph, node_command, process
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, JointVelocityCommand
from llm_policy_improver.msg import PolicyParameters as ParametersMessage
from llm_policy_improver.nodes.diagnostics import nodes_heard
from llm_policy_improver.nodes.messages import (
    ball_message,
    command_message,
    joint_state_message,
    parameters_message,
    stamp_of,
    time_of,
)
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RECORDED, TRACES
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation, Command
from llm_policy_improver.table_tennis.settings import TraceLoggerSettings
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import landing_of

pytestmark = pytest.mark.real_time
PLAYED = TableTennis().run(Modulation().policy, 0)
"""What the cameras see of a ball that is returned."""
AT_ONCE = 4
"""Sightings a tick, at most: more would be too many for a subscriber of sensor data."""
MIDDLE = 0.5
"""s after the first sighting: the ball is on its way."""
LATE = 1.0
"""s after the first sighting: the ball is still on its way."""
END = float(PLAYED.samples.ball_time[-1])
"""s after the first sighting: the last one."""


class Arm(Node):
    """What drivers, cameras and controller say of an arm that returns a ball.

    Attributes:
        connected, commanding: whether joint states and commands come.
        version: of the parameters in use.
    """

    def __init__(self, graph: RosGraph) -> None:
        super().__init__('arm', namespace=graph.namespace, context=graph.context)
        self.connected = self.commanding = True
        self.version = 0
        self._start, self._sent = 0, len(PLAYED.samples.ball_time)
        self._joints = self.create_publisher(JointState, 'joint_states', qos_profile_sensor_data)
        self._balls = self.create_publisher(PointStamped, 'ball/position', qos_profile_sensor_data)
        self._commands = self.create_publisher(JointVelocityCommand, 'joint_velocity_command', COMMANDS)
        self._status = self.create_publisher(ControllerStatus, 'controller/status', LATCHED)
        self.create_timer(0.01, self._on_time)
        self.say(ControllerStatus.READY)

    @property
    def start(self) -> int:
        """ns stamp of the first sighting of the last ball."""
        return self._start

    @property
    def flown(self) -> float:
        """s of the ball that were seen."""
        return float(PLAYED.samples.ball_time[self._sent - 1]) if self._sent else 0.0

    def throw(self) -> None:
        self._start, self._sent = self._now(), 0

    def say(self, state: str, fault: str = '') -> None:
        status = ControllerStatus(state=state, fault=fault, active_version=self.version)
        status.header.stamp = time_of(self._now())
        self._status.publish(status)

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _on_time(self) -> None:
        now = self._now()
        if self.connected:
            self._joints.publish(joint_state_message(ArmObservation(now, np.array(HOME), np.zeros(8))))
        if self.commanding:
            self._commands.publish(
                command_message(Command(now, np.full(8, 0.1), np.full(8, 0.2)), self.version)
            )
        times = PLAYED.samples.ball_time
        due = int(np.searchsorted(times, (now - self._start) / NANOSECONDS, side='right'))
        for row in range(self._sent, min(due, self._sent + AT_ONCE)):
            stamp = self._start + round(float(times[row]) * NANOSECONDS)
            x, y, z = PLAYED.samples.ball_position[row]
            self._balls.publish(ball_message(BallObservation(stamp, (float(x), float(y), float(z)))))
            self._sent = row + 1


class Cell:
    """The trace logger, and an arm that speaks to it."""

    def __init__(self, graph: RosGraph, folder: Path, autostart: bool = True) -> None:
        self.graph, self.folder = graph, folder
        self.logger = graph.add(
            TraceLoggerNode,
            TraceLoggerSettings(output_folder=str(folder), lockstep=False, autostart=autostart),
        )
        self.traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
        self.sightings = graph.collect(PointStamped, 'ball/position', RECORDED)
        self.arm = graph.join(Arm(graph))
        self.graph.spin_for(0.5)

    def play(self, meanwhile: Callable[[], None] = lambda: None) -> ExecutionTrace:
        """One ball; ``meanwhile`` is called in the middle of its flight."""
        self.fly()
        meanwhile()
        # A logger that is active again sends the last trial once more, late on a busy machine.
        new: list[ExecutionTrace] = []

        def reported() -> bool:
            new[:] = [trace for trace in self.traces if stamp_of(trace.header.stamp) >= self.arm.start]
            return bool(new)

        self.graph.spin_until(reported, 'the trial')
        return new[-1]

    def fly(self) -> None:
        """A ball, until it is in the middle of its flight."""
        self.arm.throw()
        self.graph.spin_until(lambda: self.arm.flown > MIDDLE, 'a ball in the air')

    def read(self, flown: float = MIDDLE) -> None:
        """Waits until so many s of the ball were read: as many are sent at once, and each reader takes one a round."""
        moment = self.arm.start + round(flown * NANOSECONDS)
        self.graph.spin_until(
            lambda: self.sightings and stamp_of(self.sightings[-1].header.stamp) >= moment, 'sightings'
        )

    def stored(self) -> list[tuple[int, str]]:
        with RunStore.open(self.folder) as store:
            return [(trial.number, str(trial.outcome)) for trial in store.trials()]


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


@pytest.fixture
def cell(graph: RosGraph, tmp_path: Path) -> Cell:
    return Cell(graph, tmp_path)


def assert_returned(trace: ExecutionTrace) -> None:
    landing = landing_of(PLAYED)
    assert landing is not None
    assert trace.outcome == ExecutionTrace.LANDED, trace.note
    assert (trace.landing_point.x, trace.landing_point.y) == pytest.approx((landing.x, landing.y), abs=0.03)


def test_ball_that_the_arm_returns_is_judged(cell: Cell) -> None:
    trace = cell.play()
    assert_returned(trace)
    assert stamp_of(trace.header.stamp) == cell.arm.start
    assert len(trace.joint_time) > 20
    assert set(trace.applied_velocity) == {0.2}


def test_ball_past_an_arm_that_is_disarmed_all_the_time_is_aborted(cell: Cell) -> None:
    cell.arm.say(ControllerStatus.DISARMED)
    cell.graph.spin_rounds()
    trace = cell.play()
    assert trace.outcome == ExecutionTrace.ABORTED
    assert trace.note == 'the arm was disarmed when this ball came: arm it by controller/arm'
    cell.arm.say(ControllerStatus.READY)
    cell.graph.spin_rounds()
    assert_returned(cell.play())


@pytest.mark.parametrize(
    ('state', 'fault', 'note'),
    [
        ('fault', 'no joint states for 0.1 s', 'the arm was stopped: no joint states for 0.1 s'),
        ('estop', 'a person stopped the arm', 'the arm was stopped: a person stopped the arm'),
        ('disarmed', '', 'the arm was disarmed while this ball was in play'),
    ],
)
def test_arm_that_is_stopped_in_the_middle_of_a_ball_aborts_this_trial_only(
    cell: Cell, state: str, fault: str, note: str
) -> None:
    trace = cell.play(partial(cell.arm.say, state, fault))
    assert (trace.outcome, trace.note) == (ExecutionTrace.ABORTED, note)
    assert trace.ball_time[-1] > 1.0  # what was seen of it afterwards is kept, too
    cell.arm.say(ControllerStatus.READY)
    cell.graph.spin_rounds()
    assert_returned(cell.play())
    assert cell.stored() == [(1, 'aborted'), (2, 'landed')]


def test_controller_that_stops_commanding_aborts_the_trial(cell: Cell) -> None:
    trace = cell.play(partial(setattr, cell.arm, 'commanding', False))
    assert trace.outcome == ExecutionTrace.ABORTED
    assert trace.note.startswith('the controller had sent no commands for ')
    # Nor is the next ball played, of which it has sent no command at all.
    assert cell.play().outcome == ExecutionTrace.ABORTED
    cell.arm.commanding = True
    cell.graph.spin_for(0.1)
    assert_returned(cell.play())


def test_joint_states_that_stop_abort_the_trial(cell: Cell) -> None:
    trace = cell.play(partial(setattr, cell.arm, 'connected', False))
    assert trace.outcome == ExecutionTrace.ABORTED
    assert trace.note == 'the joint states stopped while this ball was in play'


def test_trial_has_the_parameters_that_were_in_use_while_its_ball_flew(cell: Cell) -> None:
    offers = cell.graph.publisher(ParametersMessage, 'policy_parameters', LATCHED)
    for version in (3, 4):
        offers.publish(parameters_message(Modulation(version=version), 0))
        cell.graph.spin_rounds()  # of two that wait only the newest is read
    cell.arm.version = 3
    before = len(cell.traces)
    cell.fly()
    cell.graph.spin_until(lambda: cell.arm.flown == END, 'the last sighting')
    cell.graph.spin_rounds()
    cell.arm.version = 4  # before the trial is closed
    cell.graph.spin_until(lambda: len(cell.traces) > before, 'the trial')
    assert cell.traces[-1].parameters_version == 3
    assert cell.play().parameters_version == 4


def test_deactivated_in_the_middle_of_a_ball_it_keeps_what_it_saw_and_records_nothing_more(
    cell: Cell,
) -> None:
    cell.fly()
    cell.read()
    assert cell.logger.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert cell.stored() == [(1, 'aborted')]
    cell.graph.spin_until(lambda: cell.traces, 'the trial')
    assert cell.traces[0].note == 'the trace logger was deactivated while this ball was in play'
    assert MIDDLE - 0.1 < cell.traces[0].ball_time[-1] < MIDDLE + 0.3
    cell.arm.throw()
    cell.graph.spin_for(2.0)
    cell.read(END)
    cell.graph.spin_rounds()
    assert cell.stored() == [(1, 'aborted')]
    assert cell.logger.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert_returned(cell.play())
    assert cell.stored() == [(1, 'aborted'), (2, 'landed')]


def test_rest_of_a_ball_is_no_ball(cell: Cell) -> None:
    assert cell.logger.trigger_deactivate() == TransitionCallbackReturn.SUCCESS

    def begin() -> None:
        cell.read()
        cell.logger.trigger_activate()

    trace = cell.play(begin)
    assert trace.outcome == ExecutionTrace.ABORTED
    assert trace.note == 'recording began in the middle of this ball'
    assert_returned(cell.play())


def test_it_gives_signs_of_life_only_while_it_stores_trials(cell: Cell) -> None:
    received = cell.graph.collect(DiagnosticArray, '/diagnostics')

    def signs() -> int:
        return sum(f'{cell.graph.namespace}/trace_logger' in nodes_heard(array) for array in received)

    cell.graph.spin_until(lambda: signs() >= 2, 'signs of life')
    cell.logger.trigger_deactivate()
    cell.graph.spin_until_quiet(received, 'signs of life')
    before = signs()
    cell.graph.spin_for(2.5)
    assert signs() == before
    cell.logger.trigger_activate()
    cell.graph.spin_until(lambda: signs() > before, 'signs of life')


def test_without_autostart_it_waits_for_its_manager_and_may_go_through_its_life_again(
    graph: RosGraph, tmp_path: Path
) -> None:
    cell = Cell(graph, tmp_path / 'run', autostart=False)
    assert not (tmp_path / 'run').exists()
    for _ in range(2):
        for change in (cell.logger.trigger_configure, cell.logger.trigger_activate):
            assert change() == TransitionCallbackReturn.SUCCESS
        cell.graph.spin_for(0.5)
        assert_returned(cell.play())
        for change in (cell.logger.trigger_deactivate, cell.logger.trigger_cleanup):
            assert change() == TransitionCallbackReturn.SUCCESS
    assert cell.stored() == [(1, 'landed'), (2, 'landed')]


def test_folder_that_cannot_be_used_leaves_it_unconfigured(graph: RosGraph, tmp_path: Path) -> None:
    with RunStore.create(tmp_path, {}) as store:
        store.add_trial(PLAYED)
    settings = TraceLoggerSettings(output_folder=str(tmp_path), lockstep=False)
    with pytest.raises(StoreError, match='already holds trials'):
        graph.add(TraceLoggerNode, settings)
    cell = Cell(graph, tmp_path, autostart=False)
    assert cell.logger.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert cell.stored() == [(1, 'landed')]


def test_ended_in_the_middle_of_a_ball_it_keeps_what_it_saw(graph: RosGraph, tmp_path: Path) -> None:
    command = node_command('trace_logger', graph.namespace, output_folder=tmp_path / 'run', lockstep=False)
    arm = graph.join(Arm(graph))
    traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    with process(command, tmp_path) as started:
        end = time.monotonic() + TIMEOUT
        while not traces:  # who has reported a ball has found all that tell of it, which can take seconds
            assert time.monotonic() < end, 'no ball was reported'
            arm.throw()
            graph.holds(lambda: traces, 6.0)
        arm.throw()
        graph.spin_until(lambda: arm.flown > LATE, 'a ball in the air')
        started.interrupt()
        assert started.end() == 0
    with RunStore.open(tmp_path / 'run') as store:
        trial = store.trials()[-1]
        assert trial.note == 'the trace logger was ended while this ball was in play'
        # Of what was sent last some is still to be read.
        assert store.samples(trial.number).ball_time[-1] > MIDDLE - 0.2
