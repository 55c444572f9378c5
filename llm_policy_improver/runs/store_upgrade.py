"""Runs of older formats, rewritten in the present one; what was recorded is copied before anything is changed.

Formats 1 to 3 knew eight attenuations and eight residuals by their columns, sentences where there are fields now, and
only the words of a proposal; format 4 had no checksums.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.limited_json import parse_json
from llm_policy_improver.core.shortened import shortened
from llm_policy_improver.runs.store_reading import UNDECODABLE, Damage, read_rows, record_name
from llm_policy_improver.runs.store_rows import CHECKSUM, KEYS, UNKNOWN, insert
from llm_policy_improver.runs.store_schema import DATABASE, TABLES, schema_sql

_BY_COLUMNS: Final = 3
"""The last format that knew parameters by their columns; 4 is the present one without checksums."""
_SINCE: Final = {'audit': 2, 'settings': 2, 'ends': 3}
"""Format that a table came with."""

_ATTENUATIONS: Final = 'abcdefgh'
_RESIDUALS: Final = 'ijklmnop'
_SUCCEEDED: Final = 'landed'
_UNTESTED: Final = ('aborted', 'bad_feed')
_MEASURES: Final = {
    'landing_x': 'landing_x', 'landing_y': 'landing_y', 'landing_time': 'bounce_time',
    'net_clearance': 'net_clearance', 'peak_height': 'peak_height',
}  # fmt: skip
"""Columns of format 3, and the measures that they are."""
_GONE: Final = frozenset({'joint_names', 'armed'})
"""Settings that are no more."""
_FAILED: Final = 'failed: '
"""What the verdict of a request that failed began with."""
_RENAMED: Final = {'nearest_neighbours': 'knn'}
"""Methods that have another name."""


def keep_copy(database: Path, version: int) -> None:
    """Copy a database beside itself, as ``run.format-3.sqlite``, unless that is there already."""
    kept = database.with_name(f'{database.stem}.format-{version}{database.suffix}')
    if kept.exists():
        return
    making = kept.with_suffix('.copying')
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(making)) as target:
        source.backup(target)
    making.replace(kept)


def rewrite(source: sqlite3.Connection, target: sqlite3.Connection, version: int) -> tuple[Damage, ...]:
    """Write a run of an older format anew; its rows have no checksums.

    Args:
        source: of the older format; only read.
        target: empty; gets the tables of the present format and all rows that can be read.
        version: the older format, 1 to 4.

    Returns:
        What could not be read.
    """
    source.row_factory = sqlite3.Row
    target.executescript(schema_sql())
    lost: list[Damage] = []
    if _is_later(source, version):
        lost.append(Damage(DATABASE, f'says that it has format {version}, and has what came later'))
    for table in TABLES:
        if version >= _SINCE.get(table, 1):
            lost += _rewrite_table(source, target, table, version)
    if version < _SINCE['ends']:
        # What an older version has begun is not to be taken for interrupted.
        for row in target.execute('SELECT recorded_at, settings FROM settings').fetchall():
            told = {'state': 'unknown', 'message': 'recorded by a version that kept no ends'}
            insert(target, 'ends', dict(row) | told | {CHECKSUM: UNKNOWN})
    return tuple(lost)


def _is_later(source: sqlite3.Connection, version: int) -> bool:
    """Whether a database has tables, or the checksums, of a format after the one that it is said to have."""
    names = {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    columns = {row['name'] for row in source.execute('PRAGMA table_info(run)')}
    return CHECKSUM in columns or any(table in names for table, since in _SINCE.items() if version < since)


def _rewrite_table(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, version: int
) -> list[Damage]:
    rows, lost = read_rows(source, table)
    convert = _ROWS[table] if version <= _BY_COLUMNS else dict
    added = {'samples_sha256': ''} if table == 'trials' else {}
    for row in rows:
        try:
            insert(target, table, convert(row) | added | {CHECKSUM: UNKNOWN})
        except (*UNDECODABLE, sqlite3.Error) as error:
            said = shortened(f'{type(error).__name__}: {error}', 80)
            lost.append(Damage(record_name(table, row[KEYS[table]]), f'cannot be read ({said})'))
    return lost


def _policy(attenuation: Sequence[float], residual: Sequence[float] = ()) -> dict[str, float]:
    """Numbers by name; residuals only where there are any."""
    policy = dict(zip(_ATTENUATIONS, attenuation, strict=True))
    return policy | (dict(zip(_RESIDUALS, residual, strict=True)) if any(residual) else {})


def _policy_of(row: sqlite3.Row) -> dict[str, float]:
    return _policy(parse_json(row['attenuation']), parse_json(row['residual']))


def _proposal(policy: Mapping[str, float], proposed_by: str, **words: Any) -> dict[str, Any]:
    vector = {'names': list(policy), 'values': list(policy.values())}
    return {'format': 1, 'policy': vector, 'proposed_by': proposed_by, **words}


def _said(text: str) -> list[dict[str, Any]]:
    """A sentence of the checks as a finding."""
    return [] if text in ('', 'accepted') else [{'rule': 'checks', 'reason': text}]


def _vain(text: str) -> list[dict[str, Any]]:
    return [{'method': 'recorded', 'failure': 'unusable', 'detail': text}]


def _trial(row: sqlite3.Row) -> dict[str, Any]:
    measures = {name: row[column] for column, name in _MEASURES.items() if row[column] is not None}
    return {
        **{name: row[name] for name in ('trial', 'recorded_at', 'version', 'proposed_by', 'outcome', 'note')},
        'policy': json.dumps(_policy_of(row)),
        'succeeded': int(row['outcome'] == _SUCCEEDED and 'landing_x' in measures),
        'tested': int(row['outcome'] not in _UNTESTED),
        'measures': json.dumps(measures),
        'start_ns': row['start_ns'],
        'samples': row['samples'],
    }


def _step(row: sqlite3.Row) -> dict[str, Any]:
    policy, verdict = _policy_of(row), row['verdict']
    words = {name: row[name] for name in ('summary', 'analysis', 'synthesis', 'reason')}
    instead_of = _vain(row['fallback']) if row['fallback'] else []
    return {
        **{name: row[name] for name in ('step', 'recorded_at', 'objective', 'version', 'seed')},
        'policy': json.dumps(policy),
        'proposal': json.dumps(_proposal(policy, row['proposed_by'], **words, instead_of=instead_of)),
        'findings': json.dumps([] if row['unchanged'] else _said(verdict)),
        'in_vain': json.dumps(_vain(verdict) if row['unchanged'] else []),
    }


def _exchange(row: sqlite3.Row) -> dict[str, Any]:
    verdict = row['verdict']
    if not row['reply'] and verdict.startswith(_FAILED):
        return dict(row) | {'verdict': verdict.removeprefix(_FAILED), 'ending': 'failed'}
    return dict(row) | {'ending': 'refused' if verdict.startswith('refused') else 'accepted'}


def _audit(row: sqlite3.Row) -> dict[str, Any]:
    # A reversion had no proposal, but published what it went back to.
    proposed = parse_json(row['proposed']) or (
        parse_json(row['attenuation']) if row['decision'] == 'reverted' else []
    )
    proposal = _proposal(_policy(proposed), row['proposed_by']) if proposed else None
    return {
        **{name: row[name] for name in (
            'audit', 'step', 'recorded_at', 'version', 'proposed_by', 'model', 'prompt_sha256', 'decision',
            'decided_by', 'decided_at', 'reason',
        )},
        'proposal': None if proposal is None else json.dumps(proposal),
        'findings': json.dumps(_said(row['checks'])),
        'verdicts': json.dumps([_verdict(verdict) for verdict in parse_json(row['verdicts'])]),
    }  # fmt: skip


def _verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: verdict[name] for name in ('gate', 'passed', 'reason', 'by', 'figures')}
    instead = verdict['instead']
    return kept | {'instead': _proposal(_policy(instead), verdict['by']) if instead else None}


def _settings(content: Any) -> Any:
    """Settings that can be read today; those that had one legal value are left out."""
    if not isinstance(content, dict):
        return content
    kept = {name: _settings(value) for name, value in content.items() if name.rpartition('.')[2] not in _GONE}
    if isinstance(kept.get('optimizer'), dict):
        # Older runs played all their trials.
        kept['optimizer'].setdefault('all_trials', True)
    elif isinstance(kept.get('optimizer'), str):
        kept['optimizer'] = _RENAMED.get(kept['optimizer'], kept['optimizer'])
    if isinstance(kept.get('sas_options'), dict) and kept['sas_options'].get('names') == list(_ATTENUATIONS):
        kept['sas_options']['names'] = []
    return kept


def _with_settings(column: str) -> Callable[[sqlite3.Row], dict[str, Any]]:
    return lambda row: dict(row) | {column: json.dumps(_settings(parse_json(row[column])))}


_ROWS: Final[Mapping[str, Callable[[sqlite3.Row], dict[str, Any]]]] = {
    'run': _with_settings('description'),
    'trials': _trial,
    'steps': _step,
    'exchanges': _exchange,
    'audit': _audit,
    'settings': _with_settings('content'),
    'ends': dict,
}
"""How a row of each table is written anew; those that refer to others come after them."""
