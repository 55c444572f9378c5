"""Trials on the physical arm: cut from the streams by the clock."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import ControllerStatus, JointVelocityCommand
from llm_policy_improver.nodes.joint_states import JointStates
from llm_policy_improver.nodes.messages import ball_of, command_of, stamp_of
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RECORDED
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.frames import FrameError
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.settings import TraceLoggerSettings
from llm_policy_improver.table_tennis.tracing.arm_witness import ArmWitness, StateChange
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder

_LOOKING: Final = 0.05
"""s between two looks whether a ball is over."""


class ClockedTrials:
    """Listens to drivers, cameras and controller; a ball that is not seen for ``ball_lost`` s is over.

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
    ) -> None:
        self._node = node
        self._settings = settings
        self._finish = finish
        self._joints = JointStates(settings.driver_joint_names)
        self._recorder = TraceRecorder()
        self._witness = ArmWitness(settings.ball_lost)
        self._versions: list[tuple[int, int]] = []
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
            (ControllerStatus, 'controller/status', self._on_status, LATCHED),
        ):
            subscription = node.create_subscription(kind, topic, callback, qos)
            self._closing.callback(node.destroy_subscription, subscription)
        timer = node.create_timer(_LOOKING, self._on_time)
        self._closing.callback(node.destroy_timer, timer)

    def disconnect(self) -> None:
        """The end of `connect`."""
        self._closing.close()

    def start(self) -> None:
        """Begin to record."""
        self._witness.begin(self._node.get_clock().now().nanoseconds)
        self._active = True

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
        self._recorder.balls.append(sighting)

    def _on_command(self, message: JointVelocityCommand) -> None:
        if not self._active:
            return
        command, version = command_of(message), int(message.parameters_version)
        self._witness.see_command(command.stamp)
        if self._recorder.balls:
            self._recorder.commands.append(command)
            self._versions.append((command.stamp, version))
        else:
            self.version = version

    def _on_status(self, message: ControllerStatus) -> None:
        self._witness.see_state(
            StateChange(stamp_of(message.header.stamp), str(message.state), str(message.fault))
        )
        if not self._recorder.balls:
            self.version = int(message.active_version)

    def _on_time(self) -> None:
        seen = self._recorder.last_sighting
        now = self._node.get_clock().now().nanoseconds
        if seen is not None and now - seen > self._settings.ball_lost * NANOSECONDS:
            self._end(self._witness.reason(self._recorder.balls))

    def _end(self, aborted: str) -> None:
        # After the last sighting, the parameters of the next ball may be in use.
        last = self._recorder.last_sighting or 0
        played = [version for stamp, version in self._versions if stamp <= last]
        self._finish(self._recorder, played[-1] if played else self.version, '', aborted)
        if self._versions:
            self.version = self._versions[-1][1]
        self._versions.clear()
        self._witness.forget()
