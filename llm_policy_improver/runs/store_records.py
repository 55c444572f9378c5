"""What a run holds besides trials, as plain data, and how all of it is written in rows."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from llm_policy_improver.core.audit import Audit, Decision, GateVerdict
from llm_policy_improver.core.chat import Ending, Exchange
from llm_policy_improver.core.finding import Finding, Vain
from llm_policy_improver.core.limited_json import parse_json
from llm_policy_improver.core.policy import policy_from_json
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs import stored_json
from llm_policy_improver.runs.store_errors import StoreError

_ELSEWHERE: Final = frozenset({'exchanges'})
"""Of a proposal: in a table of its own."""


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step of the loop and when it was stored.

    Attributes:
        number: in the store, from 1.
        recorded_at: UTC.
        objective: the person's words.
        step: without its exchanges and audits, which are rows of their own; its number is that in the store.
    """

    number: int
    recorded_at: datetime
    objective: str
    step: Step


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """One request to a language model, and the step it was made for.

    Attributes:
        number: in the run, from 1.
        step: number of the step.
        version: of the parameters that step led to.
        recorded_at: UTC.
        exchange: what was sent and what came back.
    """

    number: int
    step: int
    version: int
    recorded_at: datetime
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """What became of one proposal.

    Attributes:
        number: in the run, from 1.
        step: number of the step that it was made for; 0 where no step came of it.
        recorded_at: UTC.
        audit: the record.
    """

    number: int
    step: int
    recorded_at: datetime
    audit: Audit


@dataclass(frozen=True, slots=True)
class StoredEnd:
    """How a run towards one objective ended.

    Attributes:
        settings: number of the settings that it was begun with.
        state, message: as in ``OptimizerStatus.msg``.
        recommended: what is to be kept of noisy trials, and in its memos what is expected of it; None where no model
            of the trials says so.
    """

    settings: int
    state: str
    message: str
    recommended: Proposal | None = None


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """What steps were made with.

    Attributes:
        number: of these settings, and so of the run towards one objective that began with them, from 1.
        first_step: number of the first one, made or still to come; they hold until the next `StoredSettings`.
        recorded_at: UTC.
        content: plain data.
    """

    number: int
    first_step: int
    recorded_at: datetime
    content: dict[str, Any]


def iso(time: datetime) -> str:
    """The time as it is stored: UTC, ISO 8601, microseconds."""
    return time.astimezone(UTC).isoformat(timespec='microseconds')


def trial_row(trial: Trial, recorded_at: datetime) -> dict[str, Any]:
    """A trial's columns, without its number and file."""
    return {
        'recorded_at': iso(recorded_at),
        'version': int(trial.version),
        'policy': json.dumps(trial.policy.as_json()),
        'proposed_by': trial.proposed_by,
        'outcome': str(trial.outcome),
        'succeeded': int(trial.succeeded),
        'tested': int(trial.tested),
        'measures': json.dumps({name: float(value) for name, value in trial.measures.items()}),
        'note': trial.note,
    }


def to_trial(row: sqlite3.Row) -> Trial:
    """A trial without its samples."""
    return Trial(
        policy=policy_from_json(parse_json(row['policy'])),
        outcome=row['outcome'],
        measures=parse_json(row['measures']),
        succeeded=bool(row['succeeded']),
        tested=bool(row['tested']),
        version=row['version'],
        proposed_by=row['proposed_by'],
        note=row['note'],
        number=row['trial'],
    )


def step_row(objective: str, step: Step, recorded_at: datetime) -> dict[str, Any]:
    """A step's columns, without its number; ``objective``: the person's words."""
    return {
        'recorded_at': iso(recorded_at),
        'objective': objective,
        'version': int(step.version),
        'policy': json.dumps(step.policy.as_json()),
        'seed': int(step.seed),
        'proposal': _proposal_text(step.proposal),
        'findings': stored_json.write(tuple[Finding, ...], step.findings),
        'in_vain': stored_json.write(tuple[Vain, ...], step.in_vain),
    }


def to_step(row: sqlite3.Row) -> StoredStep:
    """A step.

    Raises:
        StoreError: its proposal has a format that is not known here.
    """
    step = Step(
        number=row['step'],
        policy=policy_from_json(parse_json(row['policy'])),
        version=row['version'],
        proposal=_proposal(row['proposal'], f'step {row["step"]}'),
        seed=row['seed'],
        findings=stored_json.read(tuple[Finding, ...], row['findings']),
        in_vain=stored_json.read(tuple[Vain, ...], row['in_vain']),
    )
    return StoredStep(row['step'], datetime.fromisoformat(row['recorded_at']), row['objective'], step)


