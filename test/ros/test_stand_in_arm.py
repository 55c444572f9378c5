"""The stand-in arm: what must be true of it so that a rehearsal says something about the arm."""

import json
import math
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from real_time import EmptyTimer

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from geometry_msgs.msg import PointStamped, Vector3Stamped
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from ros_graph import COMMAND, MANY, RosGraph, node_command, nodes_of, process
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.nodes import hardware_in_the_loop
from llm_policy_improver.nodes.demo import RunFailedError
from llm_policy_improver.nodes.messages import spin_of, stamp_of
from llm_policy_improver.nodes.stand_in_arm import StandInArmNode
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.returns import SLOW
from llm_policy_improver.table_tennis.cells import CAMERA_NOISE
from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.continuous import (
    ARM_GROUP,
    GANTRY_GROUP,
    ContinuousSimulator,
)
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.simulation.simulator import Simulator
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

pytestmark = pytest.mark.real_time
MS = 1_000_000
CONFIG = share_folder() / 'config'
PUBLISHED = Latency.published()
MEANS = Latency(
    **{entry.name: getattr(PUBLISHED, entry.name) for entry in fields(Latency) if 'spread' not in entry.name}
)
"""The published delays without their spread, so that a test knows them."""
NAMES = tuple(f'vendor_{name}' for name in ('y', 'x', 'j1', 'j2', 'j3', 'j4', 'j5', 'j6'))


def going(timeout: float = math.inf, **settings: Any) -> ContinuousSimulator:
    simulator = ContinuousSimulator(SimulationConfig(**settings), timeout=DriveTimeout(timeout))
    simulator.begin(5 * NANOSECONDS)
    return simulator


def after(simulator: ContinuousSimulator, milliseconds: float) -> np.ndarray:
    """(8,) where the joints really are then, relative to the ready pose."""
    simulator.advance(simulator.time + round(milliseconds * MS))
    return simulator.simulator.data.qpos[:8] - arm.HOME


def test_arm_stands_still_as_long_as_nobody_commands() -> None:
    assert np.abs(after(going(), 1000.0)).max() < 1e-6


def test_command_holds_until_the_next_one_of_its_group_comes() -> None:
    simulator = going()
    simulator.send(ARM_GROUP, [0.1, 0.0, 0.0, 0.0, 0.0, 0.0], simulator.time)
    simulator.send(GANTRY_GROUP, [0.0, -0.1], simulator.time)
    after(simulator, 1000.0)
    simulator.send(GANTRY_GROUP, [0.0, 0.0], simulator.time)
    moved = after(simulator, 1000.0)
    assert moved[2] == pytest.approx(0.2, abs=0.01)  # nobody took it back
    assert moved[1] == pytest.approx(-0.1, abs=0.01)


def test_drives_that_hear_nothing_hold_a_command_until_their_time_out_and_then_brake() -> None:
    simulator = going(0.05)
    simulator.send(GANTRY_GROUP, [0.0, 1.2], simulator.time)
    simulator.send(ARM_GROUP, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], simulator.time)
    for _ in range(5):
        after(simulator, 10.0)
        simulator.send(ARM_GROUP, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], simulator.time)  # that group goes on
    moved = after(simulator, 400.0)
    # v T + v^2 / 2a, with T = 0.05 s from the last command of each group.
    assert moved[1] == pytest.approx(1.2 * 0.05 + 1.2**2 / (2.0 * 24.0), abs=0.004)
    assert moved[2] == pytest.approx(1.0 * (0.05 + 0.05) + 1.0 / (2.0 * 40.0), abs=0.004)
    assert np.abs(after(simulator, 500.0) - moved).max() < 1e-3


def test_each_drive_has_its_own_delay() -> None:
    simulator = going(latency=MEANS)
    simulator.send(GANTRY_GROUP, [1.0, 1.0], simulator.time)
    simulator.send(ARM_GROUP, [1.0] * 6, simulator.time)
    began = np.full(8, math.nan)
    for milliseconds in range(1, 120):
        after(simulator, 1.0)
        # The drives' set points: the joints themselves pull at each other.
        moved = np.array(simulator.simulator.data.act) != arm.HOME
        began[moved & np.isnan(began)] = milliseconds
    assert began == pytest.approx([85.0, 58.0, *[72.0] * 6], abs=1e-9)  # in the step after the delay


