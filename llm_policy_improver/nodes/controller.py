"""Node: the low-level controller, in lockstep with the simulator or by the clock on the arm."""

from contextlib import suppress
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import SetBool, Trigger

from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.msg import BallChoice, ControllerStatus, JointVelocityCommand
from llm_policy_improver.msg import PolicyParameters as ParametersMessage
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.hardware_arm import HardwareArm
from llm_policy_improver.nodes.lockstep_arm import LockstepArm
from llm_policy_improver.nodes.messages import choice_message, command_message, parameters_of
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RELIABLE
from llm_policy_improver.nodes.running import run
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.table_tennis.arm.modulation import Modulation, require_residuals
from llm_policy_improver.table_tennis.ball_choice import BallChoice as Choice
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.observation import Command
from llm_policy_improver.table_tennis.settings import ControllerSettings

_DONE = TransitionCallbackReturn.SUCCESS
_LARGEST_STEP = 1_000_000
"""Of versions: after one near their end nothing newer could come."""
_STANDS = 'the arm is commanded to stand still'


class ControllerNode(LifecycleNode):
    """Publishes ``joint_velocity_command`` and ``controller/status``; serves ``controller/enable`` (arm, disarm),
    ``controller/emergency_stop`` and ``controller/resume``.

    A managed node: inactive, it listens to the sensors and answers the services; active, it sends commands. With
    ``autostart`` it configures and activates itself.

    Takes ``policy_parameters`` between balls only. Whatever comes there must have a growing version, the right joints,
    finite numbers and, on the physical arm, no residual beyond ``safety.residual``; anything else is refused and the
    parameters in use stay. What is offered already may come again,
    as from an optimizer that was restarted. Where they bring a program, that chooses others for the swing of each ball
    (`table_tennis.ball_chooser`), and ``controller/ball_choice`` tells what held in it.
    """

    def __init__(self, settings: ControllerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('controller', **node_arguments)
        self._settings = declared(self, settings or ControllerSettings())
        kind = LockstepArm if self._settings.lockstep else HardwareArm
        self._chooser = self._made_chooser()
        self._arm: LockstepArm | HardwareArm = kind(
            self, self._settings, self._send, self._say_status, self._chooser, self._tell_choice
        )
        self._message = ''
        self._offered = Modulation()
        self._refused = 0
        self._status_said: tuple[str, int, str, str] | None = None
        if self._settings.autostart:
            self.trigger_configure()
            self.trigger_activate()

    def destroy_node(self) -> None:
        """Leave the arm standing."""
        with suppress(RuntimeError, InvalidHandle):  # the context may be gone already
            self._arm.stop()
        if self._chooser is not None:
            self._chooser.close()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unconfigured to inactive: publishers, subscriptions, services."""
        self._commands = self.create_publisher(JointVelocityCommand, 'joint_velocity_command', COMMANDS)
        self._status = self.create_publisher(ControllerStatus, 'controller/status', LATCHED)
        self._choices = self.create_publisher(BallChoice, 'controller/ball_choice', RELIABLE)
        self._arm.connect()
        self._offers = self.create_subscription(
            ParametersMessage, 'policy_parameters', self._on_parameters, LATCHED
        )
        self._offered_services = [
            self.create_service(SetBool, 'controller/enable', self._on_enable),
            self.create_service(Trigger, 'controller/emergency_stop', self._on_emergency_stop),
            self.create_service(Trigger, 'controller/resume', self._on_resume),
        ]
        self._say_status()
        return _DONE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Inactive to active: commands are sent; a physical arm is disarmed."""
        self._arm.start()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Active to inactive: the arm slows down; then nothing more is sent."""
        self._arm.stop()
        self._say_status()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Inactive to unconfigured."""
        self._arm.disconnect()
        for service in self._offered_services:
            self.destroy_service(service)
        self.destroy_subscription(self._offers)
        self.destroy_publisher(self._choices)
        self.destroy_publisher(self._status)
        self.destroy_publisher(self._commands)
        self._status_said = None
        return _DONE

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state to the end."""
        self._arm.stop()
        return _DONE

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition broke off."""
        self._arm.stop()
        return TransitionCallbackReturn.FAILURE

    def _made_chooser(self) -> BallChooser | None:
        """Where programs may choose: the sandbox starts now, with ordinary priority and before anything moves."""
        if not self._settings.programs:
            return None
        try:
            chooser = BallChooser(self._settings.safety.residual, waits=self._settings.lockstep)
        except SandboxUnavailableError as error:
            raise SettingsError(f'controller: programs is true, and none can be run here: {error}') from None
        self.get_logger().info(chooser.sandbox.sentence)
        return chooser

    def _tell_choice(self, choice: Choice, stamp: int) -> None:
        self._choices.publish(choice_message(choice, stamp))
        if choice.fallback is not None:
            self.get_logger().warning(f'version {choice.version}: {choice.sentence}')

    def _send(self, command: Command, version: int) -> None:
        self._commands.publish(command_message(command, version))

    def _on_parameters(self, message: ParametersMessage) -> None:
        try:
            parameters = parameters_of(message)
            if not self._settings.lockstep:
                require_residuals(parameters.residual, self._settings.safety.residual)
            if parameters.version == self._offered.version and _same(parameters, self._offered):
                return
            if parameters.program is not None and self._chooser is None:
                raise ParameterError(
                    'programs are not run here: set programs to true in the settings of the controller'
                )
            if not 0 < parameters.version - self._offered.version <= _LARGEST_STEP:
                raise ParameterError(
                    f'the version must grow: {parameters.version} came after {self._offered.version}'
                    f'{"" if parameters.version <= self._offered.version else f"; by {_LARGEST_STEP:,} at most"}'
                )
        except ParameterError as error:
            self._refused = int(message.version)
            self._message = f'parameters version {message.version} refused: {error}'
            self.get_logger().error(self._message)
            self._say_status()
            return
        self._offered, self._refused = parameters, 0
        self._arm.takes.offer(parameters)
        self._message = f'parameters version {parameters.version} by {parameters.proposed_by} accepted'
        self._say_status()

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        refused = ''
        if request.data:
            refused = self._arm.arm()
            moves = 'moves' if self._settings.lockstep else 'goes to its ready pose now, and moves'
            done = f'armed: the arm {moves} when a ball comes'
        else:
            self._arm.disarm()
            done = f'disarmed: {_STANDS}'
        return self._answered(response, 'not armed', refused, done)

    def _on_emergency_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._arm.emergency_stop()
        return self._answered(response, '', '', f'emergency stop: {_STANDS} until controller/resume')

    def _on_resume(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        refused = self._arm.resume()
        return self._answered(response, 'not resumed', refused, 'resumed: disarmed, to be armed again')

    def _answered(self, response: Any, not_done: str, refused: str, done: str) -> Any:
        """The answer of a service; whoever watches the status sees it, too."""
        self._message = f'{not_done}: {refused}' if refused else done
        response.success, response.message = not refused, self._message
        self._say_status()
        return response

    def _say_status(self) -> None:
        said = (self._arm.state, self._arm.version, self._arm.fault, self._message)
        if said != self._status_said:
            if said[2] and (self._status_said is None or said[2] != self._status_said[2]):
                self.get_logger().error(f'{said[0]}: {said[2]}')
            self._status_said = said
            status = ControllerStatus(
                state=said[0],
                active_version=said[1],
                refused_version=self._refused,
                fault=said[2],
                message=self._message,
            )
            status.header.stamp = self.get_clock().now().to_msg()
            self._status.publish(status)


def _same(one: Modulation, other: Modulation) -> bool:
    """Number for number, and letter for letter of a program; who proposed them may be told in other words."""
    return (one.attenuation, one.residual, one.program) == (other.attenuation, other.residual, other.program)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver controller``."""
    run(ControllerNode, args)


if __name__ == '__main__':
    main()
