"""Node: the low-level controller, in lockstep with the simulator or by the clock on the arm."""

import time
from contextlib import suppress
from hmac import compare_digest
from pathlib import Path
from secrets import token_hex
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import Trigger

from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.tokens import ARM, CHECK, RESUME, operation_token
from llm_policy_improver.msg import BallChoice, ControllerStatus, JointVelocityCommand
from llm_policy_improver.msg import PolicyParameters as ParametersMessage
from llm_policy_improver.nodes.awaited_parameters import AwaitedParameters
from llm_policy_improver.nodes.claims import Timing
from llm_policy_improver.nodes.declared import declared, given, require_own_clock
from llm_policy_improver.nodes.hardware_arm import HardwareArm
from llm_policy_improver.nodes.lease import Lease
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.lockstep_arm import LockstepArm
from llm_policy_improver.nodes.messages import choice_message, command_message, name_of, parameters_of
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RELIABLE, REPEATED
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.srv import Operate
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball_choice import BallChoice as Choice
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.guard.drive_check import CHECKED, UNCHECKED, DriveCheck
from llm_policy_improver.table_tennis.guard.drive_proof import DriveProof, why_unproven
from llm_policy_improver.table_tennis.observation import Command
from llm_policy_improver.table_tennis.settings import ControllerSettings, require_limits

_DONE = TransitionCallbackReturn.SUCCESS
_LARGEST_STEP = 1_000_000
"""Of versions: after one near their end nothing newer could come."""
_COMMANDS = {ARM: 'arm', RESUME: 'resume-arm', CHECK: 'check-arm'}
_LOGGED = 0.1
"""s between two log lines about parameters that are refused: who sends them again and again fills no disk."""
_STANDS = 'the arm is commanded to stand still'


