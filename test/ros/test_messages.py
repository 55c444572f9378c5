"""The package's interfaces over real DDS, with the fields of every message checked."""

import array
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from rclpy.action import ActionClient, ActionServer
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.msg import (
    BallLanding,
    ControllerStatus,
    ExecutionTrace,
    JointVelocityCommand,
    LockstepTick,
    OptimizerStatus,
    PolicyParameters,
)
from llm_policy_improver.srv import FeedBall, SetObjective
from llm_policy_improver.table_tennis.arm.joints import JOINTS

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
HEADER = Header(stamp=Time(sec=12, nanosec=500_000_000), frame_id='table')
POINT = Point(x=0.4, y=1.1, z=0.0)
EIGHT = array.array('d', [0.5, 1.0, 1.5, -0.25, 0.1, 0.0, 1e-9, 2.0])

MESSAGES = [
    PolicyParameters(
        header=HEADER,
        version=7,
        joint_names=list(JOINTS),
        attenuation=EIGHT,
        residual=EIGHT,
        names=['a', 'h', 'p'],
        expected_spin=array.array('d', [40.0, 0.0, -20.0]),
        expected_spin_sd=array.array('d', [2.0, 6.0, 2.5]),
        expected_restitution=array.array('d', [0.93, 0.004]),
        proposed_by='operator',
    ),
    BallLanding(header=HEADER, trial=3, outcome=ExecutionTrace.LANDED, point=POINT),
    ExecutionTrace(
        header=HEADER,
        trial=3,
        parameters_version=7,
        joint_names=list(JOINTS),
        attenuation=EIGHT,
        residual=EIGHT,
        names=['a', 'h', 'p'],
        proposed_by='initial',
        outcome=ExecutionTrace.LANDED,
        note='landed deep on the right',
        has_landing=True,
        landing_point=POINT,
        landing_time=0.9,
        net_clearance=0.12,
        peak_height=0.5,
        measure_names=['landing_x', 'peak_height'],
        measures=array.array('d', [0.4, 0.5]),
        ball_time=array.array('d', [0.0, 0.008]),
        ball_position=[POINT, POINT],
        joint_time=array.array('d', [0.0]),
        joint_position=EIGHT,
        joint_velocity=EIGHT,
        requested_velocity=EIGHT,
        applied_velocity=EIGHT,
        racket_position=[POINT],
    ),
    OptimizerStatus(
        header=HEADER,
        state=OptimizerStatus.RUNNING,
        objective='hit the ball as far right as possible',
        aim='distance to the right edge',
        method='least_squares',
        iteration=2,
        trials=39,
        parameters_version=7,
        best_version=6,
        best_distance=0.35,
        summary='s',
        analysis='a',
        synthesis='s',
        reason='r',
        verdict='accepted',
        prompt_tokens=1200,
        completion_tokens=300,
    ),
    JointVelocityCommand(
        header=HEADER, parameters_version=7, joint_names=list(JOINTS), requested=EIGHT, applied=EIGHT
    ),
    LockstepTick(header=HEADER, trial=3, tick=41, ball_observations=51, last=True, contact='net'),
    ControllerStatus(
        header=HEADER, state=ControllerStatus.READY, active_version=7, message='version 7 accepted'
    ),
]


class Graph:
    """Two nodes in a context of their own, spun by the test itself."""

    def __init__(self, context: Context) -> None:
        self.near = Node('near', context=context)
        self.far = Node('far', context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.near)
        self.executor.add_node(self.far)

    def spin_until(self, condition: Callable[[], Any], timeout: float = 10.0) -> None:
        """Handles what arrives until ``condition`` holds; fails after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f'nothing arrived within {timeout} s'
            self.executor.spin_once(timeout_sec=0.1)


@pytest.fixture
def graph() -> Iterator[Graph]:
    context = Context()
    context.init()
    graph = Graph(context)
    try:
        yield graph
    finally:
        graph.executor.shutdown()
        graph.near.destroy_node()
        graph.far.destroy_node()
        context.try_shutdown()


def test_fields_are_checked_here() -> None:
    with pytest.raises(AssertionError, match='unsigned integer'):
        PolicyParameters(version=-1)
    with pytest.raises(AssertionError, match='Invalid arguments'):
        PolicyParameters(gain=1.0)


@pytest.mark.parametrize('message', MESSAGES, ids=lambda message: type(message).__name__)
def test_latched_message_arrives_unchanged_at_a_late_subscriber(graph: Graph, message: Any) -> None:
    graph.near.create_publisher(type(message), 'round_trip', LATCHED).publish(message)
    received: list[Any] = []
    graph.far.create_subscription(type(message), 'round_trip', received.append, LATCHED)
    graph.spin_until(lambda: received)
    assert received == [message]


def test_missing_values_arrive_as_nan(graph: Graph) -> None:
    received: list[Any] = []
    graph.far.create_subscription(ExecutionTrace, 'round_trip', received.append, LATCHED)
    message = ExecutionTrace(outcome=ExecutionTrace.MISSED, landing_time=math.nan, peak_height=math.nan)
    graph.near.create_publisher(ExecutionTrace, 'round_trip', LATCHED).publish(message)
    graph.spin_until(lambda: received)
    assert math.isnan(received[0].landing_time)
    assert math.isnan(received[0].peak_height)


def test_services_answer(graph: Graph) -> None:
    def set_objective(request: Any, response: Any) -> Any:
        response.accepted, response.aim = True, f'measured: {request.objective}'
        return response

    def feed_ball(request: Any, response: Any) -> Any:
        response.accepted, response.message = False, f'no ball {request.trial}, {request.seed}'
        return response

    graph.far.create_service(SetObjective, 'set_objective', set_objective)
    graph.far.create_service(FeedBall, 'feed_ball', feed_ball)
    objective = graph.near.create_client(SetObjective, 'set_objective')
    ball = graph.near.create_client(FeedBall, 'feed_ball')
    graph.spin_until(lambda: objective.service_is_ready() and ball.service_is_ready())
    futures = [
        objective.call_async(SetObjective.Request(objective='short')),
        ball.call_async(FeedBall.Request(trial=4, seed=2**63)),
    ]
    graph.spin_until(lambda: all(future.done() for future in futures))
    assert futures[0].result().aim == 'measured: short'
    assert futures[1].result().message == f'no ball 4, {2**63}'


def test_action_gives_feedback_and_a_result(graph: Graph) -> None:
    def improve(goal: Any) -> Any:
        goal.publish_feedback(ImprovePolicy.Feedback(iteration=1, landing=POINT, reason='first'))
        goal.succeed()
        return ImprovePolicy.Result(trials=goal.request.trials, best_values=EIGHT, best_landing=POINT)

    server = ActionServer(graph.far, ImprovePolicy, 'improve_policy', improve)
    client = ActionClient(graph.near, ImprovePolicy, 'improve_policy')
    graph.spin_until(client.server_is_ready)
    feedback: list[Any] = []
    sent = client.send_goal_async(
        ImprovePolicy.Goal(objective='short', trials=1), lambda message: feedback.append(message.feedback)
    )
    graph.spin_until(sent.done)
    done = sent.result().get_result_async()
    graph.spin_until(lambda: done.done() and feedback)
    assert feedback[0].landing == POINT
    assert done.result().result.trials == 1
    assert done.result().result.best_values == EIGHT
    client.destroy()
    server.destroy()
