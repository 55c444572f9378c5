"""The simulated arm: every control tick is answered when everything that belongs to it has arrived."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import ControllerStatus, LockstepTick
from llm_policy_improver.nodes.lockstep import LockstepGate
from llm_policy_improver.nodes.messages import arm_of, ball_of
from llm_policy_improver.nodes.qos import RELIABLE
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.ball_choice import BallChoice
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.control.controller import LowLevelController
from llm_policy_improver.table_tennis.observation import Command
from llm_policy_improver.table_tennis.settings import ControllerSettings

_STOPPED = 'a person stopped the arm'


class LockstepArm:
    """Between a `LowLevelController` and the simulator. Armed from the start: nobody stands beside it.

    Args:
        publish: takes the answer to every tick, and the version of the parameters that shaped it.
        changed: called after every tick.
        chooser: has a program choose the parameters of each ball; None: no program does.
        chosen: takes what held in the swing of each ball that meets a program, and the stamp of the tick, ns.
    """

    def __init__(
        self,
        node: Node,
        settings: ControllerSettings,
        publish: Callable[[Command, int], None],
        changed: Callable[[], None],
        chooser: BallChooser | None = None,
        chosen: Callable[[BallChoice, int], None] = lambda choice, stamp: None,
    ) -> None:
        self._node = node
        self._settings = settings
        self._publish = publish
        self._changed = changed
        self._chooser = chooser
        self._chosen = chosen
        self._controller = LowLevelController(settings.controller, chooser=chooser)
        self._told = False
        self._gate = LockstepGate()
        self._armed = True
        self._active = False
        self._closing = ExitStack()
        self._clash = self._stopped = ''

    @property
    def fault(self) -> str:
        """Why the arm was stopped; empty where it was not."""
        return self._stopped or self._clash

    @property
    def state(self) -> str:
        """As in ``ControllerStatus.msg``."""
        if self.fault:
            return str(ControllerStatus.ESTOP if self._stopped else ControllerStatus.FAULT)
        return self._controller.state.value if self._armed else str(ControllerStatus.DISARMED)

    @property
    def version(self) -> int:
        """Of the parameters in use."""
        return self._controller.parameters.version

    @property
    def takes(self) -> LowLevelController:
        """Takes new parameters up from the next ball on."""
        return self._controller

    def arm(self) -> str:
        """Let the arm move; why not, in words, where it is refused."""
        if self.fault:
            return f'{self.fault}: resume first'
        self._armed = True
        self._controller.end_ball()
        return ''

    def check_drives(self) -> str:
        """There are none here that could be left alone."""
        return 'in simulation there are no drives to check'

    def disarm(self) -> None:
        """Answer every tick with standstill."""
        self._armed = False
        self._controller.end_ball()

    def emergency_stop(self) -> None:
        """Slow the arm down; it stands until a person resumes."""
        self.disarm()
        self._stopped = _STOPPED

    def resume(self) -> str:
        """To disarmed; why not, in words, where it is refused."""
        if not self._stopped:
            return self._clash or 'there is nothing to resume from'
        self._stopped = ''
        return ''

    def see_clash(self, amiss: str) -> None:
        """Which nodes are there that may not be together, in words; the arm stands as long as there are some."""
        self._clash = amiss

    def connect(self) -> None:
        """Listen to the simulator."""
        node, settings = self._node, self._settings
        for kind, topic, callback in (
            (JointState, settings.joint_state_topic, self._on_joints),
            (PointStamped, settings.ball_topic, self._on_ball),
            (LockstepTick, 'lockstep/tick', self._on_tick),
        ):
            subscription = node.create_subscription(kind, topic, callback, RELIABLE)
            self._closing.callback(node.destroy_subscription, subscription)

    def disconnect(self) -> None:
        """The end of `connect`."""
        self._closing.close()

    def start(self) -> None:
        """Answer ticks."""
        self._active = True

    def stop(self) -> None:
        """Answer no more ticks."""
        self._active = False

    def _on_joints(self, message: JointState) -> None:
        observation = arm_of(message)
        if observation is not None:
            self._gate.add_arm(observation)
            self._advance()

    def _on_ball(self, message: PointStamped) -> None:
        self._gate.add_ball(ball_of(message))
        self._advance()

    def _on_tick(self, message: LockstepTick) -> None:
        self._gate.add_tick(message)
        self._advance()

    def _advance(self) -> None:
        """Answer every tick that is complete."""
        while self._active and (tick := self._gate.pop()) is not None:
            if tick.message.tick == 0:
                self._controller.end_ball()
                self._told = False
                if self._chooser is not None:
                    self._chooser.pop()  # of a swing that was fixed twice
            for sighting in tick.sightings:
                self._controller.observe_ball(sighting)
            if tick.message.last:
                self._tell_choice(tick.arm.stamp, last=True)
                self._controller.end_ball()
            else:
                command = self._controller.command(tick.arm)
                standing = replace(command, applied=np.zeros(len(JOINTS)), limited=True)
                self._publish(command if self._armed and not self._clash else standing, self.version)
                self._tell_choice(tick.arm.stamp)
            self._changed()

    def _tell_choice(self, stamp: int, last: bool = False) -> None:
        """Once for every ball that meets a program, so that whoever records the trial can wait for it."""
        if self._chooser is None or self._told:
            return
        choice = self._chooser.pop() or (self._chooser.missed() if last else None)
        if choice is not None:
            self._told = True
            self._chosen(choice, stamp)
