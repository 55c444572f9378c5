"""The nodes as on the physical arm: by the clock, with a driver's topics and joint names, disarmed at the start."""

import math
import re
import tempfile
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_time import EmptyTimer

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from arm_operator import ArmOperator
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PointStamped, Vector3Stamped
from numpy.typing import NDArray
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from ros_graph import TIMEOUT, Process, RosGraph, node_command, process
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, JointVelocityCommand, PolicyParameters
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.messages import (
    ball_message,
    doubles,
    header_of,
    parameters_message,
    spin_message,
    stamp_of,
)
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.srv import Operate
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.stroke import StrokeConfig
from llm_policy_improver.table_tennis.guard.handover import HandoverSettings
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoopSettings
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation, SpinObservation
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

pytestmark = pytest.mark.real_time
HARDWARE = share_folder() / 'config' / 'hardware.yaml'
FILES = ('--params-file', str(HARDWARE), '--params-file', str(HARDWARE.with_name('safety.yaml')))
NAMES = tuple(f'vendor_{name}' for name in ('y', 'x', 'j1', 'j2', 'j3', 'j4', 'j5', 'j6'))
PUBLISHED_ORDER = (7, 3, 0, 5, 1, 6, 2, 4)
RETURNED = {ExecutionTrace.LANDED, ExecutionTrace.OUT, ExecutionTrace.NET, ExecutionTrace.OWN_SIDE}
OF_KEYS = Path(tempfile.mkdtemp())
KEYS = SecuritySettings(str(OF_KEYS / 'run.key'), str(OF_KEYS / 'operator.key'))
STOPPED = (ControllerStatus.FAULT, ControllerStatus.ESTOP)
PATIENT: dict[str, Any] = {'joints_stale': 0.5, 'frozen_time': 0.8, 'missed_ticks': 25}
"""Of the watchdog: a busy machine, on which everything here shares one process, is no fault of the arm."""

UNATTENDED: dict[str, Any] = {
    'rehearse': False, 'approval': ApprovalConfig(required=False), 'security': KEYS, 'method': 'least_squares',
}  # fmt: skip
"""Of the optimizer: what it proposes goes straight to the controller, which is what is tested here; at once, without a
prior that is simulated first."""


