"""Node: stands in for the physical arm, its drivers, the cameras and the ball launcher, for rehearsals without them.

The simulator behind exactly the hardware interface: by the clock, with delays and noise, never waiting for anybody.
A command holds until the next one comes, so whatever a real arm would do when its commander is gone happens here, too.
"""

import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped, Vector3Stamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.nodes import realtime
from llm_policy_improver.nodes.claims import Timing
from llm_policy_improver.nodes.declared import declared, require_own_clock
from llm_policy_improver.nodes.diagnostics import Diagnostics
from llm_policy_improver.nodes.lease import SIMULATOR, Lease
from llm_policy_improver.nodes.meeting import Meeting
from llm_policy_improver.nodes.messages import ball_message, doubles, header_of, spin_message
from llm_policy_improver.nodes.qos import RELIABLE
from llm_policy_improver.nodes.running import run
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.guard.guarded import Health, Level
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, SpinObservation
from llm_policy_improver.table_tennis.simulation.continuous import (
    ARM_GROUP,
    GANTRY_GROUP,
    ContinuousSimulator,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

_CLOCK_SET = NANOSECONDS // 200
"""ns by which the clock of the stamps must part from the steady one to count as set."""
_LONGEST_WAIT = NANOSECONDS
"""ns that a command can have waited here before it was read."""
_TOO_FAR = 2 * NANOSECONDS
"""ns behind the clock that are simulated afterwards; more is left out, with an error."""
_LATE = 0.02
"""s of lateness from which on a rehearsal says little about the arm."""
_KEPT = 2000


@dataclass(slots=True)
class _Report:
    """Joint states of some joints, at a rate of their own, Hz; how many periods have passed at the last one."""

    joints: slice
    rate: float
    periods: int = 0


class StandInArmNode(Node):
    """Takes velocities on two ros2_control topics; publishes joint states and sightings; serves ``feed_ball``."""

    def __init__(self, settings: StandInSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('stand_in_arm', **node_arguments)
        self._settings = settings = declared(self, settings or StandInSettings())
        require_own_clock(self)
        Lease(self, SIMULATOR, Timing.CLOCK)
        self._cycle = round(settings.cycle * NANOSECONDS)
        self._states = self.create_publisher(JointState, settings.joint_state_topic, RELIABLE)
        self._sightings = self.create_publisher(PointStamped, settings.ball_topic, RELIABLE)
        self._spins = self.create_publisher(Vector3Stamped, settings.spin_topic, RELIABLE)
        commands = [
            self.create_subscription(Float64MultiArray, topic, partial(self._on_command, group), RELIABLE)
            for topic, group in (
                (settings.gantry_command_topic, GANTRY_GROUP),
                (settings.arm_command_topic, ARM_GROUP),
            )
        ]
        self._meeting = Meeting(self, (self._states, self._sightings), commands)
        self.create_service(FeedBall, 'feed_ball', self._on_feed)
        self._reports = [_Report(slice(0, len(JOINTS)), settings.arm_state_rate)]
        if settings.gantry_state_rate:
            self._reports = [
                _Report(ARM_GROUP, settings.arm_state_rate),
                _Report(GANTRY_GROUP, settings.gantry_state_rate),
            ]
        self._trial, self._balls, self._commands, self._left_out = 0, 0, 0, 0
        self._touched = self._intruder = ''
        self._lateness: deque[float] = deque(maxlen=_KEPT)
        self._arm = ContinuousSimulator(settings.simulation, settings.seed, settings.timeout)
        self._started = time.monotonic_ns()
        self._arm.begin(self._started)
        self._due = self._started + self._cycle
        self._ball_over = self._started
        self._next_throw = self._started + round(settings.throw_every * NANOSECONDS)
        self._offset = self._read_offset()
        Diagnostics(self, 'stand-in arm', realtime.reporting(self._health))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(settings.cycle, self._on_time, clock=steady)
        self.create_timer(1.0, self._on_second, clock=steady)
        latency = settings.simulation.latency
        self.get_logger().info(
            f'stands in for the arm: in the mean the ball is {1e3 * latency.ball:.0f} ms late, joint states '
            f'{1e3 * latency.arm_state:.0f} ms and drives {1e3 * latency.arm_action:.0f} ms, with '
            f'{1e3 * settings.simulation.camera_noise:.0f} mm of noise'
        )

    def _read_offset(self) -> int:
        """ns from the steady clock to that of the stamps."""
        return int(self.get_clock().now().nanoseconds) - time.monotonic_ns()

    def _on_command(self, group: slice, message: Float64MultiArray, info: dict[str, Any]) -> None:
        """It counts from when the middleware received it: that this program was busy delays no drive."""
        now = time.monotonic_ns()
        count = len(range(*group.indices(len(JOINTS))))
        if len(message.data) != count or not np.isfinite(message.data).all():
            # As a driver does: what cannot be a command is none, and the one before holds.
            self.get_logger().error(
                f'a command of {list(message.data)} was refused: {count} finite velocities are expected',
                throttle_duration_sec=1.0,
            )
            return
        received = int(info['received_timestamp']) - self._offset
        self._commands += 1
        self._arm.send(group, message.data, received if now - _LONGEST_WAIT < received <= now else now)

    def _on_time(self) -> None:
        """All cycles that are due. One that is late is simulated all the same, with the stamps it should have had."""
        now = time.monotonic_ns()
        if now - self._due > _TOO_FAR:
            self._skip(now)
        while self._due <= (now := time.monotonic_ns()):
            self._arm.advance(self._due)
            self._report()
            self._lateness.append((time.monotonic_ns() - self._due) / NANOSECONDS)
            self._due += self._cycle
        if self._arm.touched and self._arm.touched != self._touched:
            self._touched = self._arm.touched
            self.get_logger().error(f'{self._touched}: on the arm that would be a collision')
        if self._arm.in_play:
            self._ball_over = self._arm.time
        if self._settings.throw_every and now >= self._next_throw:
            self._next_throw = now + round(self._settings.throw_every * NANOSECONDS)
            if not self._refusal():
                self._throw(self._trial + 1, self._settings.seed + self._balls)

    def _skip(self, now: int) -> None:
        behind = (now - self._due) // self._cycle * self._cycle
        self._left_out += behind
        self._due += behind
        self._arm.leave_out(behind)
        self.get_logger().error(
            f'this program stood still for {behind / NANOSECONDS:.1f} s, which are left out: '
            'the arm did not move meanwhile, as a real one would have done'
        )

    def _report(self) -> None:
        """What drivers and cameras say at this moment, by the clock of the stamps."""
        if self._intruder:
            return
        for sighting in self._arm.sightings():
            self._sightings.publish(
                ball_message(sighting._replace(stamp=sighting.stamp + self._offset))
            )
            if sighting.spin is not None:
                self._spins.publish(
                    spin_message(SpinObservation(sighting.stamp + self._offset, sighting.spin))
                )
        observation: ArmObservation | None = None
        for report in self._reports:
            # Counted, so that a rate that is no whole part of the cycles' rate is right in the mean.
            periods = int((self._arm.time - self._started) * report.rate / NANOSECONDS)
            if periods > report.periods:
                report.periods = periods
                observation = observation or self._arm.joints()
                self._states.publish(
                    JointState(
                        header=header_of(observation.stamp + self._offset),
                        name=list(self._settings.driver_joint_names[report.joints]),
                        position=doubles(observation.position[report.joints]),
                        velocity=doubles(observation.velocity[report.joints]),
                    )
                )

    def _on_second(self) -> None:
        """Look who is there, and whether the clock was set."""
        offset = self._read_offset()
        if abs(offset - self._offset) > _CLOCK_SET:
            self.get_logger().warning(f'the clock was set by {(offset - self._offset) / NANOSECONDS:+.3f} s')
            self._offset = offset
        self._meeting.look()
        others = self.count_publishers(self._settings.joint_state_topic) - 1
        if others > 0 and not self._intruder:
            # Silence stops the controller at once, and with it the arm that may be out there.
            self._intruder = (
                f'somebody else reports joint states at {self._states.topic_name}: that may be the real arm, '
                'and the commands of this rehearsal would move it; the stand-in arm is silent from now on. '
                'Rehearse with another ROS_DOMAIN_ID, or end the drivers'
            )
        if self._intruder:
            self.get_logger().fatal(self._intruder, throttle_duration_sec=5.0)

    def _on_feed(self, request: FeedBall.Request, response: FeedBall.Response) -> FeedBall.Response:
        if self._arm.in_play and request.trial == self._trial:
            response.accepted = True  # asked again, as the first answer got lost
            return response
        response.message = self._refusal()
        response.accepted = not response.message
        if response.accepted:
            self._throw(int(request.trial), int(request.seed))
        return response

    def _refusal(self) -> str:
        """Why no ball can be thrown now; empty where one can."""
        met = self._meeting.look()
        if self._intruder:
            return self._intruder
        if self._arm.in_play:
            return f'ball {self._trial} is still in play: ask again when its trace has come'
        loading = self._settings.pause - (time.monotonic_ns() - self._ball_over) / NANOSECONDS
        if self._balls and loading > 0.0:
            return f'the next ball is ready in {loading:.1f} s'
        if not met:
            return 'waiting until the nodes have found each other: is the controller running?'
        return ''

    def _throw(self, trial: int, seed: int) -> None:
        self._trial = trial
        self._balls += 1
        self._arm.throw(seed)

    def _health(self) -> Health:
        late = float(np.quantile(self._lateness, 0.99)) if self._lateness else 0.0
        values = {
            'lateness p99 [ms]': f'{1e3 * late:.2f}',
            'left out [s]': f'{self._left_out / NANOSECONDS:.1f}',
            'commands': str(self._commands),
            'balls': str(self._balls),
            'touched': self._touched,
        }
        if self._intruder:
            return Health(Level.ERROR, self._intruder, values)
        if self._touched:
            return Health(Level.ERROR, self._touched, values)
        if late > _LATE or self._left_out:
            return Health(
                Level.WARNING, 'too slow for real time: this rehearsal says little about the arm', values
            )
        return Health(Level.OK, 'a ball is in play' if self._arm.in_play else 'waits for a ball', values)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver stand_in_arm``."""
    run(StandInArmNode, args)


if __name__ == '__main__':
    main()
