"""Settings of the table-tennis cell: simulator, controller and trace logger."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from llm_policy_improver.core.ranges import (
    require_joint_names,
    require_nodes,
    require_path,
    require_ranges,
    require_topics,
)
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import SettingsError, to_mapping
from llm_policy_improver.table_tennis.arm.frames import CameraFrame
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardSettings
from llm_policy_improver.table_tennis.guard.handover import HandoverSettings
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig


def check_priority(priority: int, where: str) -> None:
    """Raise `SettingsError` unless it is 0 (ordinary) or a priority of Linux' SCHED_FIFO, 1 to 99."""
    if not 0 <= priority <= 99:
        raise SettingsError(
            f'{where}: realtime_priority must be 0 (ordinary) or from 1 to 99 (SCHED_FIFO); got {priority}'
        )


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Of the simulator.

    Attributes:
        simulation: physics, sensors and balls.
        command_timeout: s of wall clock after which a trial without an answer from the controller is given up.
    """

    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    command_timeout: float = 10.0

    def __post_init__(self) -> None:
        require_ranges(self, {'command_timeout': (0.1, 3600.0, ' s')})

    def in_rally(self) -> 'SimulatorSettings':
        """The same with another ball for every seed, where all would be the same one."""
        if self.simulation.varies:
            return self
        return replace(self, simulation=replace(self.simulation, balls='rally'))


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Of the controller.

    Attributes:
        driver_joint_names: what the drivers call the arm's joints, in the order of `arm.joints.JOINTS`.
        lockstep: whether commands answer the simulator's ticks, instead of a clock.
        autostart: whether the node configures and activates itself; otherwise whoever manages it does.
        programs: whether a program may choose the parameters of each ball; it runs in the sandbox.
        realtime_priority: of the process, 1 to 99 for SCHED_FIFO; 0: ordinary.
        joint_state_topic, ball_topic: where the encoders and the cameras report.
        spin_topic: where the ball's spin is reported by whoever can measure it; nobody must.
        gantry_command_topic, arm_command_topic: where a ros2_control arm takes the velocities of the two slides
            and of the six axes; empty: not sent.
        peers: nodes that must go on giving signs of life on ``/diagnostics`` once they have begun to; on the arm
            at least one.
        controller: the controller itself.
        watchdog, inner_loop, handover, safety: what guards the physical arm.
        cameras: where the cameras' frame is.
        security: whose messages are taken; on the physical arm that must be said.
        drives_proof: file that says that the drives were checked for ``safety.drive_timeout``, without which an arm is
            not armed; empty: nobody asks, as with the stand-in arm, whose drives have that time-out.
    """

    driver_joint_names: tuple[str, ...] = JOINTS
    lockstep: bool = True
    autostart: bool = True
    programs: bool = False
    realtime_priority: int = 0
    joint_state_topic: str = 'joint_states'
    ball_topic: str = 'ball/position'
    spin_topic: str = 'ball/spin'
    gantry_command_topic: str = ''
    arm_command_topic: str = ''
    peers: tuple[str, ...] = ('trace_logger',)
    controller: ControllerConfig = field(default_factory=ControllerConfig)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    inner_loop: InnerLoopSettings = field(default_factory=InnerLoopSettings)
    handover: HandoverSettings = field(default_factory=HandoverSettings)
    safety: SafetyLimits = field(default_factory=SafetyLimits)
    cameras: CameraFrame = field(default_factory=CameraFrame)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    drives_proof: str = '~/.config/llm_policy_improver/drives.json'

    def __post_init__(self) -> None:
        check_priority(self.realtime_priority, 'controller')
        require_path('drives_proof', self.drives_proof)
        require_joint_names(self.driver_joint_names, JOINTS)
        commands = ('gantry_command_topic', 'arm_command_topic')
        topics = {name: getattr(self, name) for name in (*_SENSOR_TOPICS, 'spin_topic', *commands)}
        require_topics(topics, optional=commands)
        require_nodes('peers', self.peers)
        if not (self.lockstep or self.peers):
            raise ValueError(
                'peers must name a node whose silence stops the arm (lockstep: false), e.g. trace_logger; got none'
            )
        if not (self.lockstep or self.security.key_file or self.security.insecure):
            raise SettingsError(
                'controller: security.key_file is empty: name the file of the key that controller, trace logger and '
                'optimizer share, or set security.insecure to true, by which anybody on the network moves the arm'
            )

    @property
    def guard(self) -> GuardSettings:
        """All that guards the physical arm."""
        return GuardSettings(self.watchdog, self.inner_loop, self.handover, self.safety)


@dataclass(frozen=True, slots=True)
class TraceLoggerSettings:
    """Of the trace logger.

    Attributes:
        output_folder: of the run; empty: a new folder under ``runs``.
        resume: whether the folder may already hold trials, to be continued.
        joint_state_topic, ball_topic: where the encoders and the cameras report.
        driver_joint_names: what the drivers call the joints, in the order of `arm.joints.JOINTS`.
        lockstep: whether trials end with the simulator's last tick, instead of by time.
        autostart: whether the node configures and activates itself; otherwise whoever manages it does.
        ball_lost: s without a sighting after which a trial is over.
        ball, filter: laws and noise with which the incoming balls' spins are measured: the controller's.
        cameras: where the cameras' frame is.
        security: whose messages are taken.
    """

    output_folder: str = ''
    resume: bool = False
    joint_state_topic: str = 'joint_states'
    ball_topic: str = 'ball/position'
    driver_joint_names: tuple[str, ...] = JOINTS
    lockstep: bool = True
    autostart: bool = True
    ball_lost: float = 0.4
    ball: BallModel = field(default_factory=BallModel)
    filter: FilterConfig = field(default_factory=FilterConfig)
    cameras: CameraFrame = field(default_factory=CameraFrame)
    security: SecuritySettings = field(default_factory=SecuritySettings)

    def __post_init__(self) -> None:
        require_joint_names(self.driver_joint_names, JOINTS)
        require_topics({name: getattr(self, name) for name in _SENSOR_TOPICS})
        require_path('output_folder', self.output_folder)
        require_ranges(self, {'ball_lost': (0.05, 5.0, ' s')})


_SENSOR_TOPICS: Final = ('joint_state_topic', 'ball_topic')


def require_limits(given: Iterable[str], where: str) -> None:
    """Raise `SettingsError` unless every limit of the arm is given: one that is left out is no limit of that arm's.

    Args:
        given: names of the controller's settings that somebody wrote, e.g. ``'safety.velocity'``.
        where: said before the first one that is missing.
    """
    named = frozenset(given)
    limits = [f'safety.{name}' for name in to_mapping(SafetyLimits())]
    missing = [name for name in limits if name not in named]
    if missing:
        more = f' and {len(missing) - 1} more' if len(missing) > 1 else ''
        raise SettingsError(
            f'{where}: {missing[0]}{more} missing: on the arm every limit must be given, as in config/safety.yaml'
        )