class Driver(Node):
    """Stands in for the drivers of arm and cameras: MuJoCo in real time, with the vendor's names in another order.

    Attributes:
        connected: whether it reports the joints.
        apart: whether the slides are in messages of their own, half as often.
        gantry, arm: all velocity commands received.
        sent: ns, when each of those to the arm was sent.
        heeds: ns, since when commands must have been sent for the drives to follow them.
        missed: how often a command was received that does not follow on the one before.
    """

    def __init__(self, controller: ControllerSettings, graph: RosGraph) -> None:
        super().__init__('driver', namespace=graph.namespace, context=graph.context)
        self._simulator = Simulator(SimulationConfig(control_period=0.008))
        self._simulator.launch(0)
        self._in_play = False
        self._start = self._now() - self._simulator.stamp
        self._velocity = np.zeros(8)
        self.connected, self.apart = True, False
        self._cycles = 0
        self._late: deque[float] = deque(maxlen=500)
        self.gantry: list[list[float]] = []
        self.arm: list[list[float]] = []
        self.sent: list[int] = []
        self.heeds = 0
        self.missed = 0
        self._numbers = {'gantry': 0, 'arm': 0}
        self._states = self.create_publisher(
            JointState, controller.joint_state_topic, qos_profile_sensor_data
        )
        self._balls = self.create_publisher(PointStamped, controller.ball_topic, qos_profile_sensor_data)
        # Drives miss no command, where a test may have to wait for its turn.
        self._commands = [
            self.create_subscription(Float64MultiArray, topic, callback, 1000)  # type: ignore[arg-type]
            for topic, callback in (
                (controller.gantry_command_topic, self._on_gantry),
                (controller.arm_command_topic, self._on_arm),
            )
        ]
        self.create_timer(0.008, self._on_time)

    def throw(self) -> None:
        """A new ball; the arm is put back into its ready pose."""
        self._simulator.launch(0)
        self._start = self._now()
        self._in_play = True

    def push(self, by: float) -> None:
        """Somebody moves all joints by hand, m and rad."""
        self._simulator.data.qpos[:8] += by
        self._simulator.data.act[:] += by

    def command(self, velocity: NDArray[np.float64]) -> None:
        """As if a controller that is gone had sent this (8,) last."""
        self._velocity[:] = velocity

    @property
    def position(self) -> NDArray[np.float64]:
        """(8,) m and rad, in the package's order."""
        return self._simulator.data.qpos[:8].copy()

    @property
    def speed(self) -> float:
        """Of the fastest joint, m/s or rad/s."""
        return float(np.abs(self._simulator.data.qvel[:8]).max())

    @property
    def late(self) -> float:
        """s by which it was behind the clock in the last seconds, at most."""
        return max(self._late, default=0.0)

    @property
    def in_play(self) -> bool:
        """Whether the cameras see a ball."""
        return self._in_play

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _count(self, group: str, info: dict[str, Any]) -> None:
        """Each publisher numbers its messages, from one on."""
        number = info.get('publication_sequence_number')
        if number is not None:  # not every middleware tells it
            self.missed += number not in (1, self._numbers[group] + 1)
            self._numbers[group] = number

    def _on_gantry(self, message: Float64MultiArray, info: dict[str, Any]) -> None:
        if info['source_timestamp'] < self.heeds:
            return
        self._count('gantry', info)
        self.gantry.append(list(message.data))
        self._velocity[:2] = message.data

    def _on_arm(self, message: Float64MultiArray, info: dict[str, Any]) -> None:
        if info['source_timestamp'] < self.heeds:
            return
        self._count('arm', info)
        self.sent.append(info['source_timestamp'])
        self.arm.append(list(message.data))
        self._velocity[2:] = message.data

    def _read(self) -> None:
        """All commands that wait: the executor takes one in a round, and on a busy machine more come meanwhile."""
        for subscription in self._commands:
            with subscription.handle:
                while (taken := subscription.handle.take_message(Float64MultiArray, False)) is not None:
                    subscription.callback(*taken)

    def _on_time(self) -> None:
        """Catch up with the clock, so that a late timer slows nothing down."""
        self._read()
        self._late.append((self._now() - self._start - self._simulator.stamp) / NANOSECONDS)
        while self._start + self._simulator.stamp < self._now():
            self._simulator.step(self._velocity)
            arm_now, sightings = self._simulator.observe()
            self._in_play = self._in_play and not self._simulator.finished
            for sighting in sightings if self._in_play else ():
                self._balls.publish(
                    ball_message(BallObservation(self._start + sighting.stamp, sighting.position))
                )
            self._cycles += 1
            groups = [list(PUBLISHED_ORDER)]
            if self.apart:
                groups = [[7, 3, 5, 6, 2, 4], [1, 0]][: 1 + self._cycles % 2]
            for rows in groups if self.connected else ():
                self._states.publish(
                    JointState(
                        header=header_of(self._start + arm_now.stamp),
                        name=[NAMES[row] for row in rows],
                        position=doubles(arm_now.position[rows]),
                        velocity=doubles(arm_now.velocity[rows]),
                    )
                )


def more_than(received: list[Any], count: int) -> bool:
    return len(received) > count


def ended(started: Process) -> bool:
    return not started.running


def undelayed(**changed: Any) -> ControllerSettings:
    """The settings for hardware, for this driver, which is on time."""
    settings = read_settings(HARDWARE, ControllerSettings, 'controller')
    controller = replace(settings.controller, latency=LatencyModel(), stroke=StrokeConfig())
    patient = replace(settings, watchdog=replace(settings.watchdog, **PATIENT))
    return replace(
        patient, driver_joint_names=NAMES, controller=controller, security=KEYS, drives_proof='', **changed
    )


def judge(driver: Driver, what: str) -> None:
    """Fails, as something took too long; where this driver itself is late, nothing can be told of the controller."""
    if driver.late > 0.1:
        pytest.skip(f"the machine is too busy: the test's own driver is {driver.late:.2f} s late")
    pytest.fail(what)


def make_ready(graph: RosGraph, driver: Driver, operator: ArmOperator) -> None:
    """Asks until the controller is armed, as a person would: after a fault it is resumed first."""
    states = operator.states
    end = time.monotonic() + TIMEOUT
    while states[-1].state != ControllerStatus.READY:
        if time.monotonic() > end:
            judge(driver, states[-1].message)
        if states[-1].state in STOPPED:
            operator.resume(again=3.0)
        else:
            operator.arm(again=3.0)
        graph.spin_for(0.1)


def swing(graph: RosGraph, driver: Driver, operator: ArmOperator) -> None:
    """Throws balls until the arm moves fast; a busy machine may be too late for some."""
    end = time.monotonic() + TIMEOUT
    while driver.speed < 1.0:
        if time.monotonic() > end:
            judge(driver, f'the arm does not move: {operator.states[-1]}')
        make_ready(graph, driver, operator)
        driver.throw()
        graph.spin_until(lambda: driver.speed > 1.0 or not driver.in_play, 'the end of a ball')


