"""What the watchdog takes for a fault."""

from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.ranges import Range, require_ranges


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """Thresholds of the faults, and what must hold before a person may resume.

    Attributes:
        joints_stale: s without a usable joint state.
        joint_jump: m and rad that a joint may read off beside what its speed limit allows between two joint states.
        range_margin: m and rad that a joint may read outside of its range.
        frozen_way: m and rad that a joint is commanded to move while its encoder shows no motion ...
        frozen_time: ... s for so long at least: longer than the latencies of drives and encoders together.
        stray_way: m that a slide may be from where its drive can be by what was sent ...
        stray_angle: ... and rad that an axis may, more, as it gives way where the blade leans on something ...
        stray_share: ... beside this share of its way in the last 3 s ...
        stray_drift: ... and m/s and rad/s by which a drive's position may part from the sum of its commands.
        ball_stale: s between a picture and its sighting.
        ball_speed: m/s, the fastest ball.
        ball_jump: m that a sighting may be off beside what that speed allows.
        ball_outliers: impossible sightings in a row that are only dropped.
        missed_ticks: control periods in a row without a command.
        clock_jump: s by which the clock of the stamps may step; also how far ahead of it a stamp may be.
        silent: s without a sign of life of a node that has given one before.
        recovery: s that everything must have been in order before the arm is armed or resumed; and between the two.
        stop_held: s that an emergency stop holds at least, from the last time that somebody asked for it.
        standing: m/s and rad/s, slower than which the arm counts as standing.
    """

    joints_stale: float = 0.1
    joint_jump: float = 0.02
    range_margin: float = 0.1
    frozen_way: float = 0.1
    frozen_time: float = 0.3
    stray_way: float = 0.03
    stray_angle: float = 0.1
    stray_share: float = 0.1
    stray_drift: float = 0.005
    ball_stale: float = 0.25
    ball_speed: float = 25.0
    ball_jump: float = 0.15
    ball_outliers: int = 0
    missed_ticks: int = 5
    clock_jump: float = 0.05
    silent: float = 3.0
    recovery: float = 1.0
    stop_held: float = 3.0
    standing: float = 0.05

    def __post_init__(self) -> None:
        require_ranges(self, _RANGES, 'watchdog')


# The upper ends keep every fault a fault: a threshold without an end would switch its check off without a word.
_RANGES: Final[dict[str, Range]] = {
    'joints_stale': (0.005, 0.5, ' s'),
    'joint_jump': (0.001, 0.1, ' m or rad'),
    'range_margin': (0.0, 0.3, ' m or rad'),
    'frozen_way': (0.01, 0.5, ' m or rad'),
    'frozen_time': (0.05, 1.0, ' s'),
    'stray_way': (0.005, 0.2, ' m'),
    'stray_angle': (0.005, 0.3, ' rad'),
    'stray_share': (0.0, 0.3, ''),
    'stray_drift': (0.0, 0.02, ' m/s or rad/s'),
    'ball_stale': (0.02, 1.0, ' s'),
    'ball_speed': (10.0, 60.0, ' m/s'),
    'ball_jump': (0.01, 1.0, ' m'),
    'ball_outliers': (0, 10, ''),
    'missed_ticks': (2, 25, ''),
    'clock_jump': (0.005, 0.5, ' s'),
    'silent': (0.5, 30.0, ' s'),
    'recovery': (0.1, 60.0, ' s'),
    'stop_held': (1.0, 600.0, ' s'),
    'standing': (0.001, 0.2, ' m/s or rad/s'),
}
