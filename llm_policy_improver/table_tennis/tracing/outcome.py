"""What became of a ball: outcome, landing, clearance and peak, judged from observed positions."""

from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.trace import Landing, Outcome, TraceSamples
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.flight import (
    clearance_missing,
    find_bounces,
    find_hit,
    find_net_crossing,
    stopped_by_net,
)

_AT_THE_NET = 0.03
"""m, a ball that comes down so near before the net leans on it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judged part of an `ExecutionTrace`; the same names mean the same."""

    outcome: Outcome
    note: str
    landing: Landing | None = None
    net_clearance: float | None = None
    peak_height: float | None = None


def judge(samples: TraceSamples, arm_contact: str = '') -> Judgement:
    """Judge one trial.

    Args:
        samples: the trial's time series; only the ball's positions are used.
        arm_contact: what the arm touched that it must not, in words; empty if nothing.
    """
    judged = _judge_ball(samples)
    if arm_contact:
        return Judgement(
            Outcome.COLLISION,
            f'the arm collided: {arm_contact}',
            judged.landing,
            judged.net_clearance,
            judged.peak_height,
        )
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
    peak = float(np.max(after[:, 2]))
    landing = next((Landing(b.x, b.y, b.time) for b in find_bounces(after_time, after)), None)
    flight = slice(None) if landing is None else slice(0, int(np.searchsorted(after_time, landing.time)))
    crossing = find_net_crossing(after_time[flight], after[flight])
    clearance = None if crossing is None else crossing.clearance
    if landing is not None and landing.y < 0.0 and not (crossing and crossing.deflected):
        reached = landing.y > -_AT_THE_NET or stopped_by_net(after[after_time <= landing.time])
        outcome = Outcome.NET if reached else Outcome.OWN_SIDE
        if reached and clearance is None:
            clearance = clearance_missing(after_time, after)
        note = (
            'the ball hit the net and fell back'
            if reached
            else f"the ball came down on the robot's own half, {-landing.y:.2f} m before the net"
        )
        return Judgement(outcome, note, landing, clearance, peak)
    if crossing is None:
        if stopped_by_net(after):
            missing = clearance_missing(after_time, after)
            return Judgement(Outcome.NET, 'the ball hit the net', landing, missing, peak)
        return Judgement(Outcome.OUT, 'the ball did not reach the table', landing, None, peak)
    if not crossing.beside and (crossing.deflected or crossing.clearance < -0.01):
        return Judgement(Outcome.NET, 'the ball touched the net', landing, clearance, peak)
    if landing is None:
        return Judgement(Outcome.OUT, _where_out(after), None, clearance, peak)
    words = f'landed {table.place(landing.x, landing.y)}, at ({landing.x:+.2f}, {landing.y:.2f}) m'
    return Judgement(Outcome.LANDED, words, landing, clearance, peak)


def _where_out(position: np.ndarray) -> str:
    below = np.flatnonzero(position[:, 2] < table.BALL_RADIUS)
    x, y, _ = position[below[0]] if len(below) else position[-1]
    if y > table.HALF_LENGTH:
        return f'the ball went {y - table.HALF_LENGTH:.2f} m beyond the far end'
    side = 'right' if x > 0 else 'left'
    return f'the ball went {max(abs(x) - table.HALF_WIDTH, 0.0):.2f} m past the {side} side'
