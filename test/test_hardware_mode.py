"""The nodes as on the physical arm: by the clock, with a driver's topics and joint names, disarmed at the start."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from geometry_msgs.msg import PointStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from ros_graph import RosGraph, node_command, process
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool

from llm_policy_improver.arm import HOME
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, JointVelocityCommand
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.messages import ball_message, doubles, header_of
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.observation import NANOSECONDS, BallObservation
from llm_policy_improver.settings import (
    ControllerSettings,
    OptimizerSettings,
    TraceLoggerSettings,
    read_settings,
)
from llm_policy_improver.share import share_folder
from llm_policy_improver.simulation.config import SimulationConfig
from llm_policy_improver.simulation.simulator import Simulator
from llm_policy_improver.tracing.store import RunStore

HARDWARE = share_folder() / 'config' / 'hardware.yaml'
NAMES = tuple(f'vendor_{name}' for name in ('y', 'x', 'j1', 'j2', 'j3', 'j4', 'j5', 'j6'))
PUBLISHED_ORDER = (7, 3, 0, 5, 1, 6, 2, 4)
RETURNED = {ExecutionTrace.LANDED, ExecutionTrace.OUT, ExecutionTrace.NET, ExecutionTrace.OWN_SIDE}
BALLS = 4
"""Thrown at most, as a busy machine may be too slow for one of them."""


class Driver(Node):
    """Stands in for the drivers of arm and cameras: MuJoCo in real time, with the vendor's names in another order.

    Attributes:
        connected: whether it reports the joints.
        gantry, arm: all velocity commands received.
    """

    def __init__(self, controller: ControllerSettings, graph: RosGraph) -> None:
        super().__init__('driver', namespace=graph.namespace, context=graph.context)
        self._simulator = Simulator(SimulationConfig(control_period=0.008))
        self._simulator.launch(0)
        self._in_play = False
        self._start = self._now() - self._simulator.stamp
        self._velocity = np.zeros(8)
        self.connected = True
        self.gantry: list[list[float]] = []
        self.arm: list[list[float]] = []
        self._states = self.create_publisher(
            JointState, controller.joint_state_topic, qos_profile_sensor_data
        )
        self._balls = self.create_publisher(PointStamped, controller.ball_topic, qos_profile_sensor_data)
        self.create_subscription(Float64MultiArray, controller.gantry_command_topic, self._on_gantry, 10)
        self.create_subscription(Float64MultiArray, controller.arm_command_topic, self._on_arm, 10)
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

    @property
    def position(self) -> NDArray[np.float64]:
        """(8,) m and rad, in the package's order."""
        return self._simulator.data.qpos[:8].copy()

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _on_gantry(self, message: Float64MultiArray) -> None:
        self.gantry.append(list(message.data))
        self._velocity[:2] = message.data

    def _on_arm(self, message: Float64MultiArray) -> None:
        self.arm.append(list(message.data))
        self._velocity[2:] = message.data

    def _on_time(self) -> None:
        """Catch up with the clock, so that a late timer slows nothing down."""
        while self._start + self._simulator.stamp < self._now():
            self._simulator.step(self._velocity)
            arm_now, sightings = self._simulator.observe()
            self._in_play = self._in_play and not self._simulator.finished
            for sighting in sightings if self._in_play else ():
                self._balls.publish(
                    ball_message(BallObservation(self._start + sighting.stamp, sighting.position))
                )
            if self.connected:
                rows = list(PUBLISHED_ORDER)
                self._states.publish(
                    JointState(
                        header=header_of(self._start + arm_now.stamp),
                        name=[NAMES[row] for row in rows],
                        position=doubles(arm_now.position[rows]),
                        velocity=doubles(arm_now.velocity[rows]),
                    )
                )


class Cell:
    """Controller, trace logger and driver."""

    def __init__(self, graph: RosGraph, folder: Path) -> None:
        self.graph = graph
        controller = replace(
            read_settings(HARDWARE, ControllerSettings, 'controller'), driver_joint_names=NAMES
        )
        logger = read_settings(HARDWARE, TraceLoggerSettings, 'trace_logger')
        graph.add(ControllerNode, controller)
        graph.add(TraceLoggerNode, replace(logger, output_folder=str(folder), driver_joint_names=NAMES))
        self.states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
        self.commands = graph.collect(JointVelocityCommand, 'joint_velocity_command', RELIABLE)
        self.traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
        self.driver = graph.join(Driver(controller, graph))
        graph.spin_until(lambda: len(self.driver.arm) > 5 and self.commands, 'commands to the arm')

    def arm(self, yes: bool = True) -> None:
        answer = self.graph.call(SetBool, 'controller/enable', SetBool.Request(data=yes))
        assert answer.success
        assert ('armed' if yes else 'disarmed') in answer.message

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
    assert trace.outcome == ExecutionTrace.MISSED
    assert {value for row in cell.driver.gantry + cell.driver.arm for value in row} == {0.0}
    assert {len(row) for row in cell.driver.gantry} == {2}
    assert {len(row) for row in cell.driver.arm} == {6}
    assert {state.state for state in cell.states} == {ControllerStatus.DISARMED}
    assert np.abs(cell.driver.position - HOME).max() < 0.01
    with RunStore.open(tmp_path) as store:
        assert [trial.outcome.value for trial in store.trials()] == ['missed']


