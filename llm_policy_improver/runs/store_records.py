"""What a run holds besides trials, as plain data, and how all of it is written in rows."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from llm_policy_improver.core.audit import Audit, Decision, GateVerdict
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace, Landing, Outcome

_TEXTS: Final = ('objective', 'summary', 'analysis', 'synthesis', 'reason', 'verdict', 'fallback')


@dataclass(frozen=True, slots=True)
class StoredStep:
    """One proposed set of parameters and why.

    Attributes:
        step: number in the run, from 1.
        recorded_at: UTC.
        objective: the person's words.
        parameters: as published.
        seed: of the incoming ball.
        summary, analysis, synthesis, reason: in the proposer's own words.
        verdict: what the checks said.
        fallback: why another optimizer than the one asked proposed; empty otherwise.
        unchanged: nothing usable was proposed, so these are the parameters of before, with their version.
    """

    step: int
    recorded_at: datetime
    objective: str
    parameters: PolicyParameters
    seed: int
    summary: str
    analysis: str
    synthesis: str
    reason: str
    verdict: str
    fallback: str
    unchanged: bool


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
class StoredSettings:
    """What steps were made with.

    Attributes:
        first_step: number of the first one, made or still to come; they hold until the next `StoredSettings`.
        recorded_at: UTC.
        content: plain data.
    """

    first_step: int
    recorded_at: datetime
    content: dict[str, Any]


def iso(time: datetime) -> str:
    """The time as it is stored: UTC, ISO 8601, microseconds."""
    return time.astimezone(UTC).isoformat(timespec='microseconds')


def _vector(values: Sequence[float]) -> str:
    return json.dumps(list(values))


def _parameters_row(parameters: PolicyParameters) -> dict[str, Any]:
    return {
        'version': int(parameters.version),
        'attenuation': _vector(parameters.attenuation),
        'residual': _vector(parameters.residual),
        'proposed_by': parameters.proposed_by,
    }


def trial_row(trace: ExecutionTrace, recorded_at: datetime) -> dict[str, Any]:
    """A trial's columns, without its number and file."""
    landing = trace.landing
    return {
        'recorded_at': iso(recorded_at),
        **_parameters_row(trace.parameters),
        'outcome': trace.outcome.value,
        'landing_x': None if landing is None else float(landing.x),
        'landing_y': None if landing is None else float(landing.y),
        'landing_time': None if landing is None else float(landing.time),
        'net_clearance': None if trace.net_clearance is None else float(trace.net_clearance),
        'peak_height': None if trace.peak_height is None else float(trace.peak_height),
        'note': trace.note,
    }


def step_row(step: StoredStep) -> dict[str, Any]:
    """A step's columns, without its number."""
    return {
        'recorded_at': iso(step.recorded_at),
        **_parameters_row(step.parameters),
        'seed': step.seed,
        'unchanged': int(step.unchanged),
        **{name: getattr(step, name) for name in _TEXTS},
    }


def exchange_row(step: int, exchange: Exchange, recorded_at: datetime) -> dict[str, Any]:
    """An exchange's columns, without its number."""
    return {
        'step': step,
        'recorded_at': iso(recorded_at),
        'messages': json.dumps(exchange.messages),
        'reply': exchange.reply,
        'model': exchange.model,
        'prompt_tokens': exchange.prompt_tokens,
        'completion_tokens': exchange.completion_tokens,
        'seconds': exchange.seconds,
        'verdict': exchange.verdict,
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
        'proposed': _vector(audit.proposed),
        'attenuation': _vector(audit.attenuation),
        'checks': audit.checks,
        'verdicts': json.dumps([verdict.as_json() for verdict in audit.verdicts]),
        'decision': audit.decision.value,
        'decided_by': audit.decided_by,
        'decided_at': iso(audit.decided_at),
        'reason': audit.reason,
    }


def settings_row(first_step: int, content: str, recorded_at: datetime) -> dict[str, Any]:
    """The columns of settings, without their number; ``content`` is JSON."""
    return {'recorded_at': iso(recorded_at), 'first_step': first_step, 'content': content}


def end_row(settings: int | None, state: str, message: str, recorded_at: datetime) -> dict[str, Any]:
    """The columns of an end, without its number."""
    return {'recorded_at': iso(recorded_at), 'settings': settings, 'state': state, 'message': message}


def _parameters(row: sqlite3.Row) -> PolicyParameters:
    return PolicyParameters(
        attenuation=tuple(json.loads(row['attenuation'])),
        residual=tuple(json.loads(row['residual'])),
        version=row['version'],
        proposed_by=row['proposed_by'],
    )


def to_trace(row: sqlite3.Row) -> ExecutionTrace:
    """A trial without its samples."""
    place = row['landing_x'], row['landing_y'], row['landing_time']
    return ExecutionTrace(
        parameters=_parameters(row),
        outcome=Outcome(row['outcome']),
        landing=None if None in place else Landing(*place),
        net_clearance=row['net_clearance'],
        peak_height=row['peak_height'],
        note=row['note'],
        trial=row['trial'],
    )


def to_step(row: sqlite3.Row) -> StoredStep:
    """A step."""
    return StoredStep(
        step=row['step'],
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        parameters=_parameters(row),
        seed=row['seed'],
        unchanged=bool(row['unchanged']),
        **{name: row[name] for name in _TEXTS},
    )


def to_settings(row: sqlite3.Row) -> StoredSettings:
    """Settings."""
    return StoredSettings(
        first_step=row['first_step'],
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        content=dict(json.loads(row['content'])),
    )


def to_exchange(row: sqlite3.Row) -> StoredExchange:
    """An exchange; the row is joined with its step's version."""
    return StoredExchange(
        number=row['exchange'],
        step=row['step'],
        version=row['version'],
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        exchange=Exchange(
            messages=tuple((role, text) for role, text in json.loads(row['messages'])),
            reply=row['reply'],
            model=row['model'],
            prompt_tokens=row['prompt_tokens'],
            completion_tokens=row['completion_tokens'],
            seconds=row['seconds'],
            verdict=row['verdict'],
        ),
    )


def to_audit(row: sqlite3.Row) -> StoredAudit:
    """An audit record."""
    return StoredAudit(
        number=row['audit'],
        step=row['step'] or 0,
        recorded_at=datetime.fromisoformat(row['recorded_at']),
        audit=Audit(
            version=row['version'],
            proposed_by=row['proposed_by'],
            model=row['model'],
            prompt_sha256=row['prompt_sha256'],
            proposed=tuple(json.loads(row['proposed'])),
            attenuation=tuple(json.loads(row['attenuation'])),
            checks=row['checks'],
            verdicts=tuple(GateVerdict.from_json(verdict) for verdict in json.loads(row['verdicts'])),
            decision=Decision(row['decision']),
            decided_by=row['decided_by'],
            decided_at=datetime.fromisoformat(row['decided_at']),
            reason=row['reason'],
        ),
    )
