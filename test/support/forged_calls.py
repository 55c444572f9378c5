"""Calls of services by somebody who has no key and has heard all that went over the network; each must be refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from forged_messages import LAST, MARK, Forger

from llm_policy_improver.core.security import Key
from llm_policy_improver.core.tokens import ARM, RESUME, operation_token
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.improvement_messages import shown_in
from llm_policy_improver.nodes.messages import doubles
from llm_policy_improver.nodes.scripted_operator import NAME
from llm_policy_improver.srv import ApproveParameters, Operate, SetObjective

_EVE: Final = 'Eve'


@dataclass(frozen=True)
class Call:
    """Of a service.

    Attributes:
        service, type: what is called.
        draw: the request, by what was heard and with the operator's key, for tokens that were heard.
    """

    service: str
    type: Any
    draw: Callable[[Forger, Key], Any]


def _operate(operation: str) -> list[Call]:
    other = RESUME if operation == ARM else ARM

    def request(token: str, name: str = NAME) -> Operate.Request:
        return Operate.Request(operated_by=name, token=token)

    def now(forger: Forger) -> str:
        return str(forger.heard.states[-1].challenge)

    def before(forger: Forger) -> str:
        old = [state.challenge for state in forger.heard.states if state.challenge != now(forger)]
        return str(old[int(forger.random.integers(len(old)))])

    draws: tuple[Callable[[Forger, Key], Any], ...] = (
        lambda forger, key: request(''),
        lambda forger, key: request(forger.text()),
        lambda forger, key: request(operation_token(key, operation, before(forger), NAME)),
        lambda forger, key: request(operation_token(key, other, now(forger), NAME)),
        lambda forger, key: request(operation_token(key, operation, now(forger), NAME), _EVE),
        lambda forger, key: request(operation_token(key, operation, now(forger), ''), ''),
        lambda forger, key: request(now(forger)),
        lambda forger, key: request(str(forger.heard.states[-1].seal)),
    )
    return [Call(f'controller/{operation}', Operate, draw) for draw in draws]


def _last_shown(forger: Forger) -> OptimizerStatus:
    return next(
        (run for run in reversed(forger.heard.runs) if run.state == OptimizerStatus.WAITING_FOR_APPROVAL),
        forger.heard.runs[-1],
    )


def _decision(
    decision: str, token: Callable[[Forger, Key, OptimizerStatus], str], name: str = NAME, values: int = 0
) -> Call:
    def draw(forger: Forger, key: Key) -> ApproveParameters.Request:
        shown = _last_shown(forger)
        return ApproveParameters.Request(
            version=shown.proposed_version, decision=decision, decided_by=name, reason='a rehearsal',
            values=doubles([MARK] * values), token=token(forger, key, shown),
        )  # fmt: skip

    return Call('optimizer/approve_parameters', ApproveParameters, draw)


def _heard(forger: Forger, key: Key, shown: OptimizerStatus) -> str:
    """As the operator makes it, for just this proposal."""
    return shown_in(shown).token(key, APPROVE, NAME, 'a rehearsal')


def _replayed(forger: Forger, key: Key) -> ApproveParameters.Request:
    """All of a decision that was taken, for the proposal that waits now or for its own."""
    decided = [run for run in forger.heard.runs if 0 < run.proposed_version <= forger.heard.parameters[-1].version]
    old = decided[int(forger.random.integers(len(decided)))] if decided else OptimizerStatus()
    own = forger.random.random() < 0.5
    return ApproveParameters.Request(
        version=old.proposed_version if own else LAST, decision=APPROVE, decided_by=NAME,
        reason='a rehearsal', token=_heard(forger, key, old),
    )  # fmt: skip


CALLS: Final = [
    *_operate(ARM),
    *_operate(RESUME),
    *(
        _decision(decision, lambda forger, key, shown: '', values=8 * (decision == EDIT))
        for decision in (APPROVE, REJECT, EDIT)
    ),
    _decision('nonsense', _heard),
    _decision(APPROVE, lambda forger, key, shown: forger.text()),
    _decision(APPROVE, lambda forger, key, shown: str(shown.seal)),
    _decision(APPROVE, _heard, name=_EVE),
    _decision(REJECT, _heard),
    _decision(EDIT, _heard, values=8),
    _decision(APPROVE, _heard, values=10_000),
    Call('optimizer/approve_parameters', ApproveParameters, _replayed),
    Call('set_objective', SetObjective, lambda forger, key: SetObjective.Request(objective=forger.text())),
]
"""While a run is under way, an objective is refused, too."""
