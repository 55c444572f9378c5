"""What became of a ball: outcome and measures, judged from observed positions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures import MEASURED
from llm_policy_improver.table_tennis.tracing.flight import (
    OUT_X,
    OUT_Y,
    find_bounces,
    find_hit,
    plane_met,
    stopped_by_net,
)
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples
from llm_policy_improver.table_tennis.tracing.return_flight import ReturnFlight

_AT_THE_NET = 0.03
"""m, a ball that comes down so near before the net leans on it."""


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
    flight = ReturnFlight.of(time[hit:], position[hit:])
    outcome, note = _judge_return(flight)
    measures = {
        name: value for name, each in MEASURED.items() if (value := each.value(flight, outcome)) is not None
    }
    if flight.landing is not None:
        measures['bounce_time'] = flight.landing.time
    elif outcome is Outcome.OUT and (met := plane_met(flight.time, flight.position)) is not None:
        measures |= zip((OUT_X, OUT_Y), met, strict=True)
    return Judgement(outcome, note, measures)


def _judge_return(flight: ReturnFlight) -> tuple[Outcome, str]:
    """What became of a ball that was hit, and that in words."""
    landing, crossing = flight.landing, flight.crossing
    if landing is not None and landing.y < 0.0 and not (crossing and crossing.deflected):
        until = flight.position[flight.time <= landing.time]
        if landing.y > -_AT_THE_NET or stopped_by_net(until):
            return Outcome.NET, 'the ball hit the net and fell back'
        return (
            Outcome.OWN_SIDE,
            f"the ball came down on the robot's own half, {-landing.y:.2f} m before the net",
        )
    if crossing is None:
        if stopped_by_net(flight.position):
            return Outcome.NET, 'the ball hit the net'
        return Outcome.OUT, 'the ball did not reach the table'
    if not crossing.beside and (crossing.deflected or crossing.clearance < -0.01):
        return Outcome.NET, 'the ball touched the net'
    if landing is None:
        return Outcome.OUT, _where_out(flight.position)
    words = f'landed {table.place(landing.x, landing.y)}, at ({landing.x:+.2f}, {landing.y:.2f}) m'
    return Outcome.LANDED, words


def _where_out(position: np.ndarray) -> str:
    below = np.flatnonzero(position[:, 2] < table.BALL_RADIUS)
    x, y, _ = position[below[0]] if len(below) else position[-1]
    if y > table.HALF_LENGTH:
        return f'the ball went {y - table.HALF_LENGTH:.2f} m beyond the far end'
    side = 'right' if x > 0 else 'left'
    return f'the ball went {max(abs(x) - table.HALF_WIDTH, 0.0):.2f} m past the {side} side'
