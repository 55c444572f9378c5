"""The trials of a method by the places that it noted for them: rounds, candidates of a round, repairs of a candidate.

A method keeps no state. Where a trial belongs stands in the memos of its proposal, and what comes next follows from
the last one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial

ROUND: Final = 'round'
CANDIDATE: Final = 'candidate'
REPAIR: Final = 'repair'

LONGEST_ERROR: Final = 3_000
"""Characters told of why a program failed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Attributes:
    round: from 1.
    candidate: within its round, from 1.
    repair: how often it was mended after it failed; 0 as it was first written.
    """

    round: int
    candidate: int
    repair: int = 0

    @property
    def opens(self) -> bool:
        """Whether it is the first of its round."""
        return self.candidate == 1 and self.repair == 0

    def memos(self) -> dict[str, str]:
        """As it is noted."""
        return {ROUND: str(self.round), CANDIDATE: str(self.candidate), REPAIR: str(self.repair)}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A trial at its place, with what was noted beside."""

    place: Place
    trial: Trial
    memos: Mapping[str, str]


def attempts_of(history: Sequence[Trial], earlier: Sequence[Proposal]) -> list[Attempt]:
    """The trials whose proposals have a place, oldest first.

    Args:
        history: all trials so far.
        earlier: the proposals behind the last ``len(earlier)`` of them.
    """
    pairs = zip(history[len(history) - len(earlier) :], earlier, strict=True)
    return [
        Attempt(_place(proposal.memos), trial, proposal.memos)
        for trial, proposal in pairs
        if {ROUND, CANDIDATE, REPAIR} <= set(proposal.memos)
    ]


def next_place(attempts: Sequence[Attempt], candidates: int, repairs: int) -> Place:
    """Where the next proposal belongs: a program that failed is mended a few times, then given up.

    Args:
        attempts: so far.
        candidates: of a round.
        repairs: of a candidate at most.
    """
    if not attempts:
        return Place(1, 1)
    last = attempts[-1].place
    if not attempts[-1].trial.succeeded and last.repair < repairs:
        return Place(last.round, last.candidate, last.repair + 1)
    if last.candidate < candidates:
        return Place(last.round, last.candidate + 1)
    return Place(last.round + 1, 1)


def error_of(trial: Trial) -> str:
    """Why its program failed."""
    return trial.note[:LONGEST_ERROR]


def _place(memos: Mapping[str, str]) -> Place:
    return Place(int(memos[ROUND]), int(memos[CANDIDATE]), int(memos[REPAIR]))
