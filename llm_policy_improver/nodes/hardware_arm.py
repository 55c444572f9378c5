"""The physical arm by the clock: sensors and control ticks in the node's executor, commands from a thread.

The commands come from a thread of their own, for two reasons. They stay even while a tick plans or messages pour in;
and when the executor hangs, the thread still runs, sees that no tick comes any more, and slows the arm down. The ticks
see in turn where nothing comes from the thread.
"""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped, Vector3Stamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.nodes import realtime
from llm_policy_improver.nodes.diagnostics import TOPIC, Diagnostics, nodes_heard
from llm_policy_improver.nodes.inner_loop_thread import InnerLoopThread
from llm_policy_improver.nodes.joint_states import OLDEST, JointStates
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import ball_of, doubles, spin_of
from llm_policy_improver.nodes.publisher_watch import LOOKING, PublisherWatch, of_sensors
from llm_policy_improver.nodes.transport import shared_memory_warning
from llm_policy_improver.table_tennis.arm.frames import FrameError
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.ball_choice import BallChoice
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.guard.drive_check import DriveCheck
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.handover import Handover
from llm_policy_improver.table_tennis.guard.sensor_checks import Instant
from llm_policy_improver.table_tennis.guard.watchdog import WatchdogState
from llm_policy_improver.table_tennis.observation import Command
from llm_policy_improver.table_tennis.settings import ControllerSettings

_GANTRY, _ARM = slice(0, 2), slice(2, None)
"""Joints of the two groups of drives."""
_STANDSTILL = np.zeros(len(JOINTS))
_SLOWING_DOWN = 2.0
"""s that the arm is given to slow down before the program ends."""
_BOTH_WAYS = 0.5
"""s after which drivers that were found have found us too, on a busy machine as well: what is sent before, such as the
first steps of slowing down a moving arm, may be lost."""
_STARTING = 2.0
"""s that joint states and the executor are given to begin, once drivers listen; then the arm is stopped without."""
_HEARTBEAT = 0.5
"""s after a sign of life of a node in which another one tells nothing; they come once a second."""
_TOGETHER = 1_000_000
"""ns between the readings of two clocks, at most, to count as one moment."""
_READINGS = 5


