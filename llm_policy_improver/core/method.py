"""What a method is: a proposer of policies, given all trials so far and the objective."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial

INITIAL = 'initial'
"""Who proposed the first trials of a run: they are spread out, and made from no other."""


class ProposalError(RuntimeError):
    """No usable proposal came out; the message says why in one sentence. The caller falls back.

    Attributes:
        exchanges: the requests to a language model made in vain, in order; they are recorded all the same.
    """

    def __init__(self, message: str, exchanges: Sequence[Exchange] = ()) -> None:
        super().__init__(message)
        self.exchanges = tuple(exchanges)


class MisreadError(ProposalError):
    """Whoever proposes says that the person's words were misread: something else is measured than what they ask for.

    Attributes:
        asked: what they ask for, in the proposer's words.
    """

    def __init__(self, asked: str, exchanges: Sequence[Exchange] = ()) -> None:
        super().__init__(f'it takes the words to ask for something else: {asked}', exchanges)
        self.asked = asked


class Method(Protocol):
    """Proposes the next policy. Suggesting changes no state: the same history gives the same answer."""

    @property
    def name(self) -> str:
        """Name for people and records, e.g. ``'least_squares'`` or ``'sas:gpt-4o'``."""

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The next policy to try.

        Args:
            history: all trials so far, oldest first.
            objective: what the person asked.
            earlier: the proposals behind the last ``len(earlier)`` trials of the history, in their order.

        Raises:
            ProposalError: nothing usable came out.
            MisreadError: something else is measured than what the person asked for.
        """


@runtime_checkable
class Recommender(Protocol):
    """A method that knows better than by the best trial seen what to keep: under noise that one was partly luck."""

    def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal | None:
        """What to keep after these trials, tried or not; None where nothing can be said.

        The arguments are those of `Method.propose`.
        """


@dataclass(frozen=True, slots=True)
class Prospect:
    """What further trials may still bring, by a method's model; in the unit of the objective.

    Attributes:
        gain: by how much the expected loss would fall, were all known that trials can tell.
        scatter: standard deviation of the distances of trials with what is recommended.
    """

    gain: float
    scatter: float

    def told_apart(self, trials: int) -> float:
        """The least gain that so many trials show.

        Half of them played with what is recommended and half with a rival differ in their means by a standard error of
        2 scatter / sqrt(trials). What is to gain is the mean of what the rival is better by, where it is better: of
        a normal difference without a favourite 1 / sqrt(2 pi) of its standard deviation. Both deviations are equal
        at 0.8 scatter / sqrt(trials): what is less drowns in the trials' own luck.
        """
        return 2.0 * self.scatter / math.sqrt(2.0 * math.pi * trials)


@runtime_checkable
class Prospector(Recommender, Protocol):
    """A recommender that can say what is left to gain."""

    def prospect(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Prospect | None:
        """What further trials may bring; None where nothing can be said."""
