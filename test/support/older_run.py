"""Runs as older versions of the package left them: formats 1, 2 and 3 of the store."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from llm_policy_improver.runs.mcap_series import encode
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

AT = '2026-11-20T12:00:00.250000+00:00'
MOVED = [1.05] + [1.0] * 7
EDITED = [1.1, 0.9] + [1.0] * 6
STILL = [0.0] * 8

_TABLES = (
    'run (id INTEGER PRIMARY KEY CHECK (id = 1), created_at TEXT NOT NULL, description TEXT NOT NULL)',
    'trials (trial INTEGER PRIMARY KEY, recorded_at TEXT NOT NULL, version INTEGER NOT NULL, '
    'attenuation TEXT NOT NULL, residual TEXT NOT NULL, proposed_by TEXT NOT NULL, outcome TEXT NOT NULL, '
    'landing_x REAL, landing_y REAL, landing_time REAL, net_clearance REAL, peak_height REAL, '
    'note TEXT NOT NULL, start_ns INTEGER NOT NULL, samples TEXT NOT NULL)',
    'steps (step INTEGER PRIMARY KEY, recorded_at TEXT NOT NULL, objective TEXT NOT NULL, '
    'version INTEGER NOT NULL, attenuation TEXT NOT NULL, residual TEXT NOT NULL, proposed_by TEXT NOT NULL, '
    'seed INTEGER NOT NULL, summary TEXT NOT NULL, analysis TEXT NOT NULL, synthesis TEXT NOT NULL, '
    'reason TEXT NOT NULL, verdict TEXT NOT NULL, fallback TEXT NOT NULL, unchanged INTEGER NOT NULL)',
    'exchanges (exchange INTEGER PRIMARY KEY, step INTEGER NOT NULL REFERENCES steps (step), '
    'recorded_at TEXT NOT NULL, messages TEXT NOT NULL, reply TEXT NOT NULL, model TEXT NOT NULL, '
    'prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL, '
    'verdict TEXT NOT NULL)',
)
_SINCE_2 = (
    'audit (audit INTEGER PRIMARY KEY, step INTEGER REFERENCES steps (step), recorded_at TEXT NOT NULL, '
    'version INTEGER NOT NULL, proposed_by TEXT NOT NULL, model TEXT NOT NULL, prompt_sha256 TEXT NOT NULL, '
    'proposed TEXT NOT NULL, attenuation TEXT NOT NULL, checks TEXT NOT NULL, verdicts TEXT NOT NULL, '
    'decision TEXT NOT NULL, decided_by TEXT NOT NULL, decided_at TEXT NOT NULL, reason TEXT NOT NULL)',
    'settings (settings INTEGER PRIMARY KEY, recorded_at TEXT NOT NULL, first_step INTEGER NOT NULL, '
    'content TEXT NOT NULL)',
)
_SINCE_3 = (
    'ends (end INTEGER PRIMARY KEY, recorded_at TEXT NOT NULL, '
    'settings INTEGER NOT NULL REFERENCES settings (settings), state TEXT NOT NULL, message TEXT NOT NULL)',
)
_VERDICTS = [
    {'gate': 'rehearsal', 'passed': True, 'reason': '8 of 8 balls landed', 'instead': [], 'by': '', 'figures': {}},
    {'gate': 'approval', 'passed': True, 'reason': 'gently', 'instead': EDITED, 'by': 'Ada', 'figures': {}},
]  # fmt: skip


def make_older_run(folder: Path, version: int) -> Path:
    """A run of format ``version``: two trials (one landed, one aborted) of three steps, and what stands behind them."""
    (folder / 'trials').mkdir(parents=True)
    tables = _TABLES + (_SINCE_2 if version > 1 else ()) + (_SINCE_3 if version > 2 else ())
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        connection.execute('PRAGMA journal_mode = WAL')
        connection.execute('PRAGMA application_id = 1280330033')
        connection.execute(f'PRAGMA user_version = {version}')

        def add(table: str, *values: Any) -> None:
            cells = [json.dumps(value) if isinstance(value, list | dict) else value for value in values]
            connection.execute(f'INSERT INTO {table} VALUES ({", ".join("?" * len(cells))})', cells)

        for table in tables:
            connection.execute(f'CREATE TABLE {table}')
            name = table.split()[0]
            for action in ('UPDATE', 'DELETE'):
                connection.execute(
                    f'CREATE TRIGGER {name}_no_{action} BEFORE {action} ON {name} '
                    "BEGIN SELECT RAISE(ABORT, 'what is recorded is never changed'); END"
                )
        connection.execute('CREATE INDEX exchanges_by_step ON exchanges (step)')
        add('run', 1, AT, {'source': 'improve', 'objective': 'far right'})
        for number, policy, outcome, landing in ((1, [1.0] * 8, 'landed', 0.4), (2, EDITED, 'aborted', None)):
            path = f'trials/{number:04}.mcap'
            (folder / path).write_bytes(encode(TraceSamples(), 0, number))
            add(
                'trials', number, AT, number, policy, STILL, 'initial', outcome, landing, landing, landing,
                landing, landing, f'note {number}', 0, path,
            )  # fmt: skip
        words = ('the summary', 'the analysis', 'the synthesis')
        why = 'sas:model gave no usable proposal'
        add(
            'steps',
            1,
            AT,
            'far right',
            1,
            [1.0] * 8,
            STILL,
            'initial',
            5,
            '',
            '',
            '',
            'first',
            'accepted',
            '',
            0,
        )
        add(
            'steps', 2, AT, 'far right', 2, EDITED, STILL, 'least_squares', 5, *words, 'why',
            'accepted (bounds: clipped)', why, 0,
        )  # fmt: skip
        add('steps', 3, AT, 'far right', 2, EDITED, STILL, 'least_squares', 5, '', '', '', 'kept', why, '', 1)
        add('exchanges', 1, 2, AT, [['user', 'the prompt']], 'the reply', 'model-v2', 900, 40, 1.5, 'refused')
        if version > 1:
            add(
                'audit', 1, 2, AT, 2, 'sas:model', 'model-v2', '0' * 64, MOVED, EDITED, 'accepted (bounds: clipped)',
                _VERDICTS, 'edited', 'Ada', AT, 'gently',
            )  # fmt: skip
            add(
                'audit', 2, None, AT, 3, 'initial', '', '', [], MOVED, 'accepted', [], 'reverted', 'optimizer/revert',
                AT, 'back',
            )  # fmt: skip
            add(
                'audit',
                3,
                None,
                AT,
                4,
                'sas:model',
                '',
                '',
                [],
                [],
                'refused',
                [],
                'refused',
                '',
                AT,
                'refused',
            )
            add('settings', 1, AT, 1, {'trials': 39})
        if version > 2:
            add('ends', 1, AT, 1, 'finished', 'done')
        connection.commit()
    return folder


def format_of(database: Path) -> int:
    """The format of a run's database."""
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute('PRAGMA user_version').fetchone()[0])
