"""The visualizer in a real graph: it shows what happens, and can move nothing."""

import array
import json
import math
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PointStamped
from granted import profiles_of
from paths import CONFIG
from rclpy.qos import DurabilityPolicy
from ros_graph import EVERY, MANY, RosGraph
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from stored_trials import trace_of
from transforms3d.quaternions import quat2mat
from visualization_msgs.msg import Marker, MarkerArray

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import SettingsError, read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.msg import ExecutionTrace, OptimizerStatus
from llm_policy_improver.nodes.limited import LONGEST
from llm_policy_improver.nodes.messages import ball_message, header_of, trace_message
from llm_policy_improver.nodes.motion import PlayedBack
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.visualizer import VisualizerNode
from llm_policy_improver.table_tennis.arm.facts import BLADE_RADIUS, HOME
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.arm.links import LINKS
from llm_policy_improver.table_tennis.arm.robot_description import robot_description
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.observation import BallObservation
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

LIVE = {'lockstep': False, 'rate': 30.0}
ELSEWHERE = np.array(HOME) + 0.1
POLICIES = share_folder() / 'security' / 'policies'


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


class Arm:
    """Drivers and cameras, and what the visualizer makes of them."""

    def __init__(self, graph: RosGraph, **settings: Any) -> None:
        self.graph = graph
        self.node = graph.add(VisualizerNode, VisualizerSettings(**(LIVE | settings)))
        self.shown: list[MarkerArray] = graph.collect(MarkerArray, 'visualizer/motion', EVERY)
        self.states = graph.publisher(JointState, 'joint_states', MANY)
        self.sightings = graph.publisher(PointStamped, 'ball/position', MANY)

    @property
    def now(self) -> int:
        return int(self.graph.probe.get_clock().now().nanoseconds)

    def stand(self, joints: Any, names: Any = JOINTS) -> None:
        values = array.array('d', [float(value) for value in joints])
        still = array.array('d', [0.0] * len(values))
        self.states.publish(
            JointState(header=header_of(self.now), name=list(names), position=values, velocity=still)
        )

    def throw(self, *places: tuple[float, float, float], frame: str = 'table', apart: int = 8_000_000) -> None:
        start = self.now - len(places) * apart
        for number, place in enumerate(places):
            message = ball_message(BallObservation(start + number * apart, place))
            message.header.frame_id = frame
            self.sightings.publish(message)


def blade_in(shown: MarkerArray) -> tuple[float, float, float] | None:
    """m, the middle of the only disc among the arm's markers."""
    for marker in shown.markers:
        if marker.ns == 'arm' and marker.scale.x == 2.0 * BLADE_RADIUS:
            at = marker.pose.position
            return at.x, at.y, at.z
    return None


def ball_in(shown: MarkerArray) -> tuple[float, float, float] | None:
    for marker in shown.markers:
        if marker.ns == 'ball' and marker.id == 0 and marker.action == Marker.ADD:
            at = marker.pose.position
            return at.x, at.y, at.z
    return None


def shows(arm: Arm, joints: Any) -> bool:
    wanted = ArmKinematics().blade(np.array(joints)).centre
    blade = blade_in(arm.shown[-1]) if arm.shown else None
    return blade is not None and math.dist(blade, wanted) < 1e-6


# The arm, by the clock.


def test_arm_is_shown_where_its_encoders_have_it(graph: RosGraph) -> None:
    arm = Arm(graph)
    for joints in (HOME, ELSEWHERE):
        arm.stand(joints)
        graph.spin_until(partial(shows, arm, joints), 'the arm')
    links = [marker for marker in arm.shown[-1].markers if marker.ns == 'arm']
    assert {marker.header.frame_id for marker in links} == {'table'}
    assert len({marker.id for marker in links}) == len(links)


def test_groups_of_drives_that_report_by_themselves_make_one_arm(graph: RosGraph) -> None:
    arm = Arm(graph)
    arm.stand(ELSEWHERE[:2], JOINTS[:2])
    arm.stand(ELSEWHERE[2:], JOINTS[2:])
    arm.stand(ELSEWHERE[:2], JOINTS[:2])
    graph.spin_until(lambda: shows(arm, ELSEWHERE), 'the arm')


