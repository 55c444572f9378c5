"""Node: cuts the streams into trials, judges and stores each one, then publishes it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geometry_msgs.msg import PointStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState

from llm_policy_improver.control.guarded import Health, Level
from llm_policy_improver.frames import FrameError
from llm_policy_improver.msg import (
    BallLanding,
    ExecutionTrace,
    JointVelocityCommand,
    LockstepTick,
    PolicyParameters,
)
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.diagnostics import Diagnostics
from llm_policy_improver.nodes.lockstep import LockstepGate
from llm_policy_improver.nodes.messages import (
    FRAME,
    arm_of,
    ball_of,
    command_of,
    header_of,
    parameters_of,
    point,
    trace_message,
)
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RELIABLE, TRACES, stream
from llm_policy_improver.nodes.running import run
from llm_policy_improver.observation import NANOSECONDS
from llm_policy_improver.parameters import JOINTS, ParameterError
from llm_policy_improver.parameters import PolicyParameters as Parameters
from llm_policy_improver.settings import TraceLoggerSettings
from llm_policy_improver.tracing.recorder import TraceRecorder
from llm_policy_improver.tracing.run_folder import default_run_folder
from llm_policy_improver.tracing.store import RunStore, StoreError

_OVERDUE = 3.0
"""s that the last commands of a trial may come after its last tick."""


class TraceLoggerNode(Node):
    """Publishes ``execution_trace`` and ``ball/landing``, each only after the trial is durably stored."""

    def __init__(self, settings: TraceLoggerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('trace_logger', **node_arguments)
        self._settings = declared(self, settings or TraceLoggerSettings())
        folder = self._settings.output_folder
        self._store = RunStore.join(Path(folder) if folder else default_run_folder('', datetime.now(UTC)), {})
        if self._store.trials() and not self._settings.resume:
            raise StoreError(
                f'{self._store.folder} already holds trials: choose another output_folder, '
                'or set resume to continue them'
            )
        self.get_logger().info(f'storing trials in {self._store.folder}')
        self._recorder = TraceRecorder()
        self._gate = LockstepGate()
        self._ending: LockstepTick | None = None
        self._last_tick: LockstepTick | None = None
        self._known: dict[int, Parameters] = {0: Parameters()}
        self._version = 0
        self._traces = self.create_publisher(ExecutionTrace, 'execution_trace', TRACES)
        self._landings = self.create_publisher(BallLanding, 'ball/landing', RELIABLE)
        sensors = stream(self._settings.lockstep)
        self.create_subscription(JointState, self._settings.joint_state_topic, self._on_joints, sensors)
        self.create_subscription(PointStamped, self._settings.ball_topic, self._on_ball, sensors)
        self.create_subscription(JointVelocityCommand, 'joint_velocity_command', self._on_command, COMMANDS)
        self.create_subscription(PolicyParameters, 'policy_parameters', self._on_parameters, LATCHED)
        if self._settings.lockstep:
            self.create_subscription(LockstepTick, 'lockstep/tick', self._on_tick, RELIABLE)
            self._overdue = self.create_timer(_OVERDUE, self._on_overdue, autostart=False)
        else:
            self.create_timer(0.05, self._on_time)
            # The controller's watchdog listens: an arm whose trials nobody stores is stopped.
            self._diagnostics = Diagnostics(self, 'storing', self._health)

    def destroy_node(self) -> None:
        """Close the store with the node."""
        self._store.close()
        super().destroy_node()

    def _on_parameters(self, message: PolicyParameters) -> None:
        try:
            parameters = parameters_of(message)
        except ParameterError:
            return  # the controller refuses them too, and says so
        self._known.setdefault(parameters.version, parameters)
        self._finish_lockstep()

    def _health(self) -> Health:
        return Health(
            Level.OK, 'storing trials', {'folder': str(self._store.folder), 'version': str(self._version)}
        )

    def _on_joints(self, message: JointState) -> None:
        arm = arm_of(message, JOINTS if self._settings.lockstep else self._settings.driver_joint_names)
        if arm is None:
            return
        if self._settings.lockstep:
            self._gate.add_arm(arm)
            self._advance()
        elif self._recorder.balls:
            self._recorder.arms.append(arm)

    def _on_ball(self, message: PointStamped) -> None:
        if self._settings.lockstep:
            self._gate.add_ball(ball_of(message))
            self._advance()
            return
        try:
            sighting = self._settings.cameras.to_table(ball_of(message), message.header.frame_id)
        except FrameError:
            return  # the controller refuses it, too, and says so
        self._recorder.balls.append(sighting)

    def _on_command(self, message: JointVelocityCommand) -> None:
        if self._settings.lockstep or self._recorder.balls:
            self._recorder.commands.append(command_of(message))
            self._version = int(message.parameters_version)
        self._finish_lockstep()

    def _on_tick(self, message: LockstepTick) -> None:
        self._gate.add_tick(message)
        if message.last:
            self._ending = message
            self._overdue.reset()
        self._advance()

    def _advance(self) -> None:
        while (tick := self._gate.pop()) is not None:
            self._recorder.balls.extend(tick.sightings)
            self._recorder.arms.append(tick.arm)
            if tick.message.last:
                self._last_tick = tick.message
        self._finish_lockstep()

    def _finish_lockstep(self) -> None:
        """Close the trial when its last tick is here, and so are the answers to all before and the parameters."""
        last = self._last_tick
        if last is not None and self._unanswered(last) <= 0 and self._version in self._known:
            self._close(last, last.aborted)

    def _unanswered(self, last: LockstepTick) -> int:
        """Ticks of the trial that ends with this one whose commands are not here yet."""
        first = min(arm.stamp for arm in self._recorder.arms)
        return int(last.tick) - sum(command.stamp >= first for command in self._recorder.commands)

    def _on_overdue(self) -> None:
        """What is from before this node joined does not come any more."""
        if self._last_tick is not None:
            unanswered = self._unanswered(self._last_tick)
            missing = f'{unanswered} commands of the controller did not arrive here' if unanswered > 0 else ''
            self._close(self._last_tick, self._last_tick.aborted or missing)
        elif self._ending is not None:
            self._gate = LockstepGate()
            self._close(self._ending, self._ending.aborted or 'some observations did not arrive here')

    def _close(self, last: LockstepTick, aborted: str) -> None:
        self._last_tick = self._ending = None
        self._overdue.cancel()
        self._finish(last.contact, aborted)

    def _on_time(self) -> None:
        """By the clock: a ball not seen for a while is out of play."""
        seen = self._recorder.last_sighting
        if seen is None:
            return
        now = self.get_clock().now().nanoseconds
        if now - seen > self._settings.ball_lost * NANOSECONDS:
            self._finish('', '')

    def _finish(self, contact: str, aborted: str) -> None:
        start = self._recorder.start or 0
        parameters = self._known.get(self._version)
        if parameters is None:
            parameters = Parameters(version=self._version)
            aborted = aborted or f'the parameters of version {self._version} were never seen here'
        try:
            trace = self._store.add_trial(self._recorder.finish(parameters, contact, aborted), start)
        except StoreError as error:
            self.get_logger().error(f'a trial is lost: {error}')
            return
        if trace.landing is not None:
            self._landings.publish(
                BallLanding(
                    header=header_of(start + round(trace.landing.time * NANOSECONDS), FRAME),
                    trial=trace.trial,
                    outcome=trace.outcome.value,
                    point=point((trace.landing.x, trace.landing.y, 0.0)),
                )
            )
        self._traces.publish(trace_message(trace, start))


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver trace_logger``."""
    run(TraceLoggerNode, args)


if __name__ == '__main__':
    main()