class Cell:
    """Controller, trace logger and driver."""

    def __init__(self, graph: RosGraph, folder: Path) -> None:
        self.graph = graph
        logger = read_settings(HARDWARE, TraceLoggerSettings, 'trace_logger')
        self.controller = graph.add(ControllerNode, undelayed())
        graph.add(TraceLoggerNode, replace(logger, output_folder=str(folder), driver_joint_names=NAMES, security=KEYS))
        self.operator = ArmOperator(graph, KEYS)
        self.states = self.operator.states
        self.commands = graph.collect(JointVelocityCommand, 'joint_velocity_command', RELIABLE)
        self.traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
        self.driver = graph.join(Driver(undelayed(), graph))
        graph.spin_until(
            lambda: len(self.driver.arm) > 5 and self.commands and self.states, 'commands to the arm'
        )

    @property
    def state(self) -> str:
        return str(self.states[-1].state)

    def disarm(self) -> Trigger.Response:
        return self.graph.call(Trigger, 'controller/disarm', Trigger.Request())

    def resume(self) -> Operate.Response:
        return self.operator.resume()

    def until_done(self, ask: Callable[[], Any], what: str) -> Any:
        """Asks until everything has been in order for long enough."""
        end = time.monotonic() + TIMEOUT
        while not (answer := ask()).success:
            assert time.monotonic() < end, f'{what}: {answer.message}'
            self.graph.spin_for(0.1)
        return answer

    def arm(self) -> None:
        answer = self.until_done(self.operator.arm, 'an armed arm')
        assert answer.message == 'armed by Ada: the arm goes to its ready pose now, and moves when a ball comes'

    def swing(self) -> None:
        swing(self.graph, self.driver, self.operator)

    def while_armed(self, condition: Callable[[], Any], what: str) -> None:
        """Waits for it; where a busy machine has stopped the arm meanwhile, it is armed again."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                judge(self.driver, f'{what}: {self.states[-1]}')
            make_ready(self.graph, self.driver, self.operator)
            self.graph.spin_until(lambda: condition() or self.state in STOPPED, what)

    def stop(self, provoke: Callable[[], None], why: str, undo: Callable[[], None] = lambda: None) -> None:
        """Has the watchdog stop a swing; on a busy machine it may do so for another reason first: then once more."""
        for _ in range(5):
            undo()
            make_ready(self.graph, self.driver, self.operator)  # the arm stands by then
            self.swing()
            provoke()
            self.graph.spin_until(lambda: self.state == ControllerStatus.FAULT, 'a fault')
            if re.match(why, self.states[-1].fault):
                return
        pytest.fail(f'stopped each time, but not as {why}: {self.states[-1].fault}')

    def stands(self) -> bool:
        """Whether standstill has been commanded for a while."""
        return not np.any(self.driver.arm[-10:]) and not np.any(self.driver.gantry[-10:])

    def play(self) -> ExecutionTrace:
        """Throws one ball and waits for its trial."""
        before = len(self.traces)
        self.driver.throw()
        self.graph.spin_until(lambda: len(self.traces) > before, 'the trial')
        return self.traces[-1]


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with RosGraph() as graph:
        yield Cell(graph, tmp_path)


def test_disarmed_arm_stands_still_while_a_ball_comes(cell: Cell, tmp_path: Path) -> None:
    trace = cell.play()
    assert trace.outcome == ExecutionTrace.ABORTED
    assert trace.note == 'the arm was disarmed when this ball came: arm it by controller/arm'
    assert {value for row in cell.driver.gantry + cell.driver.arm for value in row} == {0.0}
    assert {len(row) for row in cell.driver.gantry} == {2}
    assert {len(row) for row in cell.driver.arm} == {6}
    assert {state.state for state in cell.states} == {ControllerStatus.DISARMED}
    assert np.abs(cell.driver.position - HOME).max() < 0.01
    with RunStore.open(tmp_path) as store:
        assert [trial.outcome for trial in store.trials()] == ['aborted']


def test_disarmed_arm_stays_where_it_was_pushed_and_goes_home_once_it_is_armed(cell: Cell) -> None:
    cell.driver.push(0.05)
    before = len(cell.driver.arm)
    cell.graph.spin_until(lambda: len(cell.driver.arm) > before + 50, 'further commands')
    assert {value for row in cell.driver.gantry + cell.driver.arm for value in row} == {0.0}
    assert np.abs(cell.driver.position - HOME).max() > 0.04
    cell.arm()
    cell.while_armed(lambda: np.abs(cell.driver.position - HOME).max() < 0.02, 'the ready pose')


def test_armed_arm_returns_the_ball_and_the_trial_is_cut_by_time(cell: Cell, tmp_path: Path) -> None:
    end = time.monotonic() + TIMEOUT
    while not cell.traces or cell.traces[-1].outcome not in RETURNED:
        if time.monotonic() > end:
            judge(cell.driver, f'no ball was returned: {[each.note for each in cell.traces]}')
        make_ready(cell.graph, cell.driver, cell.operator)
        cell.play()
    trace = cell.traces[-1]
    assert trace.ball_time[-1] > 0.8
    assert ControllerStatus.PLAYING in {state.state for state in cell.states}
    position = np.reshape(trace.joint_position, (-1, 8))
    # The vendor's names and order were undone: the first sample is the ready pose, joint by joint.
    assert np.abs(position[0] - HOME).max() < 0.05
    assert np.abs(position - HOME).max() > 0.2
    with RunStore.open(tmp_path) as store:
        assert store.trials()[-1].outcome == trace.outcome
        assert np.array_equal(store.samples(trace.trial).joint_position, position)
    cell.disarm()
    cell.graph.spin_until(cell.stands, 'standstill')


def test_trace_holds_what_was_really_sent(cell: Cell) -> None:
    # The driver misses commands while it waits for a core, as it needs the last one only; here none may be missed.
    commands = cell.graph.collect(Float64MultiArray, undelayed().arm_command_topic, QoSProfile(depth=10_000))
    cell.driver.throw()
    cell.graph.spin_until(lambda: cell.traces, 'the trial of a disarmed arm')
    assert set(cell.traces[0].applied_velocity) == {0.0}
    end = time.monotonic() + TIMEOUT
    near = False
    while not near:
        cell.swing()
        before = len(cell.traces)
        cell.graph.spin_until(partial(more_than, cell.traces, before), 'the trial of an armed arm')
        applied = np.vstack([np.reshape(trace.applied_velocity, (-1, 8)) for trace in cell.traces])
        known = len(commands)
        cell.graph.spin_until(partial(more_than, commands, known + 500), 'the commands of that time')
        sent = np.abs(np.array([command.data for command in commands])).max(axis=0)
        # Means over a control period, of velocities that were sent: near the peaks and not above.
        assert (np.abs(applied[:, 2:]).max(axis=0) <= 1.05 * sent + 0.01).all()
        # Where ticks come late, they are means over a longer time, and of a swing that was stopped there is no trial.
        near = bool((np.abs(applied[:, 2:]).max(axis=0) >= 0.5 * sent).all())
        if not near and time.monotonic() > end:
            judge(cell.driver, f'sent were up to {sent}, and told {np.abs(applied[:, 2:]).max(axis=0)}')


def test_stale_joint_states_stop_the_arm_until_a_person_resumes(cell: Cell) -> None:
    # Whichever notices first.
    noticed = r'no joint states for \d\.\d+ s|the joints are not where they were sent|.* shows no motion'
    connect = partial(setattr, cell.driver, 'connected')
    cell.stop(partial(connect, False), noticed, partial(connect, True))
    cell.graph.spin_until(cell.stands, 'standstill')
    refused = cell.resume()
    assert not refused.success
    assert refused.message.startswith('not resumed: ')
    cell.driver.connected = True
    stopped = len(cell.driver.arm)
    cell.driver.throw()
    cell.graph.spin_until(lambda: not cell.driver.in_play, 'the end of the ball')
    assert cell.state == ControllerStatus.FAULT  # nothing resumes by itself
    assert not np.any(cell.driver.arm[stopped:])
    assert re.match('not armed: a fault is latched', cell.operator.arm().message)
    answer = cell.until_done(cell.resume, 'a resumed controller')
    assert answer.message == 'resumed by Ada: disarmed, to be armed again'
    cell.graph.spin_until(lambda: cell.state == ControllerStatus.DISARMED, 'a disarmed controller')
    assert cell.states[-1].fault == ''
    cell.driver.throw()
    cell.graph.spin_until(lambda: not cell.driver.in_play, 'the end of the ball')
    assert not np.any(cell.driver.arm[stopped:])
    cell.arm()
    cell.while_armed(lambda: cell.state == ControllerStatus.READY, 'an armed controller')


def test_emergency_stop_brakes_the_arm_and_latches(cell: Cell) -> None:
    cell.swing()
    answer = cell.graph.call(Trigger, 'controller/emergency_stop', Trigger.Request())
    assert (answer.success, answer.message[:15]) == (True, 'emergency stop:')
    cell.graph.spin_until(cell.stands, 'standstill')
    cell.graph.spin_until(lambda: cell.state == ControllerStatus.ESTOP, 'the state')
    assert cell.states[-1].fault.startswith('a person stopped the arm')
    assert not cell.operator.arm().success
    assert cell.until_done(cell.resume, 'a resumed controller')
    cell.graph.spin_until(lambda: cell.state == ControllerStatus.DISARMED, 'a disarmed controller')


def at_rest(driver: Driver) -> bool:
    """Whether the drives were told to stand still at last."""
    return not any([*driver.arm[-1], *driver.gantry[-1]])


@contextmanager
def swinging(folder: Path) -> Iterator[tuple[RosGraph, Driver, Process]]:
    """An arm in mid-swing, and the process of its controller."""
    with RosGraph() as graph:
        operator = ArmOperator(graph, KEYS)
        driver = graph.join(Driver(undelayed(), graph))
        with process(controller_command(graph), folder) as started:
            graph.spin_until(lambda: operator.states and driver.arm, 'the controller')
            swing(graph, driver, operator)
            yield graph, driver, started


def test_arm_is_left_standing_by_a_controller_that_is_interrupted_in_mid_swing(tmp_path: Path) -> None:
    limits = undelayed().safety
    for _ in range(3):
        with swinging(tmp_path) as (graph, driver, started):
            driver.missed = 0
            started.interrupt()
            graph.spin_until(partial(ended, started), 'its end')
            assert started.end() == 0
            graph.spin_until(partial(at_rest, driver), 'its last commands')
            last = np.array(driver.arm[-60:])
            # On a busy machine the swing may have been over by then, or commands were lost on their way.
            if np.any(last) and not driver.missed:
                steps = np.abs(np.diff(last, axis=0))
                assert (steps <= np.array(limits.acceleration)[2:] * limits.longest_tick + 1e-9).all()
                return
    judge(driver, 'interrupted each time in no swing')


def started_anew(graph: RosGraph, driver: Driver, folder: Path) -> tuple[list[Any], NDArray[np.float64], str]:
    """A controller's process, as a launch file starts it again: its states, what it sent, (n, 8), and its log."""
    states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    driver.heeds = time.time_ns()  # on a busy machine the last ones of a killed controller may still come
    driver.gantry.clear()
    driver.arm.clear()
    driver.sent.clear()
    driver.missed = 0
    with process(controller_command(graph), folder) as started:
        graph.spin_until(lambda: len(driver.arm) > 200 and len(driver.gantry) > 200, 'commands')
        graph.spin_until(lambda: states, 'a status')
        log = started.err
    count = min(len(driver.gantry), len(driver.arm))
    return states, np.hstack([driver.gantry[:count], driver.arm[:count]]), log


