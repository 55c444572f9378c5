"""Node: the low-level controller, in lockstep with the simulator or by the clock on the arm."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool

from llm_policy_improver.control.controller import LowLevelController
from llm_policy_improver.msg import ControllerStatus, JointVelocityCommand, LockstepTick, PolicyParameters
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.lockstep import LockstepGate
from llm_policy_improver.nodes.messages import arm_of, ball_of, command_message, doubles, parameters_of
from llm_policy_improver.nodes.qos import COMMANDS, LATCHED, RELIABLE, stream
from llm_policy_improver.nodes.running import run
from llm_policy_improver.observation import NANOSECONDS, ArmObservation
from llm_policy_improver.parameters import JOINTS, ParameterError
from llm_policy_improver.settings import ControllerSettings

_SLIDES = 2
"""The first joints are the gantry's."""


class ControllerNode(Node):
    """Publishes ``joint_velocity_command`` and ``controller/status``; serves ``controller/enable``.

    Takes ``policy_parameters`` between balls only. Whatever comes there must have a growing version, the right
    joints and finite numbers; anything else is refused and the parameters in use stay.
    """

    def __init__(self, settings: ControllerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('controller', **node_arguments)
        self._settings = declared(self, settings or ControllerSettings())
        self._controller = LowLevelController(self._settings.controller)
        self._armed = self._settings.armed or self._settings.lockstep  # nobody stands beside a simulated arm
        self._gate = LockstepGate()
        self._latest: ArmObservation | None = None
        self._message = ''
        self._offered = 0
        self._status_said: tuple[str, int, str] | None = None
        self._commands = self.create_publisher(JointVelocityCommand, 'joint_velocity_command', COMMANDS)
        self._status = self.create_publisher(ControllerStatus, 'controller/status', LATCHED)
        self._groups = [
            (self.create_publisher(Float64MultiArray, topic, 10), joints)
            for topic, joints in (
                (self._settings.gantry_command_topic, slice(0, _SLIDES)),
                (self._settings.arm_command_topic, slice(_SLIDES, None)),
            )
            if topic
        ]
        sensors = stream(self._settings.lockstep)
        self.create_subscription(JointState, self._settings.joint_state_topic, self._on_joints, sensors)
        self.create_subscription(PointStamped, self._settings.ball_topic, self._on_ball, sensors)
        self.create_subscription(PolicyParameters, 'policy_parameters', self._on_parameters, LATCHED)
        self.create_service(SetBool, 'controller/enable', self._on_enable)
        if self._settings.lockstep:
            self.create_subscription(LockstepTick, 'lockstep/tick', self._on_tick, RELIABLE)
        else:
            self.create_timer(self._settings.controller.period, self._on_time)
        self._say_status()

    def destroy_node(self) -> None:
        """Leave the arm standing: a ros2_control command topic keeps its last command for ever."""
        with suppress(RuntimeError, InvalidHandle):  # the context may be gone already
            self._stop()
        super().destroy_node()

    def _on_joints(self, message: JointState) -> None:
        arm = arm_of(message, JOINTS if self._settings.lockstep else self._settings.driver_joint_names)
        if arm is None:
            self.get_logger().error(
                f'joint_states lacks some of {", ".join(self._settings.driver_joint_names)}: check driver_joint_names',
                throttle_duration_sec=5.0,
            )
            return
        self._latest = arm
        if self._settings.lockstep:
            self._gate.add_arm(arm)
            self._advance()

    def _on_ball(self, message: PointStamped) -> None:
        if self._settings.lockstep:
            self._gate.add_ball(ball_of(message))
            self._advance()
        elif self._armed:
            self._controller.observe_ball(ball_of(message))

    def _on_tick(self, message: LockstepTick) -> None:
        self._gate.add_tick(message)
        self._advance()

    def _advance(self) -> None:
        """Answer every tick that is complete."""
        while (tick := self._gate.pop()) is not None:
            if tick.message.tick == 0:
                self._controller.end_ball()
            for sighting in tick.sightings:
                self._controller.observe_ball(sighting)
            if tick.message.last:
                self._controller.end_ball()
            else:
                self._send(tick.arm)
            self._say_status()

    def _on_time(self) -> None:
        """By the clock: answer the latest joint state, if it is fresh."""
        arm = self._latest
        now = self.get_clock().now().nanoseconds
        if arm is None or now - arm.stamp > self._settings.state_timeout * NANOSECONDS:
            self._stop()
            return
        self._send(arm)
        self._say_status()

    def _send(self, arm: ArmObservation) -> None:
        command = self._controller.command(arm)
        if not self._armed:
            command = replace(command, applied=np.zeros(len(JOINTS)), limited=True)
        self._commands.publish(command_message(command, self._controller.parameters.version))
        for publisher, joints in self._groups:
            publisher.publish(Float64MultiArray(data=doubles(command.applied[joints])))

    def _stop(self) -> None:
        """The state of the arm is unknown: nothing but standstill can be commanded."""
        for publisher, joints in self._groups:
            publisher.publish(Float64MultiArray(data=doubles([0.0] * len(JOINTS[joints]))))

    def _on_parameters(self, message: PolicyParameters) -> None:
        try:
            parameters = parameters_of(message)
            if parameters.version <= self._offered:
                raise ParameterError(
                    f'the version must grow: {parameters.version} came after {self._offered}'
                )
        except ParameterError as error:
            self._message = f'parameters version {message.version} refused: {error}'
            self.get_logger().error(self._message)
            self._say_status()
            return
        self._offered = parameters.version
        self._controller.offer(parameters)
        self._message = f'parameters version {parameters.version} by {parameters.proposed_by} accepted'
        self._say_status()

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._armed = bool(request.data)
        self._controller.end_ball()
        self._message = (
            'armed: the arm moves when a ball comes'
            if self._armed
            else 'disarmed: the arm is commanded to stand still'
        )
        response.success, response.message = True, self._message
        self._say_status()
        return response

    def _say_status(self) -> None:
        state = self._controller.state.value if self._armed else ControllerStatus.DISARMED
        said = (state, self._controller.parameters.version, self._message)
        if said != self._status_said:
            self._status_said = said
            status = ControllerStatus(state=said[0], active_version=said[1], message=said[2])
            status.header.stamp = self.get_clock().now().to_msg()
            self._status.publish(status)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver controller``."""
    run(ControllerNode, args)


if __name__ == '__main__':
    main()
