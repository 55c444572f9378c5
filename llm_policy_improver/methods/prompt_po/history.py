"""What a prompt tells of earlier rounds: the winner of each, what it came to, and what was thought of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.methods.programs.attempts import Attempt, error_of
from llm_policy_improver.methods.programs.returns import returns_of

LINES: Final = 'lines'
"""Memo of the proposal that opens a round: what the feedback class says of the episodes of the last round's winner."""
REFLECTION: Final = 'reflection'
"""Memo of the same proposal: the reflection on the last round."""


class Detail(IntEnum):
    """How much is told of a round."""

    RETURNS = 0
    WORDS = 1
    """And the lines of feedback and the reflection."""
    SOURCE = 2
    """And the winner's source."""


@dataclass(frozen=True, slots=True)
class PastRound:
    """Attributes:
    number: from 1.
    winner: the trial with the best mean return; None where no program ran to its end.
    tried: how many programs were.
    error: of the last one that failed, where there is no winner.
    lines: of feedback on the winner's episodes.
    reflection: on it, beside earlier ones.
    """

    number: int
    winner: Trial | None
    tried: int
    error: str = ''
    lines: str = ''
    reflection: str = ''


def past_rounds(
    attempts: Sequence[Attempt], before: int, objective: Objective, opening: Mapping[str, str]
) -> list[PastRound]:
    """The rounds before one of this number.

    Args:
        attempts: all so far.
        before: number of the round that is under way.
        objective: ranks trials.
        opening: memos that open it; those that open earlier rounds are in their proposals.
    """
    notes = {attempt.place.round: attempt.memos for attempt in attempts if attempt.place.opens}
    notes[before] = opening
    rounds = []
    for number in range(1, before):
        trials = [attempt.trial for attempt in attempts if attempt.place.round == number]
        winner = objective.best(trials)
        told = notes.get(number + 1, {})
        error = error_of(trials[-1]) if winner is None and trials else ''
        rounds.append(
            PastRound(number, winner, len(trials), error, told.get(LINES, ''), told.get(REFLECTION, ''))
        )
    return rounds


def history_text(
    rounds: Sequence[PastRound], objective: Objective, space: ProgramSpace, most_tokens: int
) -> str:
    """All rounds, oldest first. Beyond the budget older rounds lose their sources, then their words, as far as need be.

    The latest round and the best one are shortened only where that is not enough.
    """
    if not rounds:
        return 'None: this is the first round.'
    best = objective.best([one.winner for one in rounds if one.winner is not None])
    details = {one.number: Detail.SOURCE for one in rounds}
    kept = {rounds[-1].number, *(one.number for one in rounds if one.winner is best)}
    older = [one.number for one in rounds if one.number not in kept]
    steps = [(number, less) for less in (Detail.WORDS, Detail.RETURNS) for number in older]
    steps += [(number, less) for less in (Detail.WORDS, Detail.RETURNS) for number in sorted(kept)]
    text = _text(rounds, details, best, space)
    for number, less in steps:
        if count_tokens(text) <= most_tokens:
            break
        details[number] = less
        text = _text(rounds, details, best, space)
    return text


def _text(
    rounds: Sequence[PastRound], details: Mapping[int, Detail], best: Trial | None, space: ProgramSpace
) -> str:
    said = [_round(one, details[one.number], best, space) for one in rounds]
    return '\n\n'.join(said)


def _round(past: PastRound, detail: Detail, best: Trial | None, space: ProgramSpace) -> str:
    mark = ', the best so far' if past.winner is not None and past.winner is best else ''
    lines = [f'## Round {past.number}{mark}', '']
    if past.winner is None:
        lines.append(f'None of {past.tried} programs ran to its end. The last one: {past.error}')
    else:
        lines.append(f'The best of {past.tried} programs: {returns_of(past.winner) or past.winner.note}')
        if detail is Detail.SOURCE:
            lines += ['', '```python', space.kept(past.winner).source.rstrip(), '```']
    if detail > Detail.RETURNS:
        if past.lines:
            lines += ['', 'Its episodes:', past.lines]
        if past.reflection:
            lines += ['', f'Reflection: {past.reflection}']
    return '\n'.join(lines)