def controller_command(graph: RosGraph) -> list[str]:
    command = [*node_command('controller', graph.namespace), *FILES]
    given: dict[str, Any] = {'driver_joint_names': f'[{", ".join(NAMES)}]'}
    given |= {f'watchdog.{name}': value for name, value in PATIENT.items()}
    given |= {'security.key_file': KEYS.key_file, 'security.operator_file': KEYS.operator_file}
    given |= {'drives_proof': "''"}  # as the driver of this test is none that brakes
    return [*command, *(part for name, value in given.items() for part in ('-p', f'{name}:={value}'))]


def assert_slowed_down(sent: NDArray[np.float64], velocity: NDArray[np.float64]) -> None:
    """From this velocity (8,) within the limits to rest, and then zeros."""
    limits = undelayed().safety
    assert (np.abs(sent[0] - velocity) <= np.array(limits.jerk) * 0.004**2 + 0.05).all()
    steps = np.diff(np.vstack([sent[0], sent]), axis=0)
    # A late cycle may make up for so much time, and no more.
    assert (np.abs(steps) <= np.array(limits.acceleration) * limits.longest_tick + 1e-9).all()
    assert not np.any(sent[60:])


@pytest.mark.parametrize('apart', [False, True], ids=['one message', 'slides apart'])
def test_controller_that_is_started_while_the_arm_moves_slows_it_down(
    tmp_path: Path, apart: bool, timer: EmptyTimer
) -> None:
    # No joint comes to its end within 25 s, in which a busy machine, too, has started the controller.
    velocity = np.array([-0.05, -0.05, 0.15, 0.02, 0.03, -0.1, -0.04, 0.05])
    for _ in range(3):
        with RosGraph() as graph:
            driver = graph.join(Driver(undelayed(), graph))
            driver.apart = apart
            driver.command(velocity)
            states, sent, log = started_anew(graph, driver, tmp_path)
            if driver.missed or 'the arm was found unseen' in log:
                continue  # one of two topics was found seconds after the other: what was sent meanwhile is lost
            if np.abs(sent[0]).max() <= 0.05:
                # It reported an arm that stood still for a while.
                judge(driver, f'the first command was {sent[0]}, and the log says: {log}')
            assert_slowed_down(sent, velocity)
            graph.spin_until(partial(slower, driver, 0.01), 'a resting arm')
            assert {state.state for state in states} == {ControllerStatus.DISARMED}
            return
    timer.judge(f'each time commands did not reach the drives, or no joint states the controller: {log}')


