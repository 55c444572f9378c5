"""The stroke: an approach that follows the ball's prediction, a last part that does not, and the way home.

The last part before the hit is not re-planned any more: only so do the attenuation parameters steer the
landing (a controller that re-plans to the end cancels them). It carries deliberate joint motion in the
redundant directions of the arm, for the same reason.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.ranges import Range, require_ranges
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.inverse_kinematics import joint_velocity, solve_pose
from llm_policy_improver.table_tennis.arm.kinematics import Kinematics
from llm_policy_improver.table_tennis.arm.racket import plan_hit
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.prediction import BallState
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.control.interception import InterceptionConfig
from llm_policy_improver.table_tennis.control.trajectory import Segment

Array = NDArray[np.float64]

_SLIDES = 2
_FLATTEST = 0.7
"""Share of the blade's rise that is taken out for hits over the table; a wholly level blade cannot lift the ball."""
_PLANS = 8
"""Plans kept: as many as are made within the difference of the joints' delays."""
_SHORTEST_SWING = 0.12
"""s."""
_APPROACH = 0.15
"""s that the arm needs for the way to the swing's start, at least, ..."""
_SLIDE_SPEED = 1.2
"""... and the mean speed, m/s, of a slide that has far to go; measured on balls of 7 to 10 m/s."""
_SETTLED = 0.15
"""s before the swing from which on its initial velocity stays: a short rest of the way says nothing about it."""

_LOOK_EVERY = 3
"""Plans; to find a hit's pose takes longer than all the rest."""

HOME: Array = np.array(arm.HOME)
"""(8,) m and rad, the ready pose."""
_STILL: Array = np.zeros(len(arm.ARM))