def test_joints_are_known_by_the_names_of_the_drivers(graph: RosGraph) -> None:
    theirs = tuple(f'cell/{name}' for name in JOINTS)
    arm = Arm(graph, driver_joint_names=theirs)
    described: list[String] = graph.collect(String, 'robot_description', LATCHED)
    arm.stand(ELSEWHERE, theirs)
    graph.spin_until(lambda: shows(arm, ELSEWHERE) and described, 'the arm')
    assert described[0].data == robot_description(theirs)


def test_arm_that_stands_still_is_not_shown_again_and_again(graph: RosGraph) -> None:
    arm = Arm(graph)
    arm.stand(HOME)
    graph.spin_until(lambda: shows(arm, HOME), 'the arm')
    for _ in range(20):
        arm.stand(np.array(HOME) + 1e-6)
        graph.spin_for(0.05)
    assert len(arm.shown) == 1


def test_stream_is_looked_at_no_more_often_than_is_shown(graph: RosGraph) -> None:
    arm, began = Arm(graph, rate=5.0), time.monotonic()
    for step in range(100):
        arm.stand(np.array(HOME) + 0.001 * step)
        graph.spin_for(0.01)
    last = np.array(HOME) + 0.001 * 99
    graph.spin_until(lambda: shows(arm, last), 'the last of them')
    assert 2 <= len(arm.shown) <= 5.0 * (time.monotonic() - began) + 3.0


def test_joint_states_that_are_no_numbers_or_too_long_are_left_out(graph: RosGraph) -> None:
    arm = Arm(graph)
    arm.stand([math.nan] * len(JOINTS))
    arm.stand(HOME, ['x' * LONGEST, *JOINTS[1:]])
    arm.stand(HOME, [*JOINTS[1:], 'another'])
    graph.spin_for(0.3)
    assert arm.shown == []
    arm.stand(HOME)
    graph.spin_until(lambda: shows(arm, HOME), 'the arm')


def test_ball_is_shown_with_its_way_and_taken_away_when_it_is_gone(graph: RosGraph) -> None:
    arm = Arm(graph)
    arm.stand(HOME)
    places = [(0.1, 1.5 - 0.045 * step, 0.3) for step in range(20)]
    arm.throw(*places)
    graph.spin_until(lambda: arm.shown and ball_in(arm.shown[-1]) == pytest.approx(places[-1]), 'the ball')
    lines = {marker.id: marker for marker in arm.shown[-1].markers if marker.ns == 'ball'}
    assert [point.y for point in lines[1].points] == pytest.approx([y for _, y, _ in places])
    assert lines[2].points[0].y == pytest.approx(places[-1][1], abs=0.02)
    assert lines[2].points[-1].y < -table.HALF_LENGTH
    graph.spin_until(lambda: ball_in(arm.shown[-1]) is None, 'the end of the ball')
    gone = [marker.action for marker in arm.shown[-1].markers if marker.ns == 'ball']
    assert gone == [Marker.DELETE] * 3


@pytest.mark.parametrize('case', ['another frame', 'far off', 'no number', 'old'])
def test_sightings_that_the_controller_would_not_take_are_not_shown(graph: RosGraph, case: str) -> None:
    arm = Arm(graph)
    place = {'far off': (0.0, 500.0, 0.3), 'no number': (math.nan, 0.0, 0.3)}.get(case, (0.1, 1.0, 0.3))
    frame = 'cameras' if case == 'another frame' else 'table'
    arm.throw(*[place] * 10, frame=frame, apart=2_000_000_000 if case == 'old' else 8_000_000)
    arm.stand(HOME)
    graph.spin_until(lambda: shows(arm, HOME), 'the arm')
    if case == 'old':  # but the last one
        return
    graph.spin_for(0.2)
    assert all(ball_in(shown) is None for shown in arm.shown)


# A run, and what is told of it.


