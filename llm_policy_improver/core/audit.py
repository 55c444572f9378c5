"""What is kept of every proposal: who made it, what judged it, and who let it through or did not."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.proposal import Proposal

PROGRAM: Final = ''
"""Who decided where no person did."""


class Decision(StrEnum):
    """What became of a proposal."""

    AUTOMATIC = 'automatic'
    """Let through; no person was asked."""
    APPROVED = 'approved'
    EDITED = 'edited'
    """A person let other numbers through instead."""
    REJECTED = 'rejected'
    """By a person."""
    REFUSED = 'refused'
    """By a rule of the checks or by the rehearsal."""
    WITHDRAWN = 'withdrawn'
    """The run ended while it waited for a person."""
    OFFERED = 'offered'
    """Shown to a person; what became of it is another record, or it was lost with the program that waited."""
    REVERTED = 'reverted'
    """No proposal: a person went back to earlier parameters."""

    @property
    def let_through(self) -> bool:
        """Whether numbers of this proposal may have been published."""
        return self in (Decision.AUTOMATIC, Decision.APPROVED, Decision.EDITED)


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What one gate between a proposal and the arm said.

    Attributes:
        gate: the gate's name.
        passed: whether the proposal may go on.
        reason: one clause for people.
        instead: what a person put in its place; None where nothing.
        by: the person who decided; empty where a program did.
        figures: behind it, plain data for JSON.
    """

    gate: str
    passed: bool
    reason: str
    instead: Proposal | None = None
    by: str = PROGRAM
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f'{self.gate}: {self.reason}' + f' ({self.by})' * bool(self.by)


@dataclass(frozen=True, slots=True)
class Audit:
    """One proposal on its way to the arm.

    Attributes:
        version: that its policy has, or would have had.
        proposal: with the policy as the checks left it; None where there was none, or they refused it.
        proposed_by: name of the method.
        model: the language model that answered; empty where none did.
        prompt_sha256: `prompt_hash` of the messages that it answered; empty where none did.
        findings: of the checks.
        verdicts: of the gates, in the order in which they spoke.
        decision: what became of it.
        decided_by: the person who decided; empty where a program did.
        decided_at: UTC.
        reason: one clause.
    """

    version: int
    proposal: Proposal | None
    proposed_by: str
    model: str
    prompt_sha256: str
    findings: tuple[Finding, ...]
    verdicts: tuple[GateVerdict, ...]
    decision: Decision
    decided_by: str
    decided_at: datetime
    reason: str

    @property
    def published(self) -> Proposal | None:
        """What may have been published, a person's numbers in place of the proposal's; None where nothing."""
        if not (self.decision.let_through or self.decision is Decision.REVERTED):
            return None
        edits = [verdict.instead for verdict in self.verdicts if verdict.instead is not None]
        return edits[-1] if edits else self.proposal


def audit_of(
    proposed_by: str,
    exchanges: Sequence[Exchange],
    version: int,
    decision: Decision,
    decided_at: datetime,
    *,
    proposal: Proposal | None = None,
    findings: tuple[Finding, ...] = (),
    verdicts: tuple[GateVerdict, ...] = (),
    decided_by: str = PROGRAM,
    reason: str = '',
) -> Audit:
    """The record of a proposal; the last of the exchanges is the one that it was read from.

    The other arguments are those of `Audit`.
    """
    last = exchanges[-1] if exchanges else None
    # The words and requests of the proposal are stored with its step: here its policy counts.
    kept = None if proposal is None else replace(Proposal.again(proposal), reason=proposal.reason)
    return Audit(
        version=version,
        proposal=kept,
        proposed_by=proposed_by,
        model='' if last is None else last.model,
        prompt_sha256='' if last is None else prompt_hash(last.messages),
        findings=findings,
        verdicts=verdicts,
        decision=decision,
        decided_by=decided_by,
        decided_at=decided_at,
        reason=reason,
    )


def prompt_hash(messages: Sequence[Sequence[str]]) -> str:
    """SHA-256 of chat messages, in hexadecimal: that of the column ``messages`` of the store's exchanges."""
    return hashlib.sha256(json.dumps(messages).encode()).hexdigest()