def test_command_counts_from_its_arrival_and_not_from_when_it_is_read() -> None:
    moved = []
    for read_late in (0.0, 30.0):
        simulator = going(latency=MEANS)
        received = simulator.time
        after(simulator, read_late)
        simulator.send(ARM_GROUP, [1.0] * 6, received)
        moved.append(after(simulator, 200.0 - read_late))
    assert np.array_equal(moved[0], moved[1])


def test_joint_states_show_what_was() -> None:
    simulator = going(latency=MEANS)
    simulator.send(GANTRY_GROUP, [0.5, 0.5], simulator.time)
    simulator.send(ARM_GROUP, [0.5] * 6, simulator.time)
    after(simulator, 371.0)
    then = {33: simulator.simulator.data.qpos[:8].copy()}
    after(simulator, 4.0)
    then[29] = simulator.simulator.data.qpos[:8].copy()
    after(simulator, 29.0)
    shown = simulator.joints()
    assert shown.stamp == simulator.time
    assert np.array_equal(shown.position[:2], then[33][:2])
    assert np.array_equal(shown.position[2:], then[29][2:])
    assert shown.velocity[2:] == pytest.approx(0.5, abs=0.02)


def test_sightings_come_late_with_the_stamps_of_their_pictures() -> None:
    simulator = going(latency=MEANS)
    thrown = simulator.time
    simulator.throw(0)
    stamps = []
    for _ in range(300):
        after(simulator, 1.0)
        for sighting in simulator.sightings():
            assert 40 * MS <= simulator.time - sighting.stamp <= 41 * MS
            stamps.append(sighting.stamp - thrown)
    assert stamps == [8 * MS * number for number in range(len(stamps))]
    assert len(stamps) == 33


def test_ball_flies_as_in_a_trial() -> None:
    config = SimulationConfig(balls='rally', camera_noise=0.003)
    trial = Simulator(config)
    trial.launch(3)
    expected: list[BallObservation] = []
    while not trial.finished:
        trial.advance(20, [0.0] * 8)
        expected.extend(trial.take_sightings())
    simulator = going(balls='rally', camera_noise=0.003)
    simulator.throw(3)
    after(simulator, 3100.0)
    seen = simulator.sightings()
    assert not simulator.in_play
    count = min(len(seen), len(expected))
    assert count > 60
    errors = [math.dist(a.position, b.position) for a, b in zip(seen[:count], expected[:count], strict=True)]
    assert max(errors) < 1e-6


def test_arm_stays_where_it_is_when_a_ball_is_thrown() -> None:
    simulator = going()
    simulator.send(ARM_GROUP, [0.3, 0.0, 0.0, 0.0, 0.0, 0.0], simulator.time)
    before = after(simulator, 500.0)
    simulator.throw(0)
    assert simulator.joints().position - arm.HOME == pytest.approx(before, abs=1e-12)
    assert after(simulator, 100.0)[2] == pytest.approx(before[2] + 0.03, abs=0.002)


