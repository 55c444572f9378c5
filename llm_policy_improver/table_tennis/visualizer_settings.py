"""Settings of the node that shows arm, ball, table and landings in RViz and Foxglove."""

from dataclasses import dataclass, field

from llm_policy_improver.core.ranges import require_joint_names, require_ranges, require_topics
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.table_tennis.arm.frames import CameraFrame
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.state import BallModel


@dataclass(frozen=True, slots=True)
class VisualizerSettings:
    """Of the visualizer.

    Attributes:
        lockstep: whether the time is the simulator's, which runs faster than any eye: then trials that were stored are
            played back at the speed of their ball, the newest one next; else what drivers and cameras report is shown.
        joint_state_topic, ball_topic: where the encoders and the cameras report.
        driver_joint_names: what the drivers call the joints, in the order of `arm.joints.JOINTS`.
        description_topic: where the URDF is published. A controller_manager that has none yet takes one from
            ``robot_description`` for that of its drives, so that it must be another topic beside drivers.
        tf: whether the frames of the arm are published, too, where ``tf2_msgs`` is installed.
        rate: Hz at which moving things are shown, at most.
        trail: s of the ball's way behind it.
        landings: that are shown, the newest ones.
        ball, filter: laws and noise by which the ball's way is predicted: the controller's.
        cameras: where the cameras' frame is.
        security: whose messages are shown.
    """

    lockstep: bool = True
    joint_state_topic: str = 'joint_states'
    ball_topic: str = 'ball/position'
    driver_joint_names: tuple[str, ...] = JOINTS
    description_topic: str = 'robot_description'
    tf: bool = True
    rate: float = 10.0
    trail: float = 0.3
    landings: int = 200
    ball: BallModel = field(default_factory=BallModel)
    filter: FilterConfig = field(default_factory=FilterConfig)
    cameras: CameraFrame = field(default_factory=CameraFrame)
    security: SecuritySettings = field(default_factory=SecuritySettings)

    def __post_init__(self) -> None:
        require_joint_names(self.driver_joint_names, JOINTS)
        topics = ('joint_state_topic', 'ball_topic', 'description_topic')
        require_topics({name: getattr(self, name) for name in topics})
        require_ranges(self, {'rate': (1.0, 30.0, ' Hz'), 'trail': (0.0, 5.0, ' s'), 'landings': (1, 1000, '')})