def moved(driver: Driver, since: NDArray[np.float64]) -> bool:
    return bool(np.abs(driver.position - since).max() > 0.01)


def slower(driver: Driver, than: float) -> bool:
    return driver.speed < than


def test_arm_runs_on_when_the_controller_is_killed_in_mid_swing_until_it_is_started_again(
    tmp_path: Path, timer: EmptyTimer
) -> None:
    for _ in range(3):
        with swinging(tmp_path) as (graph, driver, started):
            started.kill()
            before = driver.position
            graph.spin_until_quiet(driver.arm, 'commands')
            if np.abs([*driver.gantry[-1], *driver.arm[-1]]).max() < 0.1:
                continue  # on a busy machine the swing may have been over by then
            graph.spin_until(partial(moved, driver, before), 'motion without a controller')
            killed = np.array([*driver.gantry[-1], *driver.arm[-1]])  # this is what the drives go on with
            states, sent, log = started_anew(graph, driver, tmp_path)
            if driver.missed or 'the arm was found unseen' in log:
                continue  # one of two topics was found seconds after the other: what was sent meanwhile is lost
            # Each joint was running on, or stood at its end by then.
            close = np.array(undelayed().safety.jerk) * 0.004**2 + 0.05
            assert ((np.abs(sent[0] - killed) <= close) | (np.abs(sent[0]) <= close)).all()
            assert_slowed_down(sent, sent[0])
            graph.spin_until(partial(slower, driver, 0.5), 'a resting arm')
            assert {state.state for state in states} == {ControllerStatus.DISARMED}
            return
    timer.judge('each time killed in no swing, or its successor was found too late')


