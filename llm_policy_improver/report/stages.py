"""Whether a run gets better beyond luck: its trials in stages, each with the mean of what was missing and its error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.digits import digits_apart
from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.report.map_view import Shown

CLEAR: Final = 2.0
"""Standard errors of a difference from which on it is no luck."""
_FEWEST: Final = 4
"""Proposals that are worth two stages."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Some trials in a row.

    Attributes:
        name: for people.
        trials: numbers of the first and the last one.
        count: of trials.
        returned: how many of them were good returns.
        loss: m, mean distance to the goal; a trial without a good return counts as `FAILED_LOSS`.
        error: m, standard error of that mean; NaN of a single trial.
    """

    name: str
    trials: tuple[int, int]
    count: int
    returned: int
    loss: float
    error: float

    @classmethod
    def of(cls, name: str, shown: Sequence[Shown]) -> 'Stage':
        """Of at least one trial."""
        losses = [FAILED_LOSS if one.distance is None else one.distance for one in shown]
        mean = sum(losses) / len(losses)
        spread = math.sqrt(sum((loss - mean) ** 2 for loss in losses) / max(len(losses) - 1, 1))
        return cls(
            name,
            (shown[0].number, shown[-1].number),
            len(shown),
            sum(one.distance is not None for one in shown),
            mean,
            spread / math.sqrt(len(losses)) if len(losses) > 1 else math.nan,
        )


def best_so_far(shown: Sequence[Shown]) -> list[float | None]:
    """After each trial, the shortest distance to the goal seen by then, m; None before there was one."""
    found: list[float | None] = []
    lowest: float | None = None
    for one in shown:
        if one.distance is not None and (lowest is None or one.distance < lowest):
            lowest = one.distance
        found.append(lowest)
    return found


def best_curve(shown: Sequence[Shown], begin: int = 0) -> tuple[list[int], list[float]]:
    """The same as a curve: numbers of trials, from ``begin`` on, and the distance, where there was one."""
    pairs = zip(shown, best_so_far(shown), strict=True)
    known = [(one.number, lowest) for one, lowest in pairs if lowest is not None and one.number >= begin]
    return [number for number, _ in known], [lowest for _, lowest in known]


def stages_of(shown: Sequence[Shown]) -> tuple[Stage, ...]:
    """The first trials, and those of proposals in two halves; of few proposals as one."""
    tested = [one for one in shown if one.trial.tested]
    first = [one for one in tested if one.first]
    improved = [one for one in tested if not one.first]
    half = (len(improved) + 1) // 2
    parts = [('first trials', first)]
    if len(improved) < _FEWEST:
        parts.append(('proposals', improved))
    else:
        parts += [('first half of the proposals', improved[:half]), ('second half of the proposals', improved[half:])]
    return tuple(Stage.of(name, part) for name, part in parts if part)


def verdict(stages: Sequence[Stage]) -> str:
    """Whether the last stage is better than the first one beyond luck, in a sentence; empty of a single stage."""
    if len(stages) < 2:
        return ''
    before, now = stages[0], stages[-1]
    gain, doubt = before.loss - now.loss, CLEAR * math.hypot(before.error, now.error)
    digits = digits_apart(before.loss, now.loss)
    told = (
        f'{before.loss:.{digits}f} m from the goal on average in the {before.name}, '
        f'{now.loss:.{digits}f} m in the {now.name}'
    )
    if math.isnan(doubt):
        return f'Too few trials to tell progress from luck: {told}.'
    if gain > doubt:
        return f'Better, and not by luck: {told}, a gain of {gain:.{digits}f} ± {doubt:.{digits}f} m.'
    if gain < -doubt:
        return f'Worse, and not by luck: {told}, a loss of {-gain:.{digits}f} ± {doubt:.{digits}f} m.'
    return f'Not to be told from luck: {told}, a difference of {gain:+.{digits}f} ± {doubt:.{digits}f} m.'
