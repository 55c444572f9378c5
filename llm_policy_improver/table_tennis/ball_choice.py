"""What held in the swing of a ball that a program chose for: what it observed, what was applied, and why."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN
from llm_policy_improver.table_tennis.control.choosing import IncomingBall

OBSERVED: Final = (
    'time_to_hit', 'hit_x', 'hit_y', 'hit_z', 'ball_x_velocity', 'ball_y_velocity', 'ball_z_velocity',
    'ball_x_spin', 'ball_y_spin', 'ball_z_spin',
)  # fmt: skip
"""What a program chooses by, in this order: an `IncomingBall`."""
AFTERWARDS: Final = ('outcome', 'landing_x', 'landing_y')
"""What is observed after the ball; zeros when a program is asked."""
NOT_PLAYED: Final = (0.0, 0.0, 0.0)
FALLBACK: Final = 'fallback'
"""Measure of a ball: `HELD` where the program's choice held, else the place of the `Fallback`, from 1."""
HELD: Final = 0.0


class Fallback(StrEnum):
    """Why the constants held, and not what the program chose."""

    LATE = 'late'
    """The program had not answered when the swing was fixed."""
    FAILED = 'failed'
    """It raised, took too long, or its process ended."""
    INVALID = 'invalid'
    """It answered with something else than sixteen numbers."""
    NOT_ASKED = 'not_asked'
    """No hit was in sight in time, so that it was not asked."""


@dataclass(frozen=True, slots=True)
class BallChoice:
    """What held in the swing of one ball.

    Attributes:
        version: of the program.
        observed: (10,) by which was chosen, as `OBSERVED` names them; empty where the program was not asked.
        applied: (16,) as `CHOSEN` names them, after all clipping.
        fallback: why these are the constants; None where they are the program's.
        detail: of that, for people, e.g. what it raised.
    """

    version: int
    observed: tuple[float, ...]
    applied: tuple[float, ...]
    fallback: Fallback | None = None
    detail: str = ''

    @property
    def sentence(self) -> str:
        """For people; empty where all went well."""
        if self.fallback is None:
            return ''
        why = {
            Fallback.LATE: 'the program was late',
            Fallback.FAILED: 'the program failed',
            Fallback.INVALID: 'the program gave no sixteen numbers',
            Fallback.NOT_ASKED: 'the program was not asked, as no hit was in sight in time',
        }[self.fallback]
        return f'the constants held: {why}' + f' ({self.detail})' * bool(self.detail)

    def told_by(self, trial: Trial) -> Trial:
        """The trial with what was observed and applied among its measures, and the fallback in its note."""
        measures = dict(zip(OBSERVED, self.observed, strict=False))
        measures |= zip(CHOSEN, self.applied, strict=True)
        measures[FALLBACK] = HELD if self.fallback is None else 1.0 + list(Fallback).index(self.fallback)
        note = '; '.join(filter(None, (trial.note, self.sentence)))
        return replace(trial, measures={**trial.measures, **measures}, note=note)


def observed(ball: IncomingBall) -> tuple[float, ...]:
    """The ten numbers of a ball, as `OBSERVED` names them."""
    return tuple(float(number) for number in (ball.time_to_hit, *ball.position, *ball.velocity, *ball.spin))