def _proposal_text(proposal: Proposal) -> str:
    content = parse_json(stored_json.write(Proposal, proposal, _ELSEWHERE))
    return json.dumps({'format': stored_json.FORMAT, **content})


def _proposal(text: str, where: str) -> Proposal:
    form = parse_json(text).get('format')
    if form != stored_json.FORMAT:
        raise StoreError(
            f'the proposal of {where} has format {form}, and this version reads {stored_json.FORMAT}: read the run '
            'with the version that recorded it'
        )
    return stored_json.read(Proposal, text)


def exchange_row(step: int, exchange: Exchange, recorded_at: datetime) -> dict[str, Any]:
    """An exchange's columns, without its number."""
    return {
        'step': step,
        'recorded_at': iso(recorded_at),
        **asdict(exchange),
        'messages': json.dumps(exchange.messages),
        'seconds': float(exchange.seconds),
        'ending': exchange.ending.value,
    }


def audit_row(step: int, audit: Audit, recorded_at: datetime) -> dict[str, Any]:
    """An audit record's columns, without its number; ``step`` 0: of no step."""
    return {
        'step': step or None,
        'recorded_at': iso(recorded_at),
        'version': int(audit.version),
        'proposed_by': audit.proposed_by,
        'model': audit.model,
        'prompt_sha256': audit.prompt_sha256,
        'proposal': None if audit.proposal is None else _proposal_text(audit.proposal),
        'findings': stored_json.write(tuple[Finding, ...], audit.findings),
        'verdicts': stored_json.write(tuple[GateVerdict, ...], audit.verdicts),
        'decision': audit.decision.value,
        'decided_by': audit.decided_by,
        'decided_at': iso(audit.decided_at),
        'reason': audit.reason,
    }


def to_audit(row: sqlite3.Row) -> StoredAudit:
    """An audit record.

    Raises:
        StoreError: its proposal has a format that is not known here.
    """
    proposal = row['proposal']
    return StoredAudit(
        number=row['audit'],
        step=row['step'] or 0,
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        audit=Audit(
            version=row['version'],
            proposal=None if proposal is None else _proposal(proposal, f'audit record {row["audit"]}'),
            proposed_by=row['proposed_by'],
            model=row['model'],
            prompt_sha256=row['prompt_sha256'],
            findings=stored_json.read(tuple[Finding, ...], row['findings']),
            verdicts=stored_json.read(tuple[GateVerdict, ...], row['verdicts']),
            decision=Decision(row['decision']),
            decided_by=row['decided_by'],
            decided_at=datetime.fromisoformat(row['decided_at']),
            reason=row['reason'],
        ),
    )


def settings_row(first_step: int, content: str, recorded_at: datetime) -> dict[str, Any]:
    """The columns of settings, without their number; ``content`` is JSON."""
    return {'recorded_at': iso(recorded_at), 'first_step': first_step, 'content': content}


def end_row(
    settings: int | None, state: str, message: str, recommended: Proposal | None, recorded_at: datetime
) -> dict[str, Any]:
    """The columns of an end, without its number."""
    return {
        'recorded_at': iso(recorded_at),
        'settings': settings,
        'state': state,
        'message': message,
        'recommended': None if recommended is None else _proposal_text(recommended),
    }


def to_end(row: sqlite3.Row) -> StoredEnd:
    """An end.

    Raises:
        StoreError: what it recommends has a format that is not known here.
    """
    kept = row['recommended']
    return StoredEnd(
        row['settings'],
        row['state'],
        row['message'],
        None if kept is None else _proposal(kept, f'end {row["end"]}'),
    )


def to_description(row: sqlite3.Row) -> tuple[datetime, dict[str, Any]]:
    """When the run was made, UTC, and what with."""
    return datetime.fromisoformat(row['created_at']), dict(parse_json(row['description']))


def to_settings(row: sqlite3.Row) -> StoredSettings:
    """Settings."""
    return StoredSettings(
        number=row['settings'],
        first_step=row['first_step'],
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        content=dict(parse_json(row['content'])),
    )


def to_exchange(row: sqlite3.Row) -> StoredExchange:
    """An exchange; what version its step led to is in the step's row."""
    return StoredExchange(
        number=row['exchange'],
        step=row['step'],
        version=0,
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        exchange=Exchange(
            messages=tuple((role, text) for role, text in parse_json(row['messages'])),
            reply=row['reply'],
            model=row['model'],
            prompt_tokens=row['prompt_tokens'],
            completion_tokens=row['completion_tokens'],
            seconds=row['seconds'],
            verdict=row['verdict'],
            ending=Ending(row['ending']),
        ),
    )