class HardwareArm:
    """Between a `GuardedController` and the topics of drivers and cameras.

    Args:
        publish: takes every control tick's command, with what was really sent for it, and the version of the
            parameters that shaped it.
        changed: called after every control tick.
        chooser: has a program choose the parameters of each ball; None: no program does.
        chosen: takes what held in each swing that a program was to choose for, and the stamp of the tick, ns.
        checked: takes each check of the drives when it is over.
    """

    def __init__(
        self,
        node: Node,
        settings: ControllerSettings,
        publish: Callable[[Command, int], None],
        changed: Callable[[], None],
        chooser: BallChooser | None = None,
        chosen: Callable[[BallChoice, int], None] = lambda choice, stamp: None,
        checked: Callable[[DriveCheck], None] = lambda check: None,
    ) -> None:
        self._node = node
        self._settings = settings
        self._publish = publish
        self._changed = changed
        self._chooser = chooser
        self._chosen = chosen
        self._checked = checked
        self._guard = GuardedController(settings.controller, settings.guard, self._now, chooser)
        # Half of the watchdog's patience: what goes on from a message that is missing must soon end.
        self._joints = JointStates(
            settings.driver_joint_names, min(OLDEST, 0.5 * settings.watchdog.joints_stale)
        )
        self._loop: InnerLoopThread | None = None
        self._cycles_seen, self._ticks_without = 0, 0
        self._closing = ExitStack()
        self._watch = PublisherWatch(
            node,
            (settings.gantry_command_topic, settings.arm_command_topic),
            of_sensors(settings.joint_state_topic, settings.ball_topic),
        )
        self._clash = ''
        self._peers, self._heard = set(settings.peers), dict[str, float]()
        self._groups: list[tuple[Any, slice, int]] = []

    @property
    def state(self) -> str:
        """As in ``ControllerStatus.msg``."""
        return self._guard.state.value

    @property
    def fault(self) -> str:
        """Why the arm was stopped; empty where it was not."""
        fault = self._guard.fault
        return fault.sentence if fault is not None else ''

    @property
    def version(self) -> int:
        """Of the parameters in use."""
        return self._guard.version

    @property
    def takes(self) -> Handover:
        """Takes new parameters up as soon as that may be."""
        return self._guard.handover

    def arm(self) -> str:
        """Let the arm move; why not, in words, where it is refused."""
        if self._loop is None:
            return 'the node is not active'
        return self._guard.arm()

    def check_drives(self) -> str:
        """Find out whether the drives brake by themselves; why not, in words, where that is refused."""
        if self._loop is None:
            return 'the node is not active'
        return self._guard.check_drives()

    def disarm(self) -> None:
        """Slow the arm down and keep it standing."""
        self._guard.disarm()

    def emergency_stop(self) -> None:
        """Slow the arm down; it stands until a person resumes."""
        self._guard.emergency_stop()

    def resume(self) -> str:
        """To disarmed; why not, in words, where it is refused."""
        return self._guard.resume()

    def see_clash(self, amiss: str) -> None:
        """Which nodes are there that may not be together, in words, so that the arm must stand; empty: none."""
        self._clash = amiss
        self._look()

    def connect(self) -> None:
        """Listen to drivers, cameras and the other nodes."""
        node, settings = self._node, self._settings
        self._states = subscribe(
            node, JointState, settings.joint_state_topic, self._on_joints, qos_profile_sensor_data
        )
        self._closing.callback(node.destroy_subscription, self._states)
        for kind, topic, callback, qos in (
            (PointStamped, settings.ball_topic, self._on_ball, qos_profile_sensor_data),
            (Vector3Stamped, settings.spin_topic, self._on_spin, qos_profile_sensor_data),
        ):
            subscription = subscribe(node, kind, topic, callback, qos)
            self._closing.callback(node.destroy_subscription, subscription)
        heartbeats = subscribe(
            node, DiagnosticArray, TOPIC, self._on_diagnostics, 10, wanted=lambda: self._now_heard() < self._peers
        )
        self._closing.callback(node.destroy_subscription, heartbeats)
        every = settings.inner_loop.cycles
        for topic, joints, cycles in (
            (settings.gantry_command_topic, _GANTRY, every[0]),
            (settings.arm_command_topic, _ARM, every[1]),
        ):
            if topic:
                publisher = node.create_publisher(Float64MultiArray, topic, 10)
                self._groups.append((publisher, joints, cycles))
                self._closing.callback(node.destroy_publisher, publisher)
        looking = node.create_timer(LOOKING, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._closing.callback(node.destroy_timer, looking)
        self._closing.callback(Diagnostics(node, 'arm', realtime.reporting(self._guard.health)).close)

    def disconnect(self) -> None:
        """The end of `connect`."""
        self._groups.clear()
        self._closing.close()

    def start(self) -> None:
        """Begin to send commands: a moving arm is slowed down, and stands until it is armed."""
        warning = shared_memory_warning()
        if warning:
            self._node.get_logger().warning(warning)
        self._guard.begin()
        self._found, self._all_found, self._ticked = math.inf, math.inf, False
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(self._settings.controller.period, self._on_time, clock=steady)
        self._cycles_seen, self._ticks_without = 0, 0
        self._loop = InnerLoopThread(self._settings.inner_loop.period, self._send_next, self._stop_at_once)

    def stop(self) -> None:
        """Slow the arm down, then send nothing more: a ros2_control command topic keeps its last command for ever."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self._guard.disarm()
        end = time.monotonic() + _SLOWING_DOWN
        while loop.running and self._guard.slowing and time.monotonic() < end:
            time.sleep(self._settings.inner_loop.period)
        loop.end()
        loop.join(_SLOWING_DOWN)
        self._send(_STANDSTILL, 0)
        self._node.destroy_timer(self._timer)

    def _now(self) -> Instant:
        # A thread may have to wait between the two readings, and the clocks would seem to part.
        for _ in range(_READINGS):
            before = time.monotonic_ns()
            stamp = self._node.get_clock().now().nanoseconds
            steady = time.monotonic_ns()
            if steady - before < _TOGETHER:
                break
        return Instant(steady, stamp)

    def _on_joints(self, message: JointState) -> None:
        observation = self._joints.add(message)
        if observation is not None:
            self._guard.observe_joints(observation)
        elif self._joints.lacking:
            self._guard.joints_missing(f'none of {", ".join(self._joints.lacking)}')
            self._node.get_logger().error(
                f'no joint states of {", ".join(self._joints.lacking)} with position and velocity, while others '
                'come: check their driver, its clock and driver_joint_names',
                throttle_duration_sec=5.0,
            )

    def _on_ball(self, message: PointStamped) -> None:
        try:
            sighting = self._settings.cameras.to_table(ball_of(message), message.header.frame_id)
        except FrameError as error:
            self._node.get_logger().error(str(error), throttle_duration_sec=5.0)
            return
        self._guard.observe_ball(sighting)

    def _on_spin(self, message: Vector3Stamped) -> None:
        try:
            seen = self._settings.cameras.spin_to_table(spin_of(message), message.header.frame_id)
        except FrameError as error:
            self._node.get_logger().error(str(error), throttle_duration_sec=5.0)
            return
        self._guard.observe_spin(seen)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        namespace = self._node.get_namespace().rstrip('/')
        heard = nodes_heard(message)
        for peer in self._settings.peers:
            if f'{namespace}/{peer}' in heard:
                self._guard.heartbeat(peer)
                self._heard[peer] = time.monotonic()

    def _now_heard(self) -> set[str]:
        """Peers whose signs of life need no other one yet: who sends a thousand a second is not listened to."""
        now = time.monotonic()
        return {peer for peer, heard in self._heard.items() if now - heard < _HEARTBEAT}

    def _look(self) -> None:
        moving = self._guard.state not in (WatchdogState.DISARMED, WatchdogState.FAULT, WatchdogState.ESTOP)
        self._guard.see_others(self._clash or self._watch.look(moving))

    def _on_time(self) -> None:
        self._ticked = True
        self._watch_inner_loop()
        done = self._guard.tick()
        if done is not None:
            self._publish(*done)
        check = self._guard.take_check()
        if check is not None:
            self._checked(check)
        choice = None if self._chooser is None else self._chooser.pop()
        if choice is not None:
            self._chosen(choice, self._now().stamp)
        self._changed()

    def _watch_inner_loop(self) -> None:
        """Zeros from here where the inner loop sends nothing any more; where not even these, the node ends by it."""
        if self._loop is None:
            return
        cycles, before = self._loop.cycles, self._cycles_seen
        self._cycles_seen, self._ticks_without = cycles, self._ticks_without + 1 if cycles == before else 0
        if self._ticks_without >= self._settings.watchdog.missed_ticks:
            self._guard.fail(f'the inner loop has sent nothing for {self._ticks_without} control ticks')
            self._send(_STANDSTILL, 0)

    def _stop_at_once(self, error: Exception) -> None:
        """A cycle of the inner loop failed, and slowing down with it. Of its thread."""
        if not self._node.context.ok():
            if self._loop is not None:
                self._loop.end()
            return
        try:
            self._send(_STANDSTILL, 0)
        finally:
            self._guard.fail(f'the inner loop failed: {error!r}')
            self._node.get_logger().fatal(f'the inner loop failed: {error!r}', throttle_duration_sec=1.0)

    def _met(self) -> bool:
        """Whether joint states can come by now, so that patience with them may begin.

        Drivers are found after a moment or after two seconds, one topic after the other; what is sent earlier reaches
        nobody. And while the program starts, joint states wait until the executor takes them.
        """
        listens = [publisher.get_subscription_count() > 0 for publisher, _, _ in self._groups]
        if not any(listens):
            return False
        now = time.monotonic()
        self._found = min(self._found, now)
        if all(listens):
            self._all_found = min(self._all_found, now)
        if now - self._found > _STARTING:
            return True
        if now - self._all_found < _BOTH_WAYS:
            return False
        return self._ticked and self._states.get_publisher_count() > 0

    def _send_next(self, number: int) -> None:
        began = self._guard.sending
        if not began and not self._met():
            return
        asked = time.monotonic()
        command = self._guard.cycle()
        if command is None:
            return
        if not self._send(command.velocity, number, asked + self._settings.safety.longest_tick):
            # This process stood still meanwhile: the command is for drives as they were, and the next one will know
            # that they had none.
            self._guard.withdraw()
        elif not began:
            self._node.get_logger().info(f'the arm was found {self._guard.found}')

    def _send(self, velocity: Any, number: int, until: float = math.inf) -> bool:
        """To the drives whose turn it is, until this moment of the steady clock, s; whether that was enough."""
        # Serialised before the look at the clock: what a pause of the process can fall into takes 15 us, not 80.
        messages = [
            (publisher, serialize_message(Float64MultiArray(data=doubles(velocity[joints]))))
            for publisher, joints, cycles in self._groups
            if number % cycles == 0
        ]
        for publisher, message in messages:
            if time.monotonic() > until:
                return False
            publisher.publish(message)
        return True