def test_arm_is_stopped_while_the_executor_hangs(cell: Cell) -> None:
    hung = 0

    def hang() -> None:
        """Nothing is spun: no control tick runs, but the inner loop has a thread of its own."""
        nonlocal hung
        time.sleep(1.0)
        hung = time.time_ns()

    cell.stop(hang, r'no (control tick|joint states) for \d\.\d+ s')
    sent = cell.driver.sent
    cell.graph.spin_until(lambda: sent[-1] > hung, 'the commands of that time')
    assert not any(cell.driver.arm[bisect_left(sent, hung) - 1])


def test_commands_change_by_no_more_than_the_limits_allow(cell: Cell) -> None:
    cell.swing()
    cell.graph.spin_until(lambda: not cell.driver.in_play, 'the end of the ball')
    if cell.driver.missed:
        judge(cell.driver, f'{cell.driver.missed} times commands did not reach the drives')
    limits = undelayed().safety
    steps = np.abs(np.diff(np.array(cell.driver.arm), axis=0))
    # A late cycle may make up for so much time, and no more.
    assert (steps <= np.array(limits.acceleration)[2:] * limits.longest_tick + 1e-9).all()
    # They are many, and read one after the other: on a busy machine some are still to be read.
    cell.graph.spin_until(
        lambda: len(cell.driver.arm) > 1.5 * len(cell.commands),
        'several commands to the drives for each of the controller',
    )


