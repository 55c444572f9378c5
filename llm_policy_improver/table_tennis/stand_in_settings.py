"""Settings of the stand-in arm: what `ControllerSettings` says of the interface, from the arm's side."""

import math
from dataclasses import dataclass, field
from typing import Final

from llm_policy_improver.core.ranges import require_joint_names, require_topics
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.settings import check_priority
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout


@dataclass(frozen=True, slots=True)
class StandInSettings:
    """Of the stand-in arm.

    Attributes:
        simulation: physics, cameras, delays and balls; without delays and noise where they are not given.
        driver_joint_names: what the drivers call the joints, in the order of `arm.joints.JOINTS`.
        joint_state_topic, ball_topic: where encoders and cameras report.
        spin_topic: where the ball's spin is reported, where the simulation's cameras see it.
        gantry_command_topic, arm_command_topic: where the two groups of drives take their velocities.
        arm_state_rate: Hz of the joint states.
        gantry_state_rate: Hz of the slides' joint states where they come in messages of their own, as from a
            second driver; 0: they are in the arm's.
        drive_timeout: s without a command until the drives brake by themselves; 0: never, they hold the last one.
        cycle: s that are simulated at a time.
        pause: s from the end of one ball to the next, at least.
        throw_every: s between balls that are thrown unasked; 0: balls come by the service ``feed_ball`` only.
        seed: draws the balls thrown unasked, and the delays until the first ball.
        realtime_priority: of the process, 1 to 99 for SCHED_FIFO; 0: ordinary.

    Raises:
        ValueError: a number is out of range, or names are missing or the same.
    """

    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    driver_joint_names: tuple[str, ...] = JOINTS
    joint_state_topic: str = '/joint_states'
    ball_topic: str = '/ball/position'
    spin_topic: str = '/ball/spin'
    gantry_command_topic: str = '/gantry_velocity_controller/commands'
    arm_command_topic: str = '/arm_velocity_controller/commands'
    arm_state_rate: float = 250.0
    gantry_state_rate: float = 0.0
    drive_timeout: float = 0.05
    cycle: float = 0.004
    pause: float = 1.5
    throw_every: float = 0.0
    seed: int = 0
    realtime_priority: int = 0

    def __post_init__(self) -> None:
        require_joint_names(self.driver_joint_names, JOINTS)
        require_topics({name: getattr(self, name) for name in _TOPICS})
        if not 20.0 <= self.arm_state_rate <= 1000.0:
            raise ValueError(f'arm_state_rate must be between 20 and 1000 Hz; got {self.arm_state_rate:g} Hz')
        if self.gantry_state_rate and not 20.0 <= self.gantry_state_rate <= 1000.0:
            raise ValueError(
                f'gantry_state_rate must be 0 or between 20 and 1000 Hz; got {self.gantry_state_rate:g} Hz'
            )
        if self.drive_timeout and not 0.01 <= self.drive_timeout <= 0.3:
            raise ValueError(
                f'drive_timeout must be 0 or between 0.01 and 0.3 s; got {self.drive_timeout:g} s'
            )
        if not 0.001 <= self.cycle <= 0.02:
            raise ValueError(f'cycle must be between 0.001 and 0.02 s; got {self.cycle:g} s')
        if not 0.0 <= self.pause <= 60.0:
            raise ValueError(f'pause must be between 0 and 60 s; got {self.pause:g} s')
        if self.throw_every and not 3.0 <= self.throw_every <= 3600.0:
            raise ValueError(
                f'throw_every must be 0 or between 3 s, for one ball to be over, and 3600 s; got {self.throw_every:g} s'
            )
        if not 0 <= self.seed < 2**62:
            raise ValueError(f'seed must be a whole number from 0 to 2^62; got {self.seed}')
        check_priority(self.realtime_priority, 'stand_in_arm')

    @property
    def timeout(self) -> DriveTimeout:
        """What its drives do without a command."""
        return DriveTimeout(self.drive_timeout or math.inf)


_TOPICS: Final = (
    'joint_state_topic', 'ball_topic', 'spin_topic', 'gantry_command_topic', 'arm_command_topic',
)  # fmt: skip
