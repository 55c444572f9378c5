"""Trials on the physical arm: cut from the streams by the clock."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import ControllerStatus, JointVelocityCommand
from llm_policy_improver.nodes.joint_states import JointStates
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import MessageError, ball_of, command_of, line_of, name_of, stamp_of
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RECORDED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.frames import FrameError
from llm_policy_improver.table_tennis.control.controller import LONGEST_PLAY
from llm_policy_improver.table_tennis.guard.sensor_checks import why_misplaced
from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation
from llm_policy_improver.table_tennis.settings import TraceLoggerSettings
from llm_policy_improver.table_tennis.tracing.arm_witness import ArmWitness, StateChange
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder

_LOOKING: Final = 0.05
"""s between two looks whether a ball is over."""
_PAUSE: Final = 0.05
"""s that a look may be late; more is a pause of this process, and none of the ball."""
_OLD: Final = 2.0
"""s from picture to sighting at most: those of the second that `nodes.qos.RECORDED` bridges, too, come late."""
_AHEAD: Final = 0.5
"""s by which a stamp may be in the future: as much as the watchdog's clock_jump can be."""
_CLOCK_SET: Final = 'the clock was set while this ball was in play'
_TOLD: Final = 5.0
"""s between two log lines about the same."""


class ClockedTrials:
    """Listens to drivers, cameras and controller; a ball that is not seen for ``ball_lost`` s is over.

    Of a ball that stays in view the first `LONGEST_PLAY` s count, and no ball counts till it has been out of sight.
    How long a ball was not seen is told by a steady clock: that of the stamps may be set.

    Args:
        finish: takes the recorder with a trial, the version of its parameters, what the arm touched that it must
            not (nobody can tell here) and why it was not played to its end.

    Attributes:
        version: of the parameters in use.
    """

    def __init__(
        self,
        node: Node,
        settings: TraceLoggerSettings,
        finish: Callable[[TraceRecorder, int, str, str], None],
        seals: Seals,
    ) -> None:
        self._node = node
        self._settings = settings
        self._finish = finish
        self._seals = seals
        self._joints = JointStates(settings.driver_joint_names)
        self._recorder = TraceRecorder(ball=settings.ball, filter=settings.filter)
        self._witness = ArmWitness(settings.ball_lost)
        self._versions: list[tuple[int, int]] = []
        self._first, self._recorded, self._silent_from = 0, 0, 0
        self._seen, self._seen_stamp = 0, 0
        self._looked = time.monotonic_ns()
        self._ignoring = False
        self._active = False
        self._closing = ExitStack()
        self.version = 0

    def connect(self) -> None:
        """Listen."""
        # Loaded, or even compiled, now: in the first trial it would take so long that the arm is stopped.
        self._recorder.kinematics.blade_path(np.array([HOME]))
        node, settings = self._node, self._settings
        for kind, topic, callback, qos in (
            (JointState, settings.joint_state_topic, self._on_joints, RECORDED),
            (PointStamped, settings.ball_topic, self._on_ball, RECORDED),
            (JointVelocityCommand, 'joint_velocity_command', self._on_command, COMMANDS),
            (ControllerStatus, 'controller/status', self._seals.latest(self._on_status), LATCHED),
        ):
            subscription = subscribe(node, kind, topic, callback, qos)
            self._closing.callback(node.destroy_subscription, subscription)
        timer = node.create_timer(_LOOKING, self._on_time, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._closing.callback(node.destroy_timer, timer)

    def disconnect(self) -> None:
        """The end of `connect`."""
        self._closing.close()

    def start(self) -> None:
        """Begin to record."""
        self._witness.begin(self._now())
        self._active, self._ignoring = True, False

    def stop(self, reason: str) -> None:
        """Record nothing more; a trial under way ends as aborted, for this reason."""
        if self._active and self._recorder.balls:
            self._end(reason)
        self._active = False

    def on_parameters(self) -> None:
        """Parameters or what a program chose have come; here nothing waits for them."""

    def _on_joints(self, message: JointState) -> None:
        arm = self._joints.add(message)
        if arm is None or not self._active:
            return
        self._witness.see_joints(arm.stamp)
        if self._recorder.balls:
            self._recorder.arms.append(arm)

    def _on_ball(self, message: PointStamped) -> None:
        if not self._active:
            return
        try:
            sighting = self._settings.cameras.to_table(ball_of(message), message.header.frame_id)
        except FrameError:
            return  # the controller refuses it, too, and says so
        wrong = why_misplaced(sighting, self._now(), _OLD, _AHEAD)
        if wrong:
            self._node.get_logger().warning(
                f'a sighting is left out: {wrong}; check the cameras and the clocks of the machines',
                throttle_duration_sec=_TOLD,
            )
            return
        self._follow(sighting)
        if self._ignoring:
            self._node.get_logger().warning(
                f'a ball is still in view: none counts before it was out of sight for {self._settings.ball_lost:g} s',
                throttle_duration_sec=_TOLD,
            )
        else:
            self._recorder.balls.append(sighting)

    def _follow(self, sighting: BallObservation) -> None:
        """A sighting has come: of the ball whose trial this is, of a new one, or of one to be ignored."""
        now, lost = time.monotonic_ns(), self._settings.ball_lost * NANOSECONDS
        # By the stamps, too: after a pause of this process the sightings of that time are still to be read.
        unseen = now - self._seen > lost and abs(sighting.stamp - self._seen_stamp) > lost
        self._seen, self._seen_stamp = now, sighting.stamp
        balls = self._recorder.balls
        if not balls:
            self._ignoring = self._ignoring and not unseen
            self._first = now
        else:
            passed = (sighting.stamp - balls[-1].stamp) - (now - self._recorded)
            if abs(passed) > (_OLD + _AHEAD) * NANOSECONDS:  # more than late sightings explain
                self._end(_CLOCK_SET)
                self._ignoring = True
            elif now - self._first > LONGEST_PLAY * NANOSECONDS:
                self._ignoring = True
        if not self._ignoring:
            self._recorded = self._silent_from = now

    def _on_command(self, message: JointVelocityCommand) -> None:
        if not self._active:
            return
        try:
            command, version = command_of(message), int(message.parameters_version)
        except MessageError as error:
            self._node.get_logger().error(
                f'joint_velocity_command is left out: {error}', throttle_duration_sec=_TOLD
            )
            return
        self._witness.see_command(command.stamp)
        if self._recorder.balls:
            self._recorder.commands.append(command)
            self._versions.append((command.stamp, version))
        else:
            self.version = version

    def _on_status(self, message: ControllerStatus) -> None:
        self._witness.see_state(
            StateChange(stamp_of(message.header.stamp), name_of(message.state), line_of(message.fault))
        )
        if not self._recorder.balls:
            self.version = int(message.active_version)

    def _on_time(self) -> None:
        now, balls = time.monotonic_ns(), self._recorder.balls
        late = now - self._looked - round(_LOOKING * NANOSECONDS)
        self._looked = now
        if late > _PAUSE * NANOSECONDS:  # sightings of that time are still to be read
            self._silent_from += late
        if balls and now - self._silent_from > self._settings.ball_lost * NANOSECONDS:
            self._end(self._witness.reason(balls))

    def _end(self, aborted: str) -> None:
        # After the last sighting, the parameters of the next ball may be in use.
        last = self._recorder.last_sighting or 0
        played = [version for stamp, version in self._versions if stamp <= last]
        self._finish(self._recorder, played[-1] if played else self.version, '', aborted)
        if self._versions:
            self.version = self._versions[-1][1]
        self._versions.clear()
        self._witness.forget()

    def _now(self) -> int:
        """ns, of the clock of the stamps."""
        return int(self._node.get_clock().now().nanoseconds)
