"""Trials in simulation: a trial is complete with its last tick, the answers to all ticks, and its parameters."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from geometry_msgs.msg import PointStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import JointVelocityCommand, LockstepTick
from llm_policy_improver.nodes.lockstep import LockstepGate
from llm_policy_improver.nodes.messages import MessageError, arm_of, ball_of, command_of, line_of, name_of
from llm_policy_improver.nodes.qos import COMMANDS, RELIABLE
from llm_policy_improver.table_tennis.settings import TraceLoggerSettings
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder

_OVERDUE: Final = 3.0
"""s that the last commands of a trial may come after its last tick."""


class LockstepTrials:
    """Listens to simulator and controller.

    Args:
        knows: whether the parameters of a version have come, and what their program, if they have one, chose.
        finish: takes the recorder with a trial, the version of its parameters, what the arm touched that it must
            not, and why it was not played to its end.

    Attributes:
        version: of the parameters in use.
    """

    def __init__(
        self,
        node: Node,
        settings: TraceLoggerSettings,
        knows: Callable[[int], bool],
        finish: Callable[[TraceRecorder, int, str, str], None],
    ) -> None:
        self._node = node
        self._settings = settings
        self._knows = knows
        self._finish = finish
        self._recorder = TraceRecorder(ball=settings.ball, filter=settings.filter)
        self._gate = LockstepGate()
        self._ending: LockstepTick | None = None
        self._last_tick: LockstepTick | None = None
        self._active = False
        self._closing = ExitStack()
        self.version = 0

    def connect(self) -> None:
        """Listen."""
        node, settings = self._node, self._settings
        for kind, topic, callback, qos in (
            (JointState, settings.joint_state_topic, self._on_joints, RELIABLE),
            (PointStamped, settings.ball_topic, self._on_ball, RELIABLE),
            (JointVelocityCommand, 'joint_velocity_command', self._on_command, COMMANDS),
            (LockstepTick, 'lockstep/tick', self._on_tick, RELIABLE),
        ):
            subscription = node.create_subscription(kind, topic, callback, qos)
            self._closing.callback(node.destroy_subscription, subscription)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._overdue = node.create_timer(_OVERDUE, self._on_overdue, clock=steady, autostart=False)
        self._closing.callback(node.destroy_timer, self._overdue)

    def disconnect(self) -> None:
        """The end of `connect`."""
        self._closing.close()

    def start(self) -> None:
        """Begin to record."""
        self._active = True

    def stop(self, reason: str) -> None:
        """Record nothing more; a trial under way ends as aborted, for this reason."""
        if self._active and self._recorder.arms:
            self._end('', reason)
        self._active = False
        self._gate = LockstepGate()

    def on_parameters(self) -> None:
        """Parameters or what a program chose have come, perhaps those that a trial waits for."""
        self._finish_complete()

    def _on_joints(self, message: JointState) -> None:
        arm = arm_of(message)
        if arm is not None:
            self._gate.add_arm(arm)
            self._advance()

    def _on_ball(self, message: PointStamped) -> None:
        self._gate.add_ball(ball_of(message))
        self._advance()

    def _on_command(self, message: JointVelocityCommand) -> None:
        if self._active:
            try:
                self._recorder.commands.append(command_of(message))
            except MessageError as error:
                self._node.get_logger().error(f'joint_velocity_command is left out: {error}')
                return
            self.version = int(message.parameters_version)
            self._finish_complete()

    def _on_tick(self, message: LockstepTick) -> None:
        self._gate.add_tick(message)
        if message.last and self._active:
            self._ending = message
            self._overdue.reset()
        self._advance()

    def _advance(self) -> None:
        while (tick := self._gate.pop()) is not None:
            if not self._active:
                continue
            self._recorder.balls.extend(tick.sightings)
            self._recorder.arms.append(tick.arm)
            if tick.message.last:
                self._last_tick = tick.message
        self._finish_complete()

    def _finish_complete(self) -> None:
        last = self._last_tick
        if last is not None and self._unanswered(last) <= 0 and self._knows(self.version):
            self._end(name_of(last.contact), line_of(last.aborted))

    def _unanswered(self, last: LockstepTick) -> int:
        """Ticks of the trial that ends with this one whose commands are not here yet."""
        first = min(arm.stamp for arm in self._recorder.arms)
        return int(last.tick) - sum(command.stamp >= first for command in self._recorder.commands)

    def _on_overdue(self) -> None:
        """What is from before this node joined does not come any more."""
        if self._last_tick is not None:
            last, unanswered = self._last_tick, self._unanswered(self._last_tick)
            missing = f'{unanswered} commands of the controller did not arrive here' if unanswered > 0 else ''
            self._end(name_of(last.contact), line_of(last.aborted) or missing)
        elif self._ending is not None:
            self._gate = LockstepGate()
            aborted = line_of(self._ending.aborted) or 'some observations did not arrive here'
            self._end(name_of(self._ending.contact), aborted)

    def _end(self, contact: str, aborted: str) -> None:
        self._last_tick = self._ending = None
        self._overdue.cancel()
        self._finish(self._recorder, self.version, contact, aborted)
