"""Node: shows table, arm, ball, landings and what is aimed at, in RViz and Foxglove.

A mere listener: it publishes pictures and nothing that any node of the package, or any drive, goes by; it serves
nothing beyond its parameters, asks for nothing and has no role.
"""

from collections import deque
from typing import Any, Final

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from llm_policy_improver.msg import ExecutionTrace, OptimizerStatus
from llm_policy_improver.nodes.declared import declared, require_own_clock
from llm_policy_improver.nodes.limited import LONGEST_TRIAL, subscribe
from llm_policy_improver.nodes.link_frames import LinkFrames
from llm_policy_improver.nodes.messages import MessageError, trial_in
from llm_policy_improver.nodes.motion import LiveMotion, Motion, PlayedBack
from llm_policy_improver.nodes.motion_markers import Moment, MotionMarkers
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.scene_markers import Landed, scene
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.table_tennis.arm.robot_description import robot_description
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

SCENE: Final = '~/scene'
"""What stands still, whole; published when it has changed."""
MOTION: Final = '~/motion'
"""Arm and ball, while they move."""
_SCENE_PERIOD: Final = 0.5
"""s between two scenes, at least."""


class VisualizerNode(Node):
    """Publishes ``visualizer/scene``, ``visualizer/motion``, the URDF, and ``/tf`` where that can be.

    By the simulator's ticks it shows the trials that were stored; by the clock what drivers and cameras report. Where
    messages are sealed only those of the run are shown.

    Raises:
        SettingsError: the key of the run cannot be read.
    """

    def __init__(self, settings: VisualizerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('visualizer', **node_arguments)
        self._settings = declared(self, settings or VisualizerSettings())
        seals = Seals(self, self._settings.security)
        self._landed: deque[Landed] = deque(maxlen=self._settings.landings)
        self._run = ''
        self._status: OptimizerStatus | None = None
        self._changed = True
        self._markers = MotionMarkers()
        self._scenes = self.create_publisher(MarkerArray, SCENE, LATCHED)
        self._moments = self.create_publisher(MarkerArray, MOTION, LATCHED)
        self._description = self.create_publisher(String, self._settings.description_topic, LATCHED)
        self._description.publish(String(data=robot_description(self._settings.driver_joint_names)))
        self._frames = LinkFrames(self) if self._settings.tf else None
        self._player: PlayedBack | None = None
        self._motion: Motion
        if self._settings.lockstep:
            self._motion = self._player = PlayedBack(self._settings)
        else:
            require_own_clock(self)
            self._motion = LiveMotion(self, self._settings)
        subscribe(self, ExecutionTrace, 'execution_trace', seals.guarded(self._on_trace), TRACES, LONGEST_TRIAL)
        subscribe(self, OptimizerStatus, 'optimizer/status', seals.latest(self._on_status), LATCHED)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time may stand still
        self.create_timer(1.0 / self._settings.rate, self._on_look, clock=steady)
        self.create_timer(_SCENE_PERIOD, self._on_scene, clock=steady)
        if not (self._settings.lockstep or self._settings.security.key_file or self._settings.security.insecure):
            self.get_logger().warning(
                'there is no key of the run (security.key_file): what is shown may come from anybody on the network; '
                'decide by what llm-policy-improver approve shows'
            )

    def _on_trace(self, message: ExecutionTrace) -> None:
        if message.run and message.run != self._run:
            self._landed.clear()
            self._run = str(message.run)
        known = {each.number for each in self._landed}
        if int(message.trial) in known:
            return  # published again by a trace logger that was started again
        self._landed.append(Landed.of(message))
        self._changed = True
        if self._player is not None:
            try:
                self._player.play(trial_in(message).samples)
            except MessageError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=5.0)

    def _on_status(self, message: OptimizerStatus) -> None:
        self._status = message
        self._changed = True

    def _on_scene(self) -> None:
        if self._changed:
            self._changed = False
            self._scenes.publish(scene(self._landed, self._status))

    def _on_look(self) -> None:
        moment = self._motion.look()
        if moment is not None:
            self._show(moment)

    def _show(self, moment: Moment) -> None:
        self._moments.publish(self._markers.of(moment))
        if self._frames is not None and moment.joints is not None:
            self._frames.publish(moment.joints)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver visualizer``."""
    run(VisualizerNode, args)


if __name__ == '__main__':
    main()