def test_delays_are_drawn_anew_for_every_ball() -> None:
    simulator = going(latency=PUBLISHED)
    delays = set()
    for seed in range(5):
        simulator.throw(seed)
        thrown = simulator.time
        while not (arrived := simulator.sightings()):
            after(simulator, 1.0)
        assert arrived[0].stamp == thrown
        delays.add((simulator.time - thrown) // MS)
    assert len(delays) > 2
    assert all(10 < delay < 70 for delay in delays)


def test_rehearsal_has_the_settings_of_the_hardware_and_balls_on_request() -> None:
    hardware, rehearsed = (
        yaml.safe_load((CONFIG / f'{name}.yaml').read_text()) for name in ('hardware', 'rehearsal')
    )
    assert rehearsed.pop('/**/stand_in_arm')
    assert hardware['/**/optimizer']['ros__parameters'].pop('feed_balls') is False
    assert rehearsed['/**/optimizer']['ros__parameters'].pop('feed_balls') is True
    # The stand-in arm's drives have their time-out by how they are made: nobody asks for a check of them.
    assert hardware['/**/controller']['ros__parameters'].pop('drives_proof').endswith('drives.json')
    assert rehearsed['/**/controller']['ros__parameters'].pop('drives_proof') == ''
    assert rehearsed == hardware


def test_stand_in_arm_has_the_published_delays_and_the_interface_of_the_controller() -> None:
    settings = read_settings(CONFIG / 'rehearsal.yaml', StandInSettings, 'stand_in_arm')
    assert settings.simulation.latency == PUBLISHED
    assert settings.simulation.camera_noise == CAMERA_NOISE
    controller = read_settings(CONFIG / 'rehearsal.yaml', ControllerSettings, 'controller')
    logger = read_settings(CONFIG / 'rehearsal.yaml', TraceLoggerSettings, 'trace_logger')
    for name in (
        'joint_state_topic',
        'ball_topic',
        'gantry_command_topic',
        'arm_command_topic',
        'driver_joint_names',
    ):
        assert getattr(settings, name) == getattr(controller, name), name
        assert getattr(settings, name) == getattr(logger, name, getattr(settings, name)), name
    # The controller knows the means, and not the spreads.
    known = controller.controller.latency
    assert known.action == pytest.approx([0.084, 0.0561, *[0.071] * 6])
    assert known.state == pytest.approx([0.033, 0.033, *[0.029] * 6])


@pytest.mark.parametrize(
    ('settings', 'why'),
    [
        ({'driver_joint_names': NAMES[:7]}, '8 different names'),
        ({'driver_joint_names': (*NAMES[:7], NAMES[0])}, '8 different names'),
        ({'ball_topic': '/joint_states'}, 'different topics'),
        ({'arm_state_rate': 0.0}, 'arm_state_rate'),
        ({'gantry_state_rate': 5.0}, 'gantry_state_rate'),
        ({'cycle': 0.1}, 'cycle'),
        ({'pause': -1.0}, 'pause'),
        ({'throw_every': 0.5}, 'throw_every'),
        ({'seed': -1}, 'seed'),
    ],
)
def test_setting_out_of_range_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        StandInSettings(**settings)


RELATIVE = StandInSettings(
    simulation=SimulationConfig(latency=MEANS), driver_joint_names=NAMES, joint_state_topic='joint_states',
    ball_topic='ball/position', gantry_command_topic='gantry', arm_command_topic='arm', pause=0.2,
    drive_timeout=0.0,
)  # fmt: skip


class Bench:
    """The node, somebody who listens to it, and the two command topics."""

    def __init__(self, graph: RosGraph, settings: StandInSettings) -> None:
        self.graph = graph
        self.states = graph.collect(JointState, 'joint_states', MANY)
        self.balls = graph.collect(PointStamped, 'ball/position', MANY)
        self.node = graph.add(StandInArmNode, settings)
        self.gantry = graph.publisher(Float64MultiArray, 'gantry')
        self.arm = graph.publisher(Float64MultiArray, 'arm')
        self.feeder = graph.probe.create_client(FeedBall, 'feed_ball')
        graph.spin_until(lambda: self.states and self.feeder.service_is_ready(), 'joint states')

    def ask(self, trial: int, seed: int = 0) -> FeedBall.Response:
        return self.graph.wait(self.feeder.call_async(FeedBall.Request(trial=trial, seed=seed)), 'an answer')

    def throw(self, trial: int) -> None:
        self.graph.spin_until(lambda: self.ask(trial).accepted, 'a ball')

    @property
    def now(self) -> int:
        """ns, of the clock of the stamps."""
        return int(self.graph.probe.get_clock().now().nanoseconds)

    def shown(self, moment: int) -> bool:
        """Whether joint states of after this moment, ns, were read."""
        return bool(self.states) and stamp_of(self.states[-1].header.stamp) > moment

    def position(self, name: str) -> float:
        message = next(message for message in reversed(self.states) if name in message.name)
        return float(message.position[list(message.name).index(name)])


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as made:
        yield made


def rate(messages: list[Any]) -> float:
    """Hz, by the stamps."""
    stamps = [stamp_of(message.header.stamp) for message in messages]
    return (len(stamps) - 1) * NANOSECONDS / (stamps[-1] - stamps[0])


def test_joint_states_come_at_the_drivers_rate_with_their_names(graph: RosGraph) -> None:
    bench = Bench(graph, replace(RELATIVE, arm_state_rate=100.0))
    bench.states.clear()
    graph.spin_until(lambda: len(bench.states) > 100, 'joint states of a second')
    assert rate(bench.states) == pytest.approx(100.0, rel=0.02)
    assert tuple(bench.states[0].name) == NAMES
    assert list(bench.states[0].position) == pytest.approx(arm.HOME, abs=1e-6)
    # Those that waited here longer are followed by others.
    graph.spin_until(lambda: bench.shown(bench.now - NANOSECONDS // 2), 'joint states of now')
    assert not bench.shown(bench.now)


def test_gantry_and_arm_can_report_in_messages_and_at_rates_of_their_own(graph: RosGraph) -> None:
    bench = Bench(graph, replace(RELATIVE, arm_state_rate=250.0, gantry_state_rate=100.0))
    bench.states.clear()
    graph.spin_until(lambda: len(bench.states) > 350, 'joint states of a second')
    gantry = [message for message in bench.states if len(message.name) == 2]
    axes = [message for message in bench.states if len(message.name) == 6]
    assert len(gantry) + len(axes) == len(bench.states)
    assert tuple(gantry[0].name) == NAMES[:2]
    assert tuple(axes[0].name) == NAMES[2:]
    assert rate(gantry) == pytest.approx(100.0, rel=0.02)
    assert rate(axes) == pytest.approx(250.0, rel=0.02)


def test_arm_goes_on_when_its_commander_is_gone(graph: RosGraph) -> None:
    bench = Bench(graph, RELATIVE)
    bench.arm.publish(Float64MultiArray(data=[0.2, 0.0, 0.0, 0.0, 0.0, 0.0]))
    graph.spin_until(lambda: bench.position('vendor_j1') > arm.HOME[2] + 0.01, 'motion')
    graph.probe.destroy_publisher(bench.arm)
    before = bench.position('vendor_j1')
    graph.spin_until(lambda: bench.position('vendor_j1') > before + 0.2, 'further motion')


def test_what_cannot_be_a_command_is_refused_and_the_one_before_holds(graph: RosGraph) -> None:
    bench = Bench(graph, RELATIVE)
    bench.gantry.publish(Float64MultiArray(data=[0.0, 0.2]))
    graph.spin_until(lambda: bench.position('vendor_x') > arm.HOME[1] + 0.01, 'motion')
    for wrong in ([0.0], [0.0] * 3, [0.0, math.nan], [math.inf, 0.0]):
        bench.gantry.publish(Float64MultiArray(data=wrong))
    graph.spin_rounds(4)
    read = bench.now
    graph.spin_until(lambda: bench.shown(read + 3 * NANOSECONDS // 10), 'what the drives made of it')
    before = bench.position('vendor_x')
    graph.spin_until(lambda: bench.position('vendor_x') > before + 0.05, 'further motion')
    assert bench.position('vendor_y') == pytest.approx(arm.HOME[0], abs=1e-3)


def test_balls_come_on_request_and_one_at_a_time(graph: RosGraph) -> None:
    bench = Bench(graph, RELATIVE)
    bench.throw(1)
    assert bench.ask(1).accepted  # the same again: an answer may have got lost
    refused = bench.ask(2)
    assert not refused.accepted
    assert 'ball 1 is still in play' in refused.message
    arrived: list[int] = []

    def note(message: Any) -> None:
        arrived.append(graph.probe.get_clock().now().nanoseconds - stamp_of(message.header.stamp))

    graph.probe.create_subscription(PointStamped, 'ball/position', note, qos_profile_sensor_data)
    graph.spin_until(lambda: len(bench.balls) > 60, 'sightings')
    assert rate(bench.balls[:60]) == pytest.approx(125.0, rel=1e-3)
    assert {message.header.frame_id for message in bench.balls} == {'table'}
    assert min(arrived) >= 40 * MS
    bench.throw(2)
    thrown = bench.now

    def seen() -> int:
        return sum(stamp_of(ball.header.stamp) > thrown for ball in bench.balls)

    graph.spin_until(lambda: seen() > 20, 'the next ball')


def test_spin_is_reported_with_the_pictures_where_the_cameras_see_it(graph: RosGraph) -> None:
    launcher = Launcher(spin=(40.0, 0.0, -20.0))
    simulation = replace(RELATIVE.simulation, launcher=launcher, spin_noise=2.0)
    bench = Bench(graph, replace(RELATIVE, simulation=simulation, spin_topic='ball/spin'))
    spins = graph.collect(Vector3Stamped, 'ball/spin', MANY)
    bench.throw(1)
    graph.spin_until(lambda: len(spins) > 20 and len(bench.balls) > 20, 'sightings')
    assert {stamp_of(each.header.stamp) for each in spins[:20]} <= {stamp_of(b.header.stamp) for b in bench.balls}
    assert {each.header.frame_id for each in spins} == {'table'}
    seen = np.array([spin_of(each).spin for each in spins[:20]])
    assert seen.mean(axis=0) == pytest.approx(launcher.spin, abs=2.0)


def test_no_ball_is_thrown_while_nobody_is_connected(graph: RosGraph) -> None:
    graph.add(StandInArmNode, RELATIVE)
    response = graph.call(FeedBall, 'feed_ball', FeedBall.Request(trial=1))
    assert not response.accepted
    assert 'is the controller running' in response.message


def test_balls_can_come_unasked(graph: RosGraph) -> None:
    bench = Bench(graph, replace(RELATIVE, throw_every=3.0))
    graph.spin_until(lambda: len(bench.balls) > 150, 'two balls')
    gaps = np.diff([stamp_of(message.header.stamp) for message in bench.balls])
    (pause,) = [gap for gap in gaps.tolist() if gap > 100 * MS]
    assert pause < 3 * NANOSECONDS


def test_stand_in_arm_falls_silent_when_a_real_one_may_be_listening(graph: RosGraph) -> None:
    bench = Bench(graph, RELATIVE)
    real = graph.join(Node('joint_state_broadcaster', namespace=graph.namespace, context=graph.context))
    real.create_publisher(JointState, 'joint_states', 10)
    refusals: list[str] = []

    def refused() -> bool:
        refusals.append(bench.ask(1).message)
        return 'may be the real arm' in refusals[-1]

    graph.spin_until(refused, 'a refusal')
    graph.spin_until_quiet(bench.states, 'joint states')


@pytest.mark.usefixtures('idle')
def test_interrupted_rehearsal_ends_its_processes(tmp_path: Path) -> None:
    command = [COMMAND, 'rehearse', 'far left', '--output', 'run']
    with process(command, tmp_path) as rehearsed:
        rehearsed.wait_until(lambda: len(nodes_of(rehearsed)) == 4, 'all nodes')
        rehearsed.interrupt()
        assert rehearsed.end(timeout=60.0) == 130
        assert not nodes_of(rehearsed)


def test_rehearsal_that_would_improve_nothing_is_refused(tmp_path: Path) -> None:
    with process([COMMAND, 'rehearse', 'far left', '--trials', '2'], tmp_path) as rehearsed:
        assert rehearsed.end() == 2
        assert '2 trials end before the 24 first trials do' in rehearsed.err
    assert not (tmp_path / 'runs').exists()


def test_node_that_refuses_its_settings_is_named(tmp_path: Path) -> None:
    text = (CONFIG / 'rehearsal.yaml').read_text()
    (tmp_path / 'wrong.yaml').write_text(text.replace('pause: 1.5 ', 'pause: -1.5 '))
    with process([COMMAND, 'rehearse', 'far left', '--config', 'wrong.yaml'], tmp_path) as rehearsed:
        assert rehearsed.end() == 2
        assert 'pause must be between' in rehearsed.err


def test_stand_in_arm_runs_as_a_process_and_ends_on_interrupt(graph: RosGraph, tmp_path: Path) -> None:
    states = graph.collect(JointState, 'joint_states')
    command = node_command('stand_in_arm', graph.namespace, joint_state_topic='joint_states')
    with process(command, tmp_path) as started:
        graph.spin_until(lambda: len(states) > 10, 'joint states')
        started.interrupt()
        assert started.end() == 0
        assert 'Traceback' not in started.err


def test_balls_of_the_benchmark_are_slow_and_normal_ones() -> None:
    chosen = hardware_in_the_loop.seeds(10, 0, SimulationConfig(balls='rally'))
    assert len({seed for seed, _ in chosen}) == 10
    assert [speed < SLOW for _, speed in chosen] == [False, False, False, False, True] * 2
    assert chosen == hardware_in_the_loop.seeds(10, 0, SimulationConfig(balls='rally'))


def test_hardware_nodes_return_balls_of_the_stand_in_arm(tmp_path: Path, idle: EmptyTimer) -> None:
    try:
        figures = hardware_in_the_loop.run(3, folder=tmp_path)
    except RunFailedError as error:
        idle.judge(error)
    assert len(figures.balls) == 3
    assert all(ball.outcome for ball in figures.balls)
    if figures.returned() < 1.0 / 3.0:
        idle.judge((figures.balls, figures.faults))
    assert not figures.touched
    assert figures.controller['control tick'].jitter_ms > 0.0
    assert figures.empty['control tick'].jitter_ms > 0.0
    assert set(json.loads(json.dumps(figures.as_json()))) >= {
        'returned_fraction', 'control_tick_jitter_ms', 'control_tick_empty_timer_jitter_ms', 'control_tick_overruns',
        'realtime_priority', 'load_before', 'load_at_the_end',
    }  # fmt: skip
    assert set(figures.priorities) == {'controller', 'stand_in_arm', 'empty_timer'}
