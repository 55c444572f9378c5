"""Asking a method without trusting it: what comes back is checked, and no fault of it gets through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.finding import Failure, Finding, Vain
from llm_policy_improver.core.method import Method, MisreadError, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check_policy

LONGEST_DETAIL: Final = 500
"""Characters kept of what a method says went wrong, and of a reason that refuses its proposal."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking one method came to.

    Attributes:
        asked: name of the method.
        proposal: what it proposed; None where it gave none.
        checked: the same with the policy that may be published so far; None where none may.
        findings: of the checks.
        failure: why nothing may be published; None where something may.
        detail: more of that, one clause.
        exchanges: the requests to a language model it made, in vain or not.
    """

    asked: str
    proposal: Proposal | None
    checked: Proposal | None
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    detail: str = ''
    exchanges: tuple[Exchange, ...] = ()

    @property
    def in_vain(self) -> Vain:
        """The same as a method that was asked in vain."""
        return Vain(self.asked, self.failure or Failure.UNUSABLE, self.detail)


def clause(text: str) -> str:
    """The beginning of a text as one line without a full stop."""
    return ' '.join(text.split()).rstrip('.')[:LONGEST_DETAIL]


def consult(
    method: Method,
    history: Sequence[Trial],
    objective: Objective,
    space: ParameterSpace | ProgramSpace,
    earlier: Sequence[Proposal] = (),
    *,
    repeats_allowed: int = 0,
) -> Answer:
    """Ask for a proposal and check it by the rules that hold for every method.

    An exception of the method becomes an answer without a proposal: what a proposer does wrong must never
    stop a run. `KeyboardInterrupt` and the like pass.

    Args:
        method: who is asked.
        history: all trials so far, oldest first.
        objective: what the person asked.
        space: what may be proposed: the bounds of parameters, or what a program must be.
        earlier: the proposals behind the last ``len(earlier)`` trials of the history.
        repeats_allowed: how often the same policy may be tried again: more than 0 where trials are noisy.
    """
    name = method.name
    proposal: Proposal | None = None
    try:
        proposal = method.propose(history, objective, earlier)
        allowed, findings = check_policy(proposal, history, space, objective, repeats_allowed=repeats_allowed)
    except MisreadError as error:
        return Answer(
            name, None, None, failure=Failure.MISREAD, detail=clause(error.asked), exchanges=error.exchanges
        )
    except ProposalError as error:
        return Answer(
            name, None, None, failure=Failure.UNUSABLE, detail=clause(str(error)), exchanges=error.exchanges
        )
    except Exception as error:
        exchanges = getattr(proposal, 'exchanges', ())  # it may be anything
        detail = f'{type(error).__name__}: {clause(str(error))}'
        return Answer(name, None, None, failure=Failure.ERROR, detail=detail, exchanges=exchanges)
    if allowed is None:
        detail = clause('; '.join(map(str, findings)))
        return Answer(name, proposal, None, findings, Failure.REFUSED, detail, proposal.exchanges)
    return Answer(name, proposal, proposal.at(allowed), findings, exchanges=proposal.exchanges)
