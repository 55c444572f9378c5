"""Where to meet the ball: the point of its path after the bounce that suits the arm best."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.ranges import Range, require_ranges
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel

_STEP, _LONG_STEP = 0.01, 0.02
"""s, after the bounce and before it, where nothing is chosen yet."""


@dataclass(frozen=True, slots=True)
class InterceptionConfig:
    """What makes a good place to hit.

    Attributes:
        y, y_tolerance: m, the plane in which the arm plays best, and how far from it costs one unit.
        height, height_tolerance: m above the table, likewise.
        nearest, furthest: m, range of y in reach of the arm.
        hurry, speed, hurry_tolerance: s that a stroke should have, and m/s with which the arm gets from the middle to
            the ball, which takes longer; how much less time costs one unit.
        clearance: m between the blade's rim and the table where the blade is above it.
    """

    y: float = -1.42
    y_tolerance: float = 0.12
    height: float = 0.28
    height_tolerance: float = 0.12
    nearest: float = -1.22
    furthest: float = -1.75
    hurry: float = 0.25
    speed: float = 1.5
    hurry_tolerance: float = 0.05
    clearance: float = 0.04

    def __post_init__(self) -> None:
        if not -1.9 <= self.furthest < self.y < self.nearest <= -1.0:
            raise ValueError(
                "interception: furthest < y < nearest must lie between -1.9 and -1.0 m, within the arm's reach; "
                f'got {self.furthest:g}, {self.y:g}, {self.nearest:g}'
            )
        require_ranges(self, _RANGES, 'interception')


_RANGES: Final[dict[str, Range]] = {
    'y_tolerance': (0.001, 10.0, ' m'),
    'height': (0.0, 1.5, ' m'),
    'height_tolerance': (0.001, 10.0, ' m'),
    'hurry': (0.0, 3.0, ' s'),
    'speed': (0.01, 20.0, ' m/s'),
    'hurry_tolerance': (0.001, 10.0, ' s'),
    'clearance': (0.0, 0.5, ' m'),
}


def choose_interception(
    model: BallModel,
    state: BallState,
    bounced: bool,
    earliest: float,
    config: InterceptionConfig,
    meant: float | None = None,
) -> BallState | None:
    """The ball's state at the best place to hit it.

    Args:
        model: of flight and bounces.
        state: the ball now.
        bounced: whether it has bounced on the robot's half already.
        earliest: s, no hit before this time, the first one that the arm has had.
        config: what is good.
        meant: m, y of the place chosen before; a place near it is kept. None: the first choice, for which time
            counts, too.

    Returns:
        None where the ball comes within reach nowhere between its first and second bounce.
    """
    wishes = _Wishes(*(float(getattr(config, name)) for name in _Wishes._fields))
    place = math.nan if meant is None else meant
    cost, best = _best_place(model.law, state, bounced, earliest, wishes, place)
    return best if cost < math.inf else None


class _Wishes(NamedTuple):
    """`InterceptionConfig` for compiled functions."""

    y: float
    y_tolerance: float
    height: float
    height_tolerance: float
    nearest: float
    furthest: float
    hurry: float
    hurry_tolerance: float
    speed: float
    clearance: float


@compiled
def _best_place(
    law: BallLaw, state: BallState, bounced: bool, earliest: float, wishes: _Wishes, meant: float
) -> tuple[float, BallState]:
    """The lowest cost and its place; ``meant`` is NaN for the first choice."""
    first_choice = math.isnan(meant)
    best_cost, best = math.inf, state
    for _ in range(300):
        following, bounce = advance(law, state, _STEP if bounced else _LONG_STEP)
        if bounce:
            if bounced:
                break
            bounced = True
        state = following
        y, z = state.position[1], state.position[2]
        if y < wishes.furthest or z < -0.1:
            break
        if bounced and y <= wishes.nearest and state.time >= earliest:
            cost = _cost(y - (wishes.y if first_choice else meant), y, z, wishes)
            if first_choice:
                # In a hurry, a place further back is a later one.
                needed = wishes.hurry + abs(state.position[0]) / wishes.speed
                short = max(0.0, needed - (state.time - earliest))
                cost += (short / wishes.hurry_tolerance) ** 2
            if cost < best_cost:
                best_cost, best = cost, state
    if first_choice or best_cost == math.inf:
        return best_cost, best
    # From the nearest step to the very place, so that it does not jump from prediction to prediction.
    rest = (meant - best.position[1]) / best.velocity[1]
    if 0.0 < abs(rest) <= _STEP:
        best, _ = advance(law, best, rest)
    return best_cost, best


@compiled
def _cost(off: float, y: float, z: float, wishes: _Wishes) -> float:
    """Squared distances from the best place, in tolerances; the table's surface keeps the blade away."""
    cost = (off / wishes.y_tolerance) ** 2 + ((z - wishes.height) / wishes.height_tolerance) ** 2
    if y > -table.HALF_LENGTH - arm.BLADE_RADIUS - 0.02:
        missing = arm.BLADE_RADIUS + wishes.clearance - z
        if missing > 0.0:
            cost += 100.0 + (missing / 0.01) ** 2
    return cost