def test_run_in_simulation_is_shown_whole_also_to_who_joins_late(graph: RosGraph, tmp_path: Path) -> None:
    graph.add(VisualizerNode, VisualizerSettings())
    moments: list[MarkerArray] = graph.collect(MarkerArray, 'visualizer/motion', EVERY)
    traces: list[ExecutionTrace] = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
    graph.play_in(tmp_path, first_trials=2, trials=4)
    status, _ = graph.improve('as far right as possible').result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    graph.spin_until(lambda: len(traces) == 4, 'all trials')
    told = sorted((trace.landing_point.x, trace.landing_point.y) for trace in traces if trace.has_landing)
    late: list[MarkerArray] = graph.collect(MarkerArray, 'visualizer/scene', LATCHED)

    def seen() -> dict[tuple[str, int], Marker]:
        return {(marker.ns, marker.id): marker for marker in late[-1].markers} if late else {}

    graph.spin_until(lambda: 'trial 4 of 4' in getattr(seen().get(('words', 0)), 'text', ''), 'the scene')
    graph.spin_until(lambda: len(seen()['landings', 0].points) == len(told), 'all landings')
    markers = seen()
    assert ('aim', 0) in markers
    assert sorted((place.x, place.y) for place in markers['landings', 0].points) == told
    assert 'as far right as possible' in markers['words', 0].text
    # The arm was shown at rest first, and then as it was in a trial.
    home = ArmKinematics().blade(np.array(HOME)).centre
    assert blade_in(moments[0]) == pytest.approx(home, abs=1e-9)
    blades = {tuple(np.round(blade_in(moment) or (), 6)) for moment in moments}
    racket = [(place.x, place.y, place.z) for trace in traces for place in trace.racket_position]
    assert len(blades) > 3
    assert blades <= {tuple(np.round(place, 6)) for place in [*racket, home]}
    assert any(ball_in(moment) for moment in moments)


def test_trials_of_another_run_clear_the_table_and_one_that_is_told_twice_counts_once(graph: RosGraph) -> None:
    graph.add(VisualizerNode, VisualizerSettings())
    scenes: list[MarkerArray] = graph.collect(MarkerArray, 'visualizer/scene', EVERY)
    traces = graph.publisher(ExecutionTrace, 'execution_trace', TRACES)

    def domes() -> int:
        found = [len(marker.points) for marker in scenes[-1].markers if marker.type == Marker.SPHERE_LIST]
        return found[0] if found else 0

    def publish(number: int, run: str) -> None:
        message = trace_message(trace_of(number), 10**9, run)
        message.trial = number
        traces.publish(message)

    for number in (1, 2, 2, 1, 3):
        publish(number, 'monday')
    graph.spin_until(lambda: scenes and domes() == 3, 'three landings')
    graph.spin_for(0.7)
    assert domes() == 3
    publish(1, 'tuesday')
    graph.spin_until(lambda: domes() == 1, 'the other run')


def test_only_messages_of_the_run_are_shown_where_they_are_sealed(graph: RosGraph, tmp_path: Path) -> None:
    keys, other = SecuritySettings(str(tmp_path / 'run.key')), SecuritySettings(str(tmp_path / 'other.key'))
    graph.add(VisualizerNode, VisualizerSettings(lockstep=False, security=keys))
    scenes: list[MarkerArray] = graph.collect(MarkerArray, 'visualizer/scene', EVERY)
    traces = graph.publisher(ExecutionTrace, 'execution_trace', TRACES)
    statuses = graph.publisher(OptimizerStatus, 'optimizer/status', LATCHED)
    genuine, forged = Seals(graph.probe, keys), Seals(graph.probe, other)

    def told() -> str:
        return ' '.join(marker.text for marker in scenes[-1].markers) if scenes else ''

    statuses.publish(forged.sealed(OptimizerStatus(objective='far left', header=header_of(10**18))))
    traces.publish(trace_message(trace_of(1), 10**9))
    traces.publish(forged.sealed(trace_message(trace_of(2), 10**9)))
    graph.spin_until(lambda: scenes, 'the table')
    graph.spin_for(1.2)
    assert told().strip() == ''
    assert all(marker.ns == 'table' for marker in scenes[-1].markers[1:])
    statuses.publish(genuine.sealed(OptimizerStatus(objective='far right', header=header_of(10**9))))
    traces.publish(genuine.sealed(trace_message(trace_of(3), 10**9)))
    graph.spin_until(lambda: '“far right”' in told() and 'trial' in told(), 'what is genuine')