def test_diagnostics_say_how_the_controller_is(cell: Cell) -> None:
    received = cell.graph.collect(DiagnosticArray, '/diagnostics')
    name = f'{cell.graph.namespace}/controller: arm'

    def mine() -> list[DiagnosticStatus]:
        return [status for array in received for status in array.status if status.name == name]

    def told(key: str) -> float:
        return next(float(pair.value) for pair in mine()[-1].values if pair.key == key)

    def ready() -> bool:
        """Said while this process did not just stand still."""
        return bool(mine()) and mine()[-1].message == 'ready' and told('joint state age [s]') < 0.1

    for _ in range(5):  # on a busy machine another fault may stop the arm just before
        cell.driver.connected = True
        cell.while_armed(ready, 'diagnostics of an armed arm')
        assert mine()[-1].level == DiagnosticStatus.OK
        assert told('control tick jitter p99 [ms]') > 0.0
        cell.driver.connected = False
        cell.graph.spin_until(lambda: mine()[-1].level == DiagnosticStatus.ERROR, 'diagnostics of a fault')
        if mine()[-1].message.startswith('no joint states for '):
            break
    else:
        pytest.fail(f'stopped each time, but not as no joint states came: {mine()[-1].message}')
    count = len(mine())
    cell.graph.spin_until(lambda: len(mine()) > max(count + 1, 5), 'further diagnostics')
    stamps = [stamp_of(array.header.stamp) for array in received if array.status[0].name == name]
    # In the mean: one that comes late is followed by one that comes early.
    assert np.diff(stamps).mean() == pytest.approx(NANOSECONDS, rel=0.2)


def test_spins_that_cannot_be_are_dropped_and_told_and_stop_nothing(cell: Cell) -> None:
    received = cell.graph.collect(DiagnosticArray, '/diagnostics')
    name = f'{cell.graph.namespace}/controller: arm'
    spins = cell.graph.publisher(Vector3Stamped, undelayed().spin_topic)

    def dropped() -> int:
        mine = [status for array in received for status in array.status if status.name == name]
        told = [int(pair.value) for status in mine[-1:] for pair in status.values if pair.key == 'spins dropped']
        return told[0] if told else 0

    cell.arm()
    now = cell.graph.probe.get_clock().now().nanoseconds
    for stamp, spin in ((now, (1e6, 0.0, 0.0)), (now - 60 * NANOSECONDS, (1.0, 0.0, 0.0)), (now, (math.nan,) * 3)):
        spins.publish(spin_message(SpinObservation(stamp, spin)))
    cell.graph.spin_until(lambda: dropped() == 3, 'spins that are dropped')
    assert cell.state == ControllerStatus.READY


def test_peer_that_falls_silent_stops_the_arm(tmp_path: Path) -> None:
    with RosGraph() as graph:
        settings = undelayed()
        graph.add(ControllerNode, replace(settings, watchdog=replace(settings.watchdog, silent=0.5)))
        operator = ArmOperator(graph, KEYS)
        states = operator.states
        driver = graph.join(Driver(settings, graph))
        publisher = graph.publisher(DiagnosticArray, '/diagnostics')
        alive = DiagnosticArray(status=[DiagnosticStatus(name=f'{graph.namespace}/trace_logger: storing')])
        living = graph.probe.create_timer(0.05, lambda: publisher.publish(alive))
        graph.spin_until(lambda: states, 'a status')
        for _ in range(5):  # on a busy machine another fault may stop the arm just before
            living.reset()
            make_ready(graph, driver, operator)
            living.cancel()
            graph.spin_until(lambda: states[-1].state == ControllerStatus.FAULT, 'a fault')
            if re.match(r'no sign of life of trace_logger for \d\.\d s', states[-1].fault):
                return
        pytest.fail(f'stopped each time, but not as a peer is silent: {states[-1].fault}')


def test_joint_states_without_some_of_the_joints_move_nothing() -> None:
    with RosGraph() as graph:
        # The package's own names: the driver has others.
        settings = read_settings(HARDWARE, ControllerSettings, 'controller')
        graph.add(ControllerNode, replace(settings, security=KEYS, drives_proof=''))
        driver = graph.join(Driver(undelayed(), graph))
        graph.spin_until(lambda: len(driver.arm) > 5, 'commands')
        answer = ArmOperator(graph, KEYS).arm()
        assert not answer.success
        assert answer.message.startswith('not armed: no joint states came')
        driver.throw()
        graph.spin_until(lambda: not driver.in_play, 'the end of the ball')
        assert {value for row in driver.gantry + driver.arm for value in row} == {0.0}


def commanded_since(driver: Driver, before: int) -> bool:
    return len(driver.arm) > before


def test_managed_controller_sends_commands_only_while_it_is_active() -> None:
    with RosGraph() as graph:
        node = graph.add(ControllerNode, undelayed(autostart=False))
        driver = graph.join(Driver(undelayed(), graph))
        graph.spin_for(0.5)
        assert not driver.arm
        for change, moving in (
            (node.trigger_configure, False),
            (node.trigger_activate, True),
            (node.trigger_deactivate, False),
            (node.trigger_activate, True),
            (node.trigger_deactivate, False),
            (node.trigger_cleanup, False),
        ):
            before = len(driver.arm)
            assert change() == TransitionCallbackReturn.SUCCESS
            if moving:
                graph.spin_until(partial(commanded_since, driver, before), 'commands')
            else:
                graph.spin_until_quiet(driver.arm, 'commands')


