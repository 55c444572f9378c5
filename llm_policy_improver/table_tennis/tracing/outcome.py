"""What became of a ball: outcome and measures, judged from observed positions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.flight import (
    clearance_missing,
    find_bounces,
    find_hit,
    find_net_crossing,
    stopped_by_net,
)
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples

_AT_THE_NET = 0.03
"""m, a ball that comes down so near before the net leans on it."""
_SPEED_SIGHTINGS = 8
"""Sightings after the hit from which its speed is fitted: 56 ms at 125 Hz."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a trial ended, and what was measured; the names are those of `table_tennis.measures`."""

    outcome: Outcome
    note: str
    measures: Mapping[str, float] = field(default_factory=dict)


def judge(samples: TraceSamples, arm_contact: str = '') -> Judgement:
    """Judge one trial.

    Args:
        samples: the trial's time series; only the ball's positions are used.
        arm_contact: what the arm touched that it must not, in words; empty if nothing.
    """
    judged = _judge_ball(samples)
    if arm_contact:
        return replace(judged, outcome=Outcome.COLLISION, note=f'the arm collided: {arm_contact}')
    return judged


def _judge_ball(samples: TraceSamples) -> Judgement:
    time, position = samples.ball_time, samples.ball_position
    hit = find_hit(time, position)
    incoming = slice(None) if hit is None else slice(0, hit + 1)
    own = [b for b in find_bounces(time[incoming], position[incoming]) if b.y < 0.0]
    if not own:
        return Judgement(Outcome.BAD_FEED, "the ball did not bounce on the robot's half")
    if len(own) > 1:
        return Judgement(Outcome.DOUBLE_BOUNCE, "the ball bounced twice on the robot's half")
    if hit is None:
        return Judgement(Outcome.MISSED, 'the racket did not return the ball')
    after_time, after = time[hit:], position[hit:]
    measures = {'peak_height': float(np.max(after[:, 2]))}
    speed = _speed(after_time, after)
    if speed is not None:
        measures['hit_speed'] = speed
    landing = next(find_bounces(after_time, after), None)
    if landing is not None:
        measures |= {
            'landing_x': landing.x, 'landing_y': landing.y, 'landing_time': landing.time - float(time[hit]),
            'bounce_time': landing.time,
        }  # fmt: skip
    flight = slice(None) if landing is None else slice(0, int(np.searchsorted(after_time, landing.time)))
    crossing = find_net_crossing(after_time[flight], after[flight])
    if crossing is not None:
        measures['net_clearance'] = crossing.clearance
    if landing is not None and landing.y < 0.0 and not (crossing and crossing.deflected):
        reached = landing.y > -_AT_THE_NET or stopped_by_net(after[after_time <= landing.time])
        if not reached:
            note = f"the ball came down on the robot's own half, {-landing.y:.2f} m before the net"
            return Judgement(Outcome.OWN_SIDE, note, measures)
        if crossing is None:
            measures |= _missing(after_time, after)
        return Judgement(Outcome.NET, 'the ball hit the net and fell back', measures)
    if crossing is None:
        if stopped_by_net(after):
            return Judgement(Outcome.NET, 'the ball hit the net', measures | _missing(after_time, after))
        return Judgement(Outcome.OUT, 'the ball did not reach the table', measures)
    if not crossing.beside and (crossing.deflected or crossing.clearance < -0.01):
        return Judgement(Outcome.NET, 'the ball touched the net', measures)
    if landing is None:
        return Judgement(Outcome.OUT, _where_out(after), measures)
    words = f'landed {table.place(landing.x, landing.y)}, at ({landing.x:+.2f}, {landing.y:.2f}) m'
    return Judgement(Outcome.LANDED, words, measures)


def _missing(time: NDArray[np.float64], position: NDArray[np.float64]) -> dict[str, float]:
    """The clearance that a ball which the net stopped lacked, where its flight tells it."""
    missing = clearance_missing(time, position)
    return {} if missing is None else {'net_clearance': missing}


def _speed(time: NDArray[np.float64], position: NDArray[np.float64]) -> float | None:
    """m/s just after the hit: parabolas through the first sightings, their slope at the hit; None of too few."""
    if len(time) < _SPEED_SIGHTINGS:
        return None
    since = time[:_SPEED_SIGHTINGS] - time[0]
    slopes = np.polynomial.polynomial.polyfit(since, position[:_SPEED_SIGHTINGS], 2)[1]
    return float(np.linalg.norm(slopes))


def _where_out(position: np.ndarray) -> str:
    below = np.flatnonzero(position[:, 2] < table.BALL_RADIUS)
    x, y, _ = position[below[0]] if len(below) else position[-1]
    if y > table.HALF_LENGTH:
        return f'the ball went {y - table.HALF_LENGTH:.2f} m beyond the far end'
    side = 'right' if x > 0 else 'left'
    return f'the ball went {max(abs(x) - table.HALF_WIDTH, 0.0):.2f} m past the {side} side'
