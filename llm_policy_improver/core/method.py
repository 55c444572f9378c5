"""What a method is: a proposer of policies, given all trials so far and the objective."""

from collections.abc import Sequence
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
        """


@runtime_checkable
class Recommender(Protocol):
    """A method that knows better than by the best trial seen what to keep: under noise that one was partly luck."""

    def recommend(self, history: Sequence[Trial], objective: Objective) -> Proposal | None:
        """What to keep after these trials, tried or not; None where nothing can be said."""