class ControllerNode(LifecycleNode):
    """Publishes ``joint_velocity_command`` and ``controller/status``; serves ``controller/arm``, ``controller/disarm``,
    ``controller/emergency_stop``, ``controller/resume`` and ``controller/check_drives``. On the physical arm, arming,
    resuming and checking need the operator's token, and arming a record that the drives were checked; disarming and
    stopping never need anything.

    A managed node: inactive, it listens to the sensors and answers the services; active, it sends commands. With
    ``autostart`` it configures and activates itself.

    Takes ``policy_parameters`` between balls only. Whatever comes there must have a growing version, the right joints,
    finite numbers and, on the physical arm, the seal of its run and nothing beyond what the safety file allows
    policies; anything else is refused and the parameters in use stay. What is offered already may come again,
    as from an optimizer that was restarted. Where they bring a program, that chooses others for the swing of each ball
    (`table_tennis.ball_chooser`), and ``controller/ball_choice`` tells what held in it.
    """

    def __init__(self, settings: ControllerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('controller', **node_arguments)
        self._settings = declared(self, settings or ControllerSettings())
        if not self._settings.lockstep:
            require_own_clock(self)
            if settings is None:
                require_limits(given(self), self.get_name())
        lease = Lease(self, 'controller', Timing.LOCKSTEP if self._settings.lockstep else Timing.CLOCK)
        self._seals = Seals(self, self._settings.security)
        self._operator = self._settings.security.operator()
        self._start, self._challenge, self._challenged = token_hex(8), token_hex(8), ''
        self._chooser = self._made_chooser()
        parts = (self, self._settings, self._send, self._say_status, self._chooser, self._tell_choice)
        self._arm: LockstepArm | HardwareArm
        self._arm = LockstepArm(*parts) if self._settings.lockstep else HardwareArm(*parts, self._on_checked)
        self._checked_by = ''
        lease.changed = self._arm.see_clash
        self._message = ''
        self._offered = Modulation()
        self._refused = 0
        self._status_said: tuple[str, int, str, str, str] | None = None
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
        self._offers = subscribe(
            self, ParametersMessage, 'policy_parameters', self._seals.guarded(self._on_parameters), LATCHED
        )
        self._awaited = AwaitedParameters(self, self._seals)
        self._offered_services = [
            self.create_service(Operate, 'controller/arm', self._on_arm),
            self.create_service(Trigger, 'controller/disarm', self._on_disarm),
            self.create_service(Trigger, 'controller/emergency_stop', self._on_emergency_stop),
            self.create_service(Operate, 'controller/resume', self._on_resume),
            self.create_service(Operate, 'controller/check_drives', self._on_check),
        ]
        self._telling = self.create_timer(REPEATED, self._repeat_status, clock=Clock(clock_type=ClockType.STEADY_TIME))
        if not self._settings.lockstep and not self._settings.drives_proof:
            self.get_logger().warning('drives_proof is empty: nobody asks whether the drives brake by themselves')
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
        self.destroy_timer(self._telling)
        for service in self._offered_services:
            self.destroy_service(service)
        self.destroy_subscription(self._offers)
        self._awaited.close()
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
        self._choices.publish(self._seals.sealed(choice_message(choice, stamp)))
        if choice.fallback is not None:
            self.get_logger().warning(f'version {choice.version}: {choice.sentence}')

    def _send(self, command: Command, version: int) -> None:
        self._commands.publish(command_message(command, version))

    def _on_parameters(self, message: ParametersMessage) -> None:
        if self._seals.asked and message.controller != self._start:
            # Also the latched ones of before this start: the optimizer sends them anew when it hears of it.
            self._seals.leave_out('parameters that were sealed for another start of the controller')
            return
        try:
            parameters = parameters_of(message)
            if not self._settings.lockstep:
                self._settings.safety.allowed.require(parameters)
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
            self.get_logger().error(self._message, throttle_duration_sec=_LOGGED)
            self._say_status()
            return
        self._offered, self._refused = parameters, 0
        self._arm.takes.offer(parameters)
        self._message = f'parameters version {parameters.version} by {parameters.proposed_by} accepted'
        self._say_status()

    def _on_arm(self, request: Operate.Request, response: Operate.Response) -> Operate.Response:
        moves = 'moves' if self._settings.lockstep else 'goes to its ready pose now, and moves'
        lacking = self._unproven() or self._awaited.why_missing(self._arm.version)
        refused = self._unauthorized(ARM, request) or lacking or self._arm.arm()
        return self._answered(response, 'not armed', refused, f'armed{_by(request)}: the arm {moves} when a ball comes')

    def _unproven(self) -> str:
        """Why it is not known that the drives brake by themselves, in words; empty where it is, or nobody asks."""
        settings = self._settings
        if settings.lockstep or not settings.drives_proof:
            return ''
        return why_unproven(Path(settings.drives_proof), self._operator, settings.safety.drive_timeout)

    def _on_check(self, request: Operate.Request, response: Operate.Response) -> Operate.Response:
        refused = self._unauthorized(CHECK, request) or self._arm.check_drives()
        if not refused:
            self._checked_by = name_of(request.operated_by)
        done = f'the drives are being checked{_by(request)}: all joints move slowly for some seconds'
        return self._answered(response, UNCHECKED, refused, done)

    def _on_checked(self, check: DriveCheck) -> None:
        """The check is over: what it has shown is recorded, and told in the status."""
        timeout, path = self._settings.safety.drive_timeout, self._settings.drives_proof
        refused = check.verdict(timeout)
        if not refused and check.measured is not None:
            measured = tuple(round(float(each), 4) for each in check.measured)
            proof = DriveProof(timeout, measured, time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), self._checked_by)
            try:
                if path:
                    proof.write(Path(path), self._operator)
            except OSError as error:
                refused = f'the record cannot be written: {error}'
            where = f'recorded in {path}' if path else 'recorded nowhere, as drives_proof is empty'
            self._message = f'{CHECKED}: without a command they brake after {max(measured):.3f} s at most; {where}'
        if refused:
            self._message = f'{UNCHECKED}: {refused}'
        self.get_logger().info(self._message)
        self._say_status()

    def _on_disarm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._arm.disarm()
        return self._answered(response, '', '', f'disarmed: {_STANDS}')

    def _on_emergency_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._arm.emergency_stop()
        return self._answered(response, '', '', f'emergency stop: {_STANDS} until controller/resume')

    def _on_resume(self, request: Operate.Request, response: Operate.Response) -> Operate.Response:
        refused = self._unauthorized(RESUME, request) or self._arm.resume()
        return self._answered(
            response, 'not resumed', refused, f'resumed{_by(request)}: disarmed, to be armed again'
        )

    def _unauthorized(self, operation: str, request: Operate.Request) -> str:
        """Why this may not be done, in words; a token that answered the challenge is used up by that."""
        key = self._operator
        if key is None:
            return ''
        if not request.operated_by.strip():
            return 'operated_by is empty: say who does it, for the record'
        wanted = operation_token(key, operation, self._challenge, request.operated_by)
        if not compare_digest(request.token.encode(), wanted.encode()):
            return (
                f'the token does not answer the challenge of now: use "llm-policy-improver {_COMMANDS[operation]}", '
                "which needs the operator's key"
            )
        self._challenge = token_hex(8)
        return ''

    def _answered(self, response: Any, not_done: str, refused: str, done: str) -> Any:
        """The answer of a service; whoever watches the status sees it, too."""
        self._message = f'{not_done}: {refused}' if refused else done
        response.success, response.message = not refused, self._message
        self._say_status()
        return response

    def _repeat_status(self) -> None:
        """Between balls nothing else would tell of messages that are left out, or reach who has not read the last."""
        self._say_status(again=self._seals.asked)

    def _say_status(self, again: bool = False) -> None:
        if self._arm.state != self._challenged:  # what was made for another state, as before a stop, is void
            self._challenge, self._challenged = token_hex(8), self._arm.state
        said = (self._arm.state, self._arm.version, self._arm.fault, self._message, self._challenge)
        if again or said != self._status_said:
            if said[2] and (self._status_said is None or said[2] != self._status_said[2]):
                self.get_logger().error(f'{said[0]}: {said[2]}')
            self._status_said = said
            status = ControllerStatus(
                state=said[0],
                active_version=said[1],
                refused_version=self._refused,
                fault=said[2],
                message=self._message,
                left_out=self._seals.left_out,
                challenge=self._challenge,
                start=self._start,
            )
            status.header.stamp = self.get_clock().now().to_msg()
            self._status.publish(self._seals.sealed(status))


def _by(request: Operate.Request) -> str:
    name = name_of(request.operated_by)
    return f' by {name}' if name else ''


def _same(one: Modulation, other: Modulation) -> bool:
    """Number for number, and letter for letter of a program; who proposed them may be told in other words."""
    return (one.attenuation, one.residual, one.program) == (other.attenuation, other.residual, other.program)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver controller``."""
    run(ControllerNode, args)


if __name__ == '__main__':
    main()
