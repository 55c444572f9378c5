"""Node: the arm, the table and the ball in MuJoCo, in lockstep with the controller.

Each tick it publishes what the sensors see and then waits for the command that answers it, so a trial is the
same, number for number, as one in process, and runs as fast as the machine allows.
"""

import time
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import JointVelocityCommand, LockstepTick
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.messages import (
    ball_message,
    header_of,
    joint_state_message,
    stamp_of,
    time_of,
)
from llm_policy_improver.nodes.qos import RELIABLE
from llm_policy_improver.nodes.running import run
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation
from llm_policy_improver.table_tennis.settings import SimulatorSettings
from llm_policy_improver.table_tennis.simulation.config import PAUSE
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator

_SETTLED = 0.4
"""s of wall clock without a change among the nodes, before a ball is fed."""


class SimulatorNode(Node):
    """Serves ``feed_ball``; publishes ``joint_states``, ``ball/position``, ``lockstep/tick`` and ``clock``."""

    def __init__(self, settings: SimulatorSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('simulator', **node_arguments)
        self._settings = declared(self, settings or SimulatorSettings())
        self._simulator = make_simulator(self._settings.simulation)
        self._start = PAUSE
        self._waiting_for: int | None = None
        self._trial = 0
        self._tick = 0
        self._balls = 0
        self._graph: tuple[int, ...] = ()
        self._graph_since = 0.0
        self._states = self.create_publisher(JointState, 'joint_states', RELIABLE)
        self._sightings = self.create_publisher(PointStamped, 'ball/position', RELIABLE)
        self._ticks = self.create_publisher(LockstepTick, 'lockstep/tick', RELIABLE)
        self._clock_out = self.create_publisher(Clock, 'clock', 10)
        self.create_subscription(JointVelocityCommand, 'joint_velocity_command', self._on_command, RELIABLE)
        self.create_service(FeedBall, 'feed_ball', self._on_feed)
        self._watch = self.create_timer(self._settings.command_timeout, self._on_timeout)
        self._watch.cancel()

    def _on_feed(self, request: FeedBall.Request, response: FeedBall.Response) -> FeedBall.Response:
        if self._waiting_for is not None and request.trial == self._trial:
            response.accepted = True  # asked again, as the first answer got lost
        elif self._waiting_for is not None:
            response.message = f'trial {self._trial} is still in play: ask again when its trace has come'
        elif not self._joined():
            response.message = 'waiting until the nodes have found each other: is the controller running?'
        else:
            response.accepted = True
            self._trial, self._tick, self._balls = request.trial, 0, 0
            self._simulator.launch(int(request.seed))
            self._publish()
        return response

    def _joined(self) -> bool:
        """Whether the others have found all topics: somebody listens, and nobody came or went for a while.

        A node that joins during a trial misses a part of it, and one that has found only some of the topics, too.
        """
        topics = (self._ticks, self._states, self._sightings)
        graph = tuple(topic.get_subscription_count() for topic in topics)
        graph += tuple(
            count('joint_velocity_command') for count in (self.count_publishers, self.count_subscribers)
        )
        if graph != self._graph:
            self._graph, self._graph_since = graph, time.monotonic()
        return 0 < graph[0] <= min(graph[1:3]) and time.monotonic() - self._graph_since >= _SETTLED

    def _on_command(self, message: JointVelocityCommand) -> None:
        if self._waiting_for is None or stamp_of(message.header.stamp) != self._waiting_for:
            return  # the answer to a tick that was given up
        self._simulator.step(np.array(message.applied))
        self._tick += 1
        self._publish()

    def _on_timeout(self) -> None:
        self._watch.cancel()
        if self._waiting_for is not None:
            why = f'the controller did not answer for {self._settings.command_timeout:g} s'
            self.get_logger().error(f'trial {self._trial} is given up: {why}')
            self._publish(aborted=why)

    def _publish(self, aborted: str = '') -> None:
        """Publish what is seen now and close the tick; wait for the answer unless it is the last."""
        arm, sightings = self._simulator.observe()
        stamp = self._start + arm.stamp
        self._clock_out.publish(Clock(clock=time_of(stamp)))
        for sighting in sightings:
            self._sightings.publish(
                ball_message(BallObservation(self._start + sighting.stamp, sighting.position))
            )
        self._states.publish(joint_state_message(ArmObservation(stamp, arm.position, arm.velocity)))
        self._balls += len(sightings)
        last = bool(aborted) or self._simulator.finished
        self._ticks.publish(
            LockstepTick(
                header=header_of(stamp),
                trial=self._trial,
                tick=self._tick,
                ball_observations=self._balls,
                last=last,
                contact=self._simulator.arm_contact,
                aborted=aborted,
            )
        )
        if last:
            self._waiting_for = None
            self._start = stamp + PAUSE
            self._watch.cancel()
        else:
            self._waiting_for = stamp
            self._watch.reset()


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver simulator``."""
    run(SimulatorNode, args)


if __name__ == '__main__':
    main()
