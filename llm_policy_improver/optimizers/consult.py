"""Asking an optimizer without trusting it: what comes back is checked, and no fault of it gets through."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.llm.chat import Exchange
from llm_policy_improver.objective import Objective
from llm_policy_improver.optimizers.checks import check
from llm_policy_improver.optimizers.protocol import Optimizer, Proposal, ProposalError
from llm_policy_improver.parameters import ParameterSpace
from llm_policy_improver.trace import ExecutionTrace


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking one optimizer came to.

    Attributes:
        proposal: what it proposed; None where nothing usable came.
        attenuation: (8,) what the checks let through of it; empty without a proposal.
        text: the verdict of the checks, or in one clause why there is no proposal.
        exchanges: the requests to a language model it made, in vain or not.
    """

    proposal: Proposal | None
    attenuation: tuple[float, ...]
    text: str
    exchanges: tuple[Exchange, ...]


def _clause(error: Exception) -> str:
    return ' '.join(str(error).split()).rstrip('.')[:500]


def consult(
    optimizer: Optimizer,
    history: Sequence[ExecutionTrace],
    objective: Objective,
    space: ParameterSpace,
    earlier: Sequence[Proposal] = (),
) -> Answer:
    """Ask for a proposal and check it.

    An exception of the optimizer becomes an answer without a proposal: what a proposer does wrong must never
    stop a run. `KeyboardInterrupt` and the like pass.
    """
    name = optimizer.name
    try:
        proposal = optimizer.propose(history, objective, earlier)
        verdict = check(proposal.attenuation, history, space)
    except ProposalError as error:
        return Answer(None, (), f'{name} gave no usable proposal ({_clause(error)})', error.exchanges)
    except Exception as error:
        return Answer(None, (), f'{name} failed ({type(error).__name__}: {_clause(error)})', ())
    if not verdict.accepted:
        return Answer(None, (), f'the proposal of {name} was {verdict}', proposal.exchanges)
    return Answer(proposal, verdict.attenuation, str(verdict), proposal.exchanges)