def test_disarmed_arm_stays_where_it_was_pushed_and_goes_home_once_it_is_armed(cell: Cell) -> None:
    cell.driver.push(0.05)
    before = len(cell.driver.arm)
    cell.graph.spin_until(lambda: len(cell.driver.arm) > before + 15, 'further commands')
    assert {value for row in cell.driver.gantry + cell.driver.arm for value in row} == {0.0}
    assert np.abs(cell.driver.position - HOME).max() > 0.04
    cell.arm()
    cell.graph.spin_until(lambda: np.abs(cell.driver.position - HOME).max() < 0.02, 'the ready pose')


def test_armed_arm_returns_the_ball_and_the_trial_is_cut_by_time(cell: Cell, tmp_path: Path) -> None:
    cell.arm()
    for _ in range(BALLS):
        if cell.play().outcome in RETURNED:
            break
    trace = cell.traces[-1]
    assert trace.outcome in RETURNED, [each.note for each in cell.traces]
    assert trace.ball_time[-1] > 0.8
    assert ControllerStatus.PLAYING in {state.state for state in cell.states}
    position = np.reshape(trace.joint_position, (-1, 8))
    # The vendor's names and order were undone: the first sample is the ready pose, joint by joint.
    assert np.abs(position[0] - HOME).max() < 0.05
    assert np.abs(position - HOME).max() > 0.2
    with RunStore.open(tmp_path) as store:
        assert store.trials()[-1].outcome.value == trace.outcome
        assert np.array_equal(store.samples(trace.trial).joint_position, position)
    cell.arm(False)
    cell.graph.spin_until(
        lambda: cell.driver.gantry[-1] == [0.0] * 2 and cell.driver.arm[-1] == [0.0] * 6, 'standstill'
    )


def test_arm_is_stopped_when_its_joint_states_grow_stale(cell: Cell) -> None:
    cell.arm()
    cell.driver.throw()
    cell.graph.spin_until(lambda: any(cell.driver.arm[-1]), 'an arm in motion')
    cell.driver.connected = False
    counts = len(cell.driver.gantry), len(cell.driver.arm)
    cell.graph.spin_until(
        lambda: not any(cell.driver.arm[-1]) and not any(cell.driver.gantry[-1]), 'standstill', timeout=2.0
    )
    stopped = len(cell.driver.gantry), len(cell.driver.arm)
    cell.graph.spin_until(lambda: len(cell.driver.arm) > stopped[1] + 10, 'further commands')
    assert not any(value for row in cell.driver.arm[stopped[1] :] for value in row)
    assert not any(value for row in cell.driver.gantry[stopped[0] :] for value in row)
    # 0.1 s at 50 Hz, and some more for a busy machine.
    assert stopped[1] - counts[1] <= 20


def test_joint_states_without_some_of_the_joints_move_nothing(tmp_path: Path) -> None:
    with RosGraph() as graph:
        controller = read_settings(HARDWARE, ControllerSettings, 'controller')
        graph.add(
            ControllerNode, replace(controller, armed=True)
        )  # the package's names, the driver has its own
        driver = graph.join(Driver(controller, graph))
        graph.spin_until(lambda: len(driver.arm) > 5, 'commands')
        driver.throw()
        graph.spin_for(0.6)
        assert {value for row in driver.gantry + driver.arm for value in row} == {0.0}


def test_optimizer_improves_with_balls_that_somebody_throws(cell: Cell) -> None:
    settings = read_settings(HARDWARE, OptimizerSettings, 'optimizer')
    cell.graph.add(OptimizerNode, replace(settings, first_trials=2))
    run = cell.graph.improve('as far right as possible', trials=2)
    cell.graph.spin_until(lambda: 'version 1 ' in cell.states[-1].message, 'the first parameters')
    assert cell.states[-1].state == ControllerStatus.DISARMED
    cell.arm()
    cell.graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.READY, 'an armed controller')
    for version in (1, 2):
        cell.graph.spin_until(lambda: cell.states[-1].active_version > len(run.feedback), 'new parameters')
        assert cell.play().parameters_version == version
        run.trials(version)
    _, result = run.result()
    assert result.trials == 2


def test_run_that_waits_for_a_thrown_ball_can_be_cancelled(cell: Cell) -> None:
    settings = read_settings(HARDWARE, OptimizerSettings, 'optimizer')
    cell.graph.add(OptimizerNode, settings)
    cell.arm()
    run = cell.graph.improve('as far right as possible', trials=2)
    cell.graph.spin_until(lambda: cell.states[-1].active_version == 1, 'the first parameters')
    run.cancel()
    assert run.result()[1].trials == 0


def test_settings_for_hardware_are_disarmed_and_by_the_clock() -> None:
    controller = read_settings(HARDWARE, ControllerSettings, 'controller')
    assert (controller.armed, controller.lockstep) == (False, False)
    assert controller.gantry_command_topic
    assert controller.arm_command_topic
    assert controller.state_timeout * NANOSECONDS <= 0.1 * NANOSECONDS
    assert not read_settings(HARDWARE, TraceLoggerSettings, 'trace_logger').lockstep
    assert not read_settings(HARDWARE, OptimizerSettings, 'optimizer').feed_balls


def test_node_in_a_namespace_takes_the_settings_for_hardware(tmp_path: Path) -> None:
    with RosGraph() as graph:
        states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
        command = [*node_command('controller', graph.namespace), '--params-file', str(HARDWARE)]
        with process(command, tmp_path):
            graph.spin_until(lambda: states, 'the controller')
            assert states[0].state == ControllerStatus.DISARMED
