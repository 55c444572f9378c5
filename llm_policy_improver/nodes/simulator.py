"""Node: the arm, the table and the ball in MuJoCo, in lockstep with the controller.

Each tick it publishes what the sensors see and then waits for the command that answers it, so a trial is the
same, number for number, as one in process, and runs as fast as the machine allows.
"""

from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import JointState

from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.msg import JointVelocityCommand, LockstepTick
from llm_policy_improver.nodes.claims import Timing
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.lease import SIMULATOR, Lease
from llm_policy_improver.nodes.meeting import Meeting
from llm_policy_improver.nodes.messages import (
    ball_message,
    header_of,
    joint_state_message,
    stamp_of,
    time_of,
)
from llm_policy_improver.nodes.qos import COMMANDS, RELIABLE
from llm_policy_improver.nodes.running import run
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.observation import ArmObservation
from llm_policy_improver.table_tennis.settings import SimulatorSettings
from llm_policy_improver.table_tennis.simulation.config import PAUSE
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator


class SimulatorNode(Node):
    """Serves ``feed_ball``; publishes ``joint_states``, ``ball/position``, ``lockstep/tick`` and ``clock``."""

    def __init__(self, settings: SimulatorSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('simulator', **node_arguments)
        self._settings = declared(self, settings or SimulatorSettings())
        if self._settings.simulation.spin_noise:
            raise SettingsError(
                'simulator: simulation.spin_noise must be 0: in lockstep nobody is told of spins; the stand-in arm '
                'and trials in process have them'
            )
        Lease(self, SIMULATOR, Timing.LOCKSTEP)
        self._simulator = make_simulator(self._settings.simulation)
        self._start = PAUSE
        self._waiting_for: int | None = None
        self._trial = 0
        self._tick = 0
        self._balls = 0
        self._states = self.create_publisher(JointState, 'joint_states', RELIABLE)
        self._sightings = self.create_publisher(PointStamped, 'ball/position', RELIABLE)
        self._ticks = self.create_publisher(LockstepTick, 'lockstep/tick', RELIABLE)
        self._clock_out = self.create_publisher(ClockMessage, 'clock', 10)
        # Transient local: the controller may find this subscription after it has answered the first tick.
        commands = self.create_subscription(
            JointVelocityCommand, 'joint_velocity_command', self._on_command, COMMANDS
        )
        self._meeting = Meeting(self, (self._ticks, self._states, self._sightings), (commands,))
        self.create_service(FeedBall, 'feed_ball', self._on_feed)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._watch = self.create_timer(self._settings.command_timeout, self._on_timeout, clock=steady)
        self._watch.cancel()

    def _on_feed(self, request: FeedBall.Request, response: FeedBall.Response) -> FeedBall.Response:
        if self._waiting_for is not None and request.trial == self._trial:
            response.accepted = True  # asked again, as the first answer got lost
        elif self._waiting_for is not None:
            response.message = f'trial {self._trial} is still in play: ask again when its trace has come'
        elif not self._meeting.look():
            response.message = 'waiting until the nodes have found each other: is the controller running?'
        else:
            response.accepted = True
            self._trial, self._tick, self._balls = request.trial, 0, 0
            self._simulator.launch(int(request.seed))
            self._publish()
        return response

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
        self._clock_out.publish(ClockMessage(clock=time_of(stamp)))
        for sighting in sightings:
            self._sightings.publish(
                ball_message(sighting._replace(stamp=self._start + sighting.stamp))
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
