"""The stroke: an approach that follows the ball's prediction, a last part that does not, and the way home.

The last part before the hit is not re-planned any more: only so do the attenuation parameters steer the
landing (a controller that re-plans to the end cancels them). It carries deliberate joint motion in the
redundant directions of the arm, for the same reason.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver import arm, table
from llm_policy_improver.ball import BallModel
from llm_policy_improver.control.inverse_kinematics import joint_velocity, solve_pose
from llm_policy_improver.control.kinematics import Kinematics
from llm_policy_improver.control.prediction import BallState
from llm_policy_improver.control.racket import plan_hit
from llm_policy_improver.control.trajectory import Segment

Array = NDArray[np.float64]

HOME: Array = np.array(arm.HOME)
"""(8,) m and rad, the ready pose."""


@dataclass(frozen=True, slots=True)
class StrokeConfig:
    """Where and how the ball is hit.

    Attributes:
        hitting_plane: m, y of the plane in which the ball is met.
        target: m, x and y of the default landing.
        flight_time: s from the hit to the landing.
        swing: s before the hit from which on the stroke is not re-planned.
        wind_up: share of ``swing`` times the hit's joint velocity by which the swing starts behind the hit.
        follow_through: s of constant velocity after the hit.
        return_time: s for the way back to the ready pose.
        free_motion: (8,) m/s and rad/s, deliberate joint motion at the hit; what of it would move the blade's
            centre is taken out again.
        effort: (8,) how unwilling each joint is to contribute to the blade's velocity.
    """

    hitting_plane: float = -1.42
    target: tuple[float, float] = (0.0, 0.72)
    flight_time: float = 0.55
    swing: float = 0.25
    wind_up: float = 0.8
    follow_through: float = 0.03
    return_time: float = 0.8
    free_motion: tuple[float, ...] = (0.0, 0.0, 1.0, 0.0, 0.0, -2.0, 0.0, 2.0)
    effort: tuple[float, ...] = (4.0, 4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not table.on_opponents_half(*self.target):
            raise ValueError(
                f"target must be a point (x, y) on the opponent's half of the table; got {self.target}"
            )
        if not -1.9 <= self.hitting_plane <= -1.3:
            raise ValueError(
                f"hitting_plane must be between -1.9 and -1.3 m, within the arm's reach; got {self.hitting_plane:g}"
            )
        if (
            min(self.flight_time, self.swing, self.return_time) < 0.1
            or min(self.wind_up, self.follow_through) < 0.0
        ):
            raise ValueError(
                'flight_time, swing and return_time must be at least 0.1 s, wind_up and follow_through not negative'
            )
        if (
            len(self.free_motion) != len(arm.ARM)
            or len(self.effort) != len(arm.ARM)
            or min(self.effort) <= 0.0
        ):
            raise ValueError(
                f'free_motion and effort must have {len(arm.ARM)} entries, one a joint, and every effort be above 0'
            )


@dataclass(frozen=True, slots=True, eq=False)
class JointHit:
    """The hit in joint space: s, (8,) m and rad, (8,) m/s and rad/s, and what the pose misses."""

    time: float
    q: Array
    qd: Array
    error: float


def joint_hit(
    kinematics: Kinematics, model: BallModel, ball: BallState, config: StrokeConfig, start: Array
) -> JointHit:
    """The joint positions and velocities at the hit of the ball in state ``ball``.

    Args:
        start: (8,) m and rad, where the search for the pose begins.
    """
    hit = plan_hit(model, ball, config.target, config.flight_time)
    pose = solve_pose(kinematics, hit.centre, hit.normal, start, HOME)
    qd = joint_velocity(pose.jacobian, hit.velocity, np.array(config.free_motion), np.array(config.effort))
    return JointHit(hit.time, pose.q, qd, pose.error)


class Stroke:
    """Reference motion for one ball. Times in seconds since its first sighting; joint arrays are (8,)."""

    def __init__(self, config: StrokeConfig) -> None:
        self._config = config
        self._segments: list[Segment] = []
        self.hit: JointHit | None = None
        self.frozen = False

    def aim(self, hit: JointHit, time: float, position: Array, velocity: Array) -> None:
        """Plan, or plan again, from the measured joint state at ``time`` to the hit.

        The first call within ``swing`` seconds of the hit fixes the rest of the stroke.
        """
        config = self._config
        self.hit = hit
        swing_start = hit.time - config.swing
        wind_up = hit.q - config.wind_up * config.swing * hit.qd
        still = np.zeros_like(position)
        first: list[Segment] = []
        if time < swing_start - 1e-9:
            first = [Segment.quintic(time, swing_start, position, velocity, still, wind_up, still, still)]
            swing = Segment.quartic(swing_start, hit.time, wind_up, still, hit.q, hit.qd)
        else:
            self.frozen = True
            swing = Segment.quartic(time, max(hit.time, time + 0.06), position, velocity, hit.q, hit.qd)
        end = swing.end + config.follow_through
        q_end, v_end = swing.at(end)
        back = Segment.quintic(end, end + config.return_time, q_end, v_end, still, HOME, still, still)
        self._segments = [*first, swing, back]

    def swing_starts(self) -> float:
        """When the stroke stops following the ball's prediction, s; infinite while there is no plan."""
        return self.hit.time - self._config.swing if self.hit else np.inf

    def set_point(self, time: float, lag: Array) -> Array:
        """What the drives' set points (8,) must be at ``time`` for the joints to be where they should.

        Each drive follows its set point with a time constant, ``lag`` (8,) s; the set point leads by as much.
        """
        segment = next((s for s in self._segments if time < s.end), self._segments[-1])
        # The follow-through is the swing's own extension at constant velocity.
        swing = self._segments[-2]
        if swing.end <= time < self._segments[-1].start:
            segment = swing
        position, velocity = segment.at(time)
        if time >= self._segments[-1].end:
            return HOME
        return position + lag * velocity
