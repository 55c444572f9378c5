"""Asking an optimizer without trusting it: what comes back is checked, and no fault of it gets through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.method import Optimizer, Proposal, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.checks import Verdict, check


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking one optimizer came to.

    Attributes:
        proposal: what it proposed; None where nothing usable came.
        attenuation: (8,) what the checks let through of it; empty without a proposal.
        text: the verdict of the proposer's own checks and of these, or in one clause why there is no proposal.
        exchanges: the requests to a language model it made, in vain or not.
    """

    proposal: Proposal | None
    attenuation: tuple[float, ...]
    text: str
    exchanges: tuple[Exchange, ...]


LONGEST_CLAUSE: Final = 500
"""Characters kept of what an optimizer says went wrong."""

LONGEST_VERDICT: Final = 2_000
"""Characters kept of what an optimizer says its own checks found."""


def _line(text: str, longest: int) -> str:
    return ' '.join(text.split()).rstrip('.')[:longest]


def _clause(error: Exception) -> str:
    return _line(str(error), LONGEST_CLAUSE)


def _told(proposal: Proposal, verdict: Verdict) -> str:
    """What was found on the way from what was answered to what is published, the proposer's findings first."""
    found = (
        _line(proposal.verdict, LONGEST_VERDICT),
        *(str(finding) for finding in verdict.findings),
        _line(proposal.claims, LONGEST_VERDICT),
    )
    named = '; '.join(filter(None, found))
    decided = 'accepted' if verdict.accepted else 'refused'
    return f'{decided} ({named})' if named else decided


def consult(
    optimizer: Optimizer,
    history: Sequence[ExecutionTrace],
    objective: Objective,
    space: ParameterSpace,
    earlier: Sequence[Proposal] = (),
    *,
    repeats_allowed: int = 0,
) -> Answer:
    """Ask for a proposal and check it by the rules that hold for every optimizer.

    An exception of the optimizer becomes an answer without a proposal: what a proposer does wrong must never
    stop a run. `KeyboardInterrupt` and the like pass.

    Args:
        optimizer: who is asked.
        history: all trials so far, oldest first.
        objective: what the person asked.
        space: the bounds.
        earlier: the proposals behind the last ``len(earlier)`` trials of the history.
        repeats_allowed: how often the same parameters may be tried again: more than 0 where trials are noisy.
    """
    name = optimizer.name
    proposal: Proposal | None = None
    try:
        proposal = optimizer.propose(history, objective, earlier)
        verdict = check(proposal.attenuation, history, space, objective, repeats_allowed=repeats_allowed)
        told = _told(proposal, verdict)
    except ProposalError as error:
        return Answer(None, (), f'{name} gave no usable proposal ({_clause(error)})', error.exchanges)
    except Exception as error:
        exchanges = getattr(proposal, 'exchanges', ())  # it may be anything
        return Answer(None, (), f'{name} failed ({type(error).__name__}: {_clause(error)})', exchanges)
    if not verdict.accepted:
        return Answer(None, (), f'the proposal of {name} was {told}', proposal.exchanges)
    return Answer(proposal, verdict.attenuation, told, proposal.exchanges)