@dataclass(frozen=True, slots=True)
class StrokeConfig:
    """Where and how the ball is hit.

    Attributes:
        interception: where the ball is met.
        target: m, x and y of the default landing.
        flight_time: s from the hit to the landing.
        replan: s between two plans.
        settled: s before the hit from which on the ball is met where it was meant to be.
        hold: s before the swing without a plan: what is put right at the last moment shakes the arm.
        swing: s before the hit from which on the stroke is fixed.
        wind_up: share of ``swing`` times the hit's joint velocity by which the swing starts behind the hit.
        cruise: m/s, of the slides on the way to the swing.
        follow_through: s of constant velocity after the hit.
        return_time: s for the way back to the ready pose.
        free_motion: (8,) m/s and rad/s, deliberate joint motion at the hit; what of it would move the blade's
            centre is taken out again.
        effort: (8,) how unwilling each joint is to contribute to the blade's velocity.
    """

    interception: InterceptionConfig = field(default_factory=InterceptionConfig)
    target: tuple[float, float] = (0.0, 0.76)
    flight_time: float = 0.60
    replan: float = 0.02
    settled: float = 0.42
    hold: float = 0.10
    swing: float = 0.17
    wind_up: float = 0.8
    cruise: float = 1.6
    follow_through: float = 0.03
    return_time: float = 0.6
    free_motion: tuple[float, ...] = (0.0, 0.0, 1.8, 0.0, 0.5, 2.3, 0.0, 2.0)
    effort: tuple[float, ...] = (4.0, 4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not table.on_opponents_half(*self.target):
            raise ValueError(
                f"target must be a point (x, y) on the opponent's half of the table; got {self.target}"
            )
        if len(self.free_motion) != len(arm.ARM) or len(self.effort) != len(arm.ARM):
            raise ValueError(f'free_motion and effort must have {len(arm.ARM)} entries, one a joint')
        require_ranges(self, _RANGES, 'stroke')


_RANGES: Final[dict[str, Range]] = {
    'flight_time': (0.1, 3.0, ' s'),
    'replan': (0.001, 3.0, ' s'),
    'settled': (0.0, 3.0, ' s'),
    'hold': (0.0, 3.0, ' s'),
    'swing': (0.1, 3.0, ' s'),
    'wind_up': (0.0, 10.0, ''),
    'cruise': (0.01, 20.0, ' m/s'),
    'follow_through': (0.0, 3.0, ' s'),
    'return_time': (0.1, 30.0, ' s'),
    'free_motion': (-20.0, 20.0, ' m/s or rad/s'),
    'effort': (1e-3, 1e6, ''),
}


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
    # A stroke over the table must come in level, or its wind-up would dip below the surface behind the edge.
    flatness = min(_FLATTEST, max(0.0, (ball.position[1] - config.interception.y - 0.02) / 0.1))
    x, y = config.target
    hit = plan_hit(model.law, ball, (float(x), float(y)), float(config.flight_time), flatness)
    pose = solve_pose(kinematics, hit.centre, hit.normal, start, HOME)
    qd = joint_velocity(pose.jacobian, hit.velocity, np.array(config.free_motion), np.array(config.effort))
    return JointHit(hit.time, pose.q, qd, pose.error)


class Stroke:
    """Reference motion for one ball. Times in seconds since its first sighting; joint arrays are (8,).

    All that happens is counted back from the hit, not on from a control tick: plans every ``replan`` seconds until the
    ``hold``, one more where the swing starts. The approach comes to one place whenever it began. So a landing does not
    depend on how ticks, pictures and the ball happen to lie in time.
    """

    def __init__(self, config: StrokeConfig, delays: Array = _STILL) -> None:
        """``delays`` (8,), s: of each joint, from a command to its effect."""
        self._config = config
        self._delays = [(delay, delays == delay) for delay in sorted(set(delays.tolist()))]
        self._swing, self._hold = config.swing, config.hold
        self._left = np.inf
        self._steps = -1  # plans before the hold, after the next one
        self._plans: deque[_Plan] = deque(maxlen=_PLANS)
        self.hit: JointHit | None = None
        self.frozen = False
        self._passing: Array = np.zeros(len(arm.ARM))

    @property
    def looks(self) -> bool:
        """Whether the next plan is for a new prediction of the ball; others go on from where the joints are."""
        return self.hit is None or self._steps % _LOOK_EVERY == 0 or self._steps < 0

    @property
    def due(self) -> float:
        """When to plan again, s; minus infinity while there is no plan, infinite once the stroke is fixed."""
        if self.hit is None:
            return -np.inf
        return np.inf if self.frozen else self.hit.time - self._left

    def swing_starts(self) -> float:
        """When the stroke stops following the ball's prediction, s; infinite while there is no plan."""
        return self.hit.time - self._swing if self.hit else np.inf

    def aim(self, hit: JointHit, time: float, position: Array, velocity: Array) -> None:
        """Plan, or plan again where it is `due`, from the joint state at ``time`` to the hit.

        The plan that is due where the swing starts fixes the rest of the stroke.
        """
        config, left, first = self._config, hit.time - time, self.hit is None
        # The acceleration goes on as it was planned: to start each plan from rest would put the motion off
        # from plan to plan, until there is no time left for it.
        going_on = _STILL if first else self._plans[-1].begin.acceleration(time)
        if first:
            self._left = left
            self._share_out(left, hit.q - config.wind_up * config.swing * hit.qd - position)
        self.hit = hit
        if self._left <= self._swing + 1e-9:
            self.frozen = True
            swing = Segment.quartic(time, max(hit.time, time + 0.06), position, velocity, hit.q, hit.qd)
            self._plans.append(_Plan(config, hit, swing, None))
            return
        start = hit.time - self._swing
        wind_up = hit.q - config.wind_up * self._swing * hit.qd
        if first or start - time > _SETTLED:
            self._passing = self._passing_velocity(start - time, wind_up - position, velocity)
        wind_up = wind_up - self._swing / 3.0 * self._passing
        approach = Segment.quintic(time, start, position, velocity, going_on, wind_up, self._passing, _STILL)
        self._plans.append(_Plan(config, hit, approach, (start, wind_up, self._passing)))
        last = self._swing + self._hold
        self._steps = math.ceil((left - last) / config.replan - 1.5)
        self._left = self._swing if self._steps < 0 else last + self._steps * config.replan

    def _share_out(self, time: float, way: Array) -> None:
        """Shorten swing and hold where a fast ball leaves too little ``time``, s, for the slides' ``way`` (8,), m."""
        config = self._config
        approach = _APPROACH + float(np.abs(way[:_SLIDES]).max()) / _SLIDE_SPEED
        self._swing = min(config.swing, max(_SHORTEST_SWING, time - approach))
        self._hold = min(config.hold, max(0.0, time - self._swing - approach))

    def _passing_velocity(self, duration: float, way: Array, velocity: Array) -> Array:
        """Velocity (8,) of the joints at the start of the swing: zero, except for slides with far to go.

        A quintic's velocity half-way is 15/8 of its mean less 7/16 of the sum of its ends. Where that would be
        above the slides' cruising speed, they do not stop at the start of the swing but use its time as well.
        """
        passing = np.zeros_like(way)
        for joint in range(_SLIDES):
            side = 1.0 if way[joint] >= 0.0 else -1.0
            middle = 15.0 / 8.0 * side * way[joint] / duration - 7.0 / 16.0 * side * velocity[joint]
            share = 7.0 / 16.0 + 15.0 / 24.0 * self._swing / duration
            excess = (middle - self._config.cruise) / share
            passing[joint] = side * min(max(excess, 0.0), self._config.cruise)
        return passing

    def during(self, time: float, period: float) -> tuple[Array, Array]:
        """What positions and velocities (8,) change by in ``period`` s, from each joint's delay after ``time`` on."""
        return self._changes([(time + delay, time + delay + period) for delay, _ in self._delays])

    def until(self, time: float, moment: float) -> tuple[Array, Array]:
        """What positions and velocities (8,) change by, from each joint's delay after ``time`` to ``moment``, s."""
        return self._changes([(time + delay, moment) for delay, _ in self._delays])

    def _changes(self, spans: list[tuple[float, float]]) -> tuple[Array, Array]:
        """`_change` of each group of joints with one delay."""
        way, change = self._change(*spans[0])
        for (_, joints), span in zip(self._delays[1:], spans[1:], strict=True):
            w, c = self._change(*span)
            way, change = np.where(joints, w, way), np.where(joints, c, change)
        return way, change

    def _change(self, begin: float, end: float) -> tuple[Array, Array]:
        """What positions and velocities (8,) change by between two times, s.

        Within the plans, not from one to the next: each begins where the joints really are.
        """
        way, change = _STILL, _STILL
        for plan in reversed(self._plans):  # joints whose commands take effect sooner are still within an earlier one
            since = max(begin, plan.begin.start)
            if since < end:
                (p, v), (q, w) = plan.at(since), plan.at(end)
                way, change, end = way + q - p, change + w - v, since
        return way, change


class _Plan:
    """One plan of the stroke. Most plans are replaced before their later parts are needed: those wait.

    Attributes:
        begin: the approach, or the swing itself where the stroke is fixed.
    """

    def __init__(
        self,
        config: StrokeConfig,
        hit: JointHit,
        begin: Segment,
        swing_start: tuple[float, Array, Array] | None,
    ) -> None:
        self._config = config
        self._hit = hit
        self.begin = begin
        self._swing_start = swing_start

    def at(self, time: float) -> tuple[Array, Array]:
        """Positions and velocities (8,) that the joints should have at ``time``, s, not before the plan's begin."""
        if time < self.begin.end:
            return self.begin.at(time)
        if time >= self.back.end:
            return HOME, _STILL
        # The follow-through is the swing's own extension at constant velocity.
        return self.back.at(time) if time >= self.back.start else self.swing.at(time)

    @cached_property
    def swing(self) -> Segment:
        """The last part before the hit."""
        if self._swing_start is None:
            return self.begin
        start, wind_up, passing = self._swing_start
        return Segment.quartic(start, self._hit.time, wind_up, passing, self._hit.q, self._hit.qd)

    @cached_property
    def back(self) -> Segment:
        """The way to the ready pose, after the follow-through."""
        end = self.swing.end + self._config.follow_through
        q, v = self.swing.at(end)
        return Segment.quintic(end, end + self._config.return_time, q, v, _STILL, HOME, _STILL, _STILL)