@pytest.mark.parametrize(
    ('beyond', 'allowed', 'why'),
    [
        (
            {'residual': (*[0.0] * 7, 0.5)},
            {'residual': (*[0.0] * 7, 0.4)},
            'residual of axis_6 must be within +-0.4, safety.residual of this arm; got 0.5',
        ),
        (
            {'attenuation': (-50.0, *[1.0] * 7)},
            {'attenuation': (0.6, *[1.4] * 7)},
            'attenuation of slide_y must be from 0.6 to 1.4, safety.attenuation_low and safety.attenuation_high of '
            'this arm; got -50',
        ),
    ],
)
def test_what_is_beyond_the_safety_file_is_refused_on_the_arm(
    beyond: dict[str, Any], allowed: dict[str, Any], why: str
) -> None:
    with RosGraph() as graph:
        graph.add(ControllerNode, undelayed())
        states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
        graph.spin_until(lambda: states, 'a status')
        offers = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED)
        seals = Seals(graph.probe, KEYS)

        def offer(version: int, **numbers: Any) -> None:
            asked = Modulation(version=version, **numbers)
            offers.publish(seals.sealed(parameters_message(asked, 0, 'a run', states[-1].start)))

        offer(1, **beyond)
        graph.spin_until(lambda: 'refused' in states[-1].message, 'a refusal')
        assert states[-1].message == f'parameters version 1 refused: {why}'
        offer(2, **allowed)
        graph.spin_until(lambda: 'version 2' in states[-1].message, 'what is allowed')
        assert states[-1].message.endswith('accepted')


def test_optimizer_improves_with_balls_that_somebody_throws(cell: Cell) -> None:
    settings = read_settings(HARDWARE, OptimizerSettings, 'optimizer')
    cell.graph.add(OptimizerNode, replace(settings, first_trials=2, **UNATTENDED))
    run = cell.graph.improve('as far right as possible', trials=2)
    cell.graph.spin_until(lambda: 'version 1 ' in cell.states[-1].message, 'the first parameters')
    assert cell.states[-1].state == ControllerStatus.DISARMED
    cell.graph.spin_until(lambda: cell.states[-1].active_version == 1, 'the first parameters in use')
    played: set[int] = set()
    while not run.over:
        make_ready(cell.graph, cell.driver, cell.operator)
        trace = cell.play()
        played.add(trace.parameters_version)
        if trace.outcome != ExecutionTrace.ABORTED:  # one in which the arm was stopped is played again
            cell.graph.spin_until(
                lambda: run.over or cell.states[-1].active_version > max(played), 'what comes next'
            )
    assert played == {1, 2}
    _, result = run.result()
    assert result.trials == 2


def test_run_that_waits_for_a_thrown_ball_can_be_cancelled(cell: Cell) -> None:
    settings = read_settings(HARDWARE, OptimizerSettings, 'optimizer')
    cell.graph.add(OptimizerNode, replace(settings, first_trials=2, **UNATTENDED))
    cell.arm()
    run = cell.graph.improve('as far right as possible', trials=2)
    cell.graph.spin_until(lambda: cell.states[-1].active_version == 1, 'the first parameters')
    run.cancel()
    assert run.result()[1].trials == 0


def test_settings_for_hardware_go_by_the_clock_and_name_the_drives() -> None:
    controller = read_settings(HARDWARE, ControllerSettings, 'controller')
    assert not controller.lockstep
    assert controller.gantry_command_topic
    assert controller.arm_command_topic
    assert controller.watchdog == WatchdogSettings()
    assert controller.inner_loop == InnerLoopSettings()
    assert controller.handover == HandoverSettings()
    assert not read_settings(HARDWARE, TraceLoggerSettings, 'trace_logger').lockstep
    assert not read_settings(HARDWARE, OptimizerSettings, 'optimizer').feed_balls


def test_node_in_a_namespace_takes_the_settings_for_hardware(tmp_path: Path) -> None:
    with RosGraph() as graph:
        states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
        command = [*node_command('controller', graph.namespace), *FILES]
        with process(command, tmp_path):
            graph.spin_until(lambda: states, 'the controller')
            assert states[0].state == ControllerStatus.DISARMED