def test_unusable_trial_is_left_out_of_what_is_played_and_stops_nothing(graph: RosGraph) -> None:
    graph.add(VisualizerNode, VisualizerSettings())
    moments: list[MarkerArray] = graph.collect(MarkerArray, 'visualizer/motion', EVERY)
    traces = graph.publisher(ExecutionTrace, 'execution_trace', TRACES)
    spoiled = trace_message(trace_of(1), 10**9)
    spoiled.trial, spoiled.ball_time = 1, array.array('d', [0.0])
    traces.publish(spoiled)
    sound = trace_message(trace_of(2), 10**9)
    sound.trial = 2
    traces.publish(sound)
    graph.spin_until(lambda: len(moments) > 2, 'a trial that is played back')


# Played back.


def samples(length: float, joints: float) -> TraceSamples:
    count = round(length / 0.02) + 1
    times = np.linspace(0.0, length, count)
    return TraceSamples(
        ball_time=times,
        ball_position=np.column_stack((0.1 + 0.0 * times, 1.5 - 5.0 * times, 0.3 + 0.0 * times)),
        joint_time=times,
        joint_position=np.outer(joints + times, np.ones(len(JOINTS))),
    )


def test_trial_is_played_at_its_own_speed_and_the_newest_one_is_next() -> None:
    now = [100.0]
    played = PlayedBack(VisualizerSettings(), clock=lambda: now[0])
    rest = played.look()
    assert rest is not None
    assert rest.joints == pytest.approx(np.array(HOME))
    assert played.look() is None
    played.play(samples(1.0, joints=0.0))
    first = played.look()
    assert first is not None
    assert first.behind[-1] == pytest.approx((0.1, 1.5, 0.3))
    now[0] += 0.5
    middle = played.look()
    assert middle is not None
    assert middle.behind[-1][1] == pytest.approx(1.5 - 2.5)
    assert middle.joints == pytest.approx(np.full(len(JOINTS), 0.5))
    for joints in (10.0, 20.0):
        played.play(samples(1.0, joints))
    now[0] += 0.51
    over = played.look()
    assert over is not None
    assert list(over.behind) == []
    newest = played.look()
    assert newest is not None
    assert newest.joints == pytest.approx(np.full(len(JOINTS), 20.0))
    now[0] += 2.0
    assert played.look() is not None
    assert played.look() is None


def test_trial_without_a_ball_is_not_played() -> None:
    played = PlayedBack(VisualizerSettings())
    played.look()
    played.play(TraceSamples())
    assert played.look() is None


# What it may do.


@pytest.mark.parametrize(('config', 'policy'), [('sim', 'simulation'), ('hardware', 'hardware')])
def test_nothing_that_it_publishes_is_heard_by_any_node_that_moves_something(config: str, policy: str) -> None:
    others = {each.node: each.granted('/') for each in profiles_of(POLICIES / f'{policy}.xml')}
    own = others.pop('visualizer')
    others.pop('terminal', None)  # of people, who look at it
    pictures = own.publish - {'/rosout', '/parameter_events'}
    assert len(pictures) >= 3
    for name, granted in others.items():
        assert not pictures & (granted.subscribe | granted.publish), name
    assert own.request == own.call == own.execute == set()
    assert all(service.startswith('/visualizer/') for service in own.reply)
    settings = read_settings(CONFIG / f'{config}.yaml', VisualizerSettings, 'visualizer')
    assert f'/{settings.description_topic}' in own.publish


def test_urdf_beside_drivers_is_not_where_ros2_control_looks_for_its_own() -> None:
    settings = read_settings(CONFIG / 'hardware.yaml', VisualizerSettings, 'visualizer')
    assert not settings.lockstep
    assert settings.description_topic.rpartition('/')[0] == 'visualizer'
    assert not settings.tf


