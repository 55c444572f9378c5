"""What is kept of every proposal: who made it, what judged it, and who let it through or did not."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from llm_policy_improver.core.chat import Exchange

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
        judged: (8,) the attenuation it judged.
        instead: (8,) what a person put in its place; empty where nothing.
        by: the person who decided; empty where a program did.
        figures: behind it, plain data for JSON.
    """

    gate: str
    passed: bool
    reason: str
    judged: tuple[float, ...]
    instead: tuple[float, ...] = ()
    by: str = PROGRAM
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f'{self.gate}: {self.reason}' + f' ({self.by})' * bool(self.by)

    @property
    def told(self) -> str:
        """A refusal as a sentence for the next prompt."""
        numbers = ' '.join(f'{value:.3f}' for value in self.judged)
        if self.by:
            return f'A person rejected the parameters {numbers}: "{self.reason}".'
        return f'The {self.gate} refused the parameters {numbers}: {self.reason}.'

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> 'GateVerdict':
        """Of what `as_json` gave; what a newer version added is left out."""
        known = {name: data[name] for name in ('gate', 'passed', 'reason', 'by', 'figures')}
        return cls(judged=tuple(data['judged']), instead=tuple(data['instead']), **known)


@dataclass(frozen=True, slots=True)
class Audit:
    """One proposal on its way to the arm.

    Attributes:
        version: that its parameters have, or would have had.
        proposed_by: name of the optimizer.
        model: the language model that answered; empty where none did.
        prompt_sha256: `prompt_hash` of the messages that it answered; empty where none did.
        proposed: (8,) as the checks left it; empty where they refused it.
        attenuation: (8,) what was published; empty where nothing was.
        checks: what the checks said, for people.
        verdicts: of the gates, in the order in which they spoke.
        decision: what became of it.
        decided_by: the person who decided; empty where a program did.
        decided_at: UTC.
        reason: one clause.
    """

    version: int
    proposed_by: str
    model: str
    prompt_sha256: str
    proposed: tuple[float, ...]
    attenuation: tuple[float, ...]
    checks: str
    verdicts: tuple[GateVerdict, ...]
    decision: Decision
    decided_by: str
    decided_at: datetime
    reason: str


def audit_of(
    proposed_by: str,
    exchanges: Sequence[Exchange],
    version: int,
    decision: Decision,
    decided_at: datetime,
    *,
    proposed: tuple[float, ...] = (),
    attenuation: tuple[float, ...] = (),
    checks: str = '',
    verdicts: tuple[GateVerdict, ...] = (),
    decided_by: str = PROGRAM,
    reason: str = '',
) -> Audit:
    """The record of a proposal; the last of the exchanges is the one that it was read from.

    The other arguments are those of `Audit`.
    """
    last = exchanges[-1] if exchanges else None
    return Audit(
        version=version,
        proposed_by=proposed_by,
        model='' if last is None else last.model,
        prompt_sha256='' if last is None else prompt_hash(last.messages),
        proposed=proposed,
        attenuation=attenuation,
        checks=checks,
        verdicts=verdicts,
        decision=decision,
        decided_by=decided_by,
        decided_at=decided_at,
        reason=reason,
    )


def prompt_hash(messages: Sequence[Sequence[str]]) -> str:
    """SHA-256 of chat messages, in hexadecimal: that of the column ``messages`` of the store's exchanges."""
    return hashlib.sha256(json.dumps(messages).encode()).hexdigest()
