"""What an optimizer is: a proposer of attenuations, given all trials so far and the objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trace import ExecutionTrace


class ProposalError(RuntimeError):
    """No usable proposal came out; the message says why in one sentence. The caller falls back.

    Attributes:
        exchanges: the requests to a language model made in vain, in order; they are recorded all the same.
    """

    def __init__(self, message: str, exchanges: Sequence[Exchange] = ()) -> None:
        super().__init__(message)
        self.exchanges = tuple(exchanges)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An attenuation to try next, with the reasons for it.

    Attributes:
        attenuation: (8,) in the order of `core.parameters.JOINTS`; what the optimizer says, not yet checked
            by the loop.
        proposed_by: name of the optimizer that made it.
        summary, analysis, synthesis: the three steps of SAS-Prompt, in the proposer's own words.
        reason: one sentence for the person: why this attenuation.
        nearest: number of the trial that the proposer thinks fulfils the objective best so far; 0 if it names
            none. It ranks the trials where the objective has no measure.
        verdict: what the proposer's own checks changed in what was answered; empty where nothing.
        claims: how the effects that a language model claimed compare with the trials; empty where it claimed none.
        claimed: how many of them agree with the trials, contradict them, and are undecided by them.
        exchanges: the requests to a language model made for it, in order.
        fallback: why another optimizer than the one asked made it; empty otherwise.
        rejected: why what was proposed before it, for the same trial, did not reach the arm: sentences for the next
            prompts, written by the loop.
        audits: what was judged on the way to it and with it, oldest first; kept by the loop.
    """

    attenuation: tuple[float, ...]
    proposed_by: str
    summary: str = ''
    analysis: str = ''
    synthesis: str = ''
    reason: str = ''
    nearest: int = 0
    verdict: str = ''
    claims: str = ''
    claimed: tuple[int, int, int] = (0, 0, 0)
    exchanges: tuple[Exchange, ...] = ()
    fallback: str = ''
    rejected: tuple[str, ...] = ()
    audits: tuple[Audit, ...] = ()


class Optimizer(Protocol):
    """Proposes the next attenuation. Suggesting changes no state: the same history gives the same answer."""

    @property
    def name(self) -> str:
        """Name for people and records, e.g. ``'least_squares'`` or ``'sas:gpt-4o'``."""

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The next attenuation to try.

        Args:
            history: all trials so far, oldest first.
            objective: what the person asked.
            earlier: the proposals behind the last ``len(earlier)`` trials of the history, in their order.

        Raises:
            ProposalError: nothing usable came out.
        """