def test_simulated_time_is_refused_by_the_clock(graph: RosGraph) -> None:
    from rclpy.parameter import Parameter

    simulated = [Parameter('use_sim_time', value=True)]
    with pytest.raises(SettingsError, match='use_sim_time must be false'):
        VisualizerNode(
            VisualizerSettings(lockstep=False), namespace=graph.namespace, context=graph.context,
            parameter_overrides=simulated,
        )  # fmt: skip


@pytest.mark.skipif(find_spec('tf2_msgs') is None, reason='tf2_msgs comes with a ROS installation only')
def test_frames_lead_from_the_table_to_the_blade(graph: RosGraph) -> None:
    from tf2_msgs.msg import TFMessage

    moving: list[Any] = graph.collect(TFMessage, '/tf', MANY)
    fixed: list[Any] = graph.collect(TFMessage, '/tf_static', EVERY)
    arm = Arm(graph)
    arm.stand(ELSEWHERE)
    wanted = ArmKinematics().blade(ELSEWHERE).centre

    def blade(message: Any) -> tuple[float, float, float]:
        """m, by following the frames from the paddle to the root."""
        frames = {each.child_frame_id: each for each in (*message.transforms, *fixed[-1].transforms)}
        assert set(frames) == {link.name for link in LINKS}
        name, place = 'paddle', np.zeros(3)
        while name in frames:
            way, turn = frames[name].transform.translation, frames[name].transform.rotation
            place = quat2mat((turn.w, turn.x, turn.y, turn.z)) @ place + (way.x, way.y, way.z)
            name = frames[name].header.frame_id
        assert name == 'table'
        return place[0], place[1], place[2]

    graph.spin_until(
        lambda: fixed and any(math.dist(blade(message), wanted) < 1e-9 for message in moving), 'the frames'
    )


# The layouts.


def layout_of_rviz() -> tuple[str, dict[str, str]]:
    """The fixed frame, and topics with the durability that their display asks for."""
    content = yaml.safe_load((CONFIG / 'table_tennis.rviz').read_text())['Visualization Manager']
    topics = {}
    for display in content['Displays']:
        for name in ('Topic', 'Description Topic'):
            if name in display:
                topics[display[name]['Value']] = display[name]['Durability Policy']
    return content['Global Options']['Fixed Frame'], topics


def layout_of_foxglove() -> tuple[str, set[str]]:
    panels = json.loads((CONFIG / 'foxglove.json').read_text())
    scene = panels['configById']['3D!table']
    topics = {*scene['topics'], *(layer['topic'] for layer in scene['layers'].values())}
    topics |= {panel['topicPath'] for panel in panels['configById'].values() if 'topicPath' in panel}
    placed = {panels['layout'][side] for side in ('first', 'second')}
    assert placed == set(panels['configById'])
    return scene['followTf'], topics


def test_layouts_name_topics_that_there_are_with_what_they_can_draw(graph: RosGraph) -> None:
    settings = read_settings(CONFIG / 'sim.yaml', VisualizerSettings, 'visualizer')
    graph.add(VisualizerNode, settings)
    drawn = {'visualization_msgs/msg/MarkerArray', 'std_msgs/msg/String'}

    def published() -> dict[str, str]:
        found = graph.probe.get_publisher_names_and_types_by_node('visualizer', graph.namespace)
        return {name.removeprefix(graph.namespace): kinds[0] for name, kinds in found if set(kinds) & drawn}

    graph.spin_until(lambda: len(published()) == 3, 'the visualizer')
    frame, asked = layout_of_rviz()
    assert frame == 'table'
    assert set(asked) == set(published())
    for topic, durability in asked.items():
        (offer,) = graph.probe.get_publishers_info_by_topic(f'{graph.namespace}{topic}')
        assert durability == 'Transient Local'
        assert offer.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    frame, shown = layout_of_foxglove()
    assert frame == 'table'
    heard = dict(graph.probe.get_subscriber_names_and_types_by_node('visualizer', graph.namespace))
    assert heard[f'{graph.namespace}/optimizer/status'] == ['llm_policy_improver/msg/OptimizerStatus']
    assert shown == {*published(), '/optimizer/status'}
