"""The tables of a run. Rows are only ever added: triggers refuse to change or delete what is recorded."""

from collections.abc import Iterator
from typing import Final

from llm_policy_improver.runs.store_rows import KEYS

DATABASE: Final = 'run.sqlite'
TRIALS: Final = 'trials'
"""File and folder of a run."""

APPLICATION_ID: Final = 0x4C504931
"""Marks the file as a run of this package (``PRAGMA application_id``)."""
VERSION: Final = 5
"""Version of these tables (``PRAGMA user_version``). Grows with every change; older runs are upgraded."""

TABLES: Final = tuple(KEYS)

_TABLES_SQL: Final = """
-- checksum: SHA-256 of a row's other columns; empty where an older version recorded it
CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    created_at TEXT NOT NULL,          -- UTC, ISO 8601, as all times
    description TEXT NOT NULL,         -- JSON
    checksum TEXT NOT NULL
);
CREATE TABLE trials (
    trial INTEGER PRIMARY KEY,         -- from 1
    recorded_at TEXT NOT NULL,
    version INTEGER NOT NULL,          -- of the policy
    policy TEXT NOT NULL,              -- JSON, numbers by the parameters' names
    proposed_by TEXT NOT NULL,
    outcome TEXT NOT NULL,
    succeeded INTEGER NOT NULL,        -- 1: what must hold did hold
    tested INTEGER NOT NULL,           -- 0: it says nothing about the policy
    measures TEXT NOT NULL,            -- JSON, numbers by the measures' names
    note TEXT NOT NULL,
    start_ns INTEGER NOT NULL,         -- the trial's time 0 in its MCAP file
    samples TEXT NOT NULL,             -- the MCAP file, relative to the run's folder
    samples_sha256 TEXT NOT NULL,      -- of that file; empty where an older version recorded it
    checksum TEXT NOT NULL
);
CREATE TABLE steps (
    step INTEGER PRIMARY KEY,          -- from 1
    recorded_at TEXT NOT NULL,
    objective TEXT NOT NULL,           -- the person's words
    version INTEGER NOT NULL,          -- of the policy; that of an earlier step where unchanged
    policy TEXT NOT NULL,              -- JSON, as published
    seed INTEGER NOT NULL,             -- of the trial
    proposal TEXT NOT NULL,            -- JSON with a format of its own: as it was proposed, without its exchanges
    findings TEXT NOT NULL,            -- JSON, what the checks found
    in_vain TEXT NOT NULL,             -- JSON, who gave no change, so that the policy of before stays
    checksum TEXT NOT NULL
);
CREATE TABLE exchanges (
    exchange INTEGER PRIMARY KEY,      -- from 1
    step INTEGER NOT NULL REFERENCES steps (step),
    recorded_at TEXT NOT NULL,
    messages TEXT NOT NULL,            -- JSON, [[role, text], ...]
    reply TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    verdict TEXT NOT NULL,
    ending TEXT NOT NULL,              -- accepted, refused, failed
    checksum TEXT NOT NULL
);
CREATE INDEX exchanges_by_step ON exchanges (step);
CREATE TABLE audit (
    audit INTEGER PRIMARY KEY,         -- from 1
    step INTEGER REFERENCES steps (step),  -- for which it was proposed; NULL where no step came of it
    recorded_at TEXT NOT NULL,
    version INTEGER NOT NULL,          -- that its policy has, or would have had
    proposed_by TEXT NOT NULL,
    model TEXT NOT NULL,               -- empty: no language model answered
    prompt_sha256 TEXT NOT NULL,       -- of the exchange's messages as stored; empty likewise
    proposal TEXT,                     -- JSON, as the checks left it; NULL where they refused it
    findings TEXT NOT NULL,            -- JSON, of the checks
    verdicts TEXT NOT NULL,            -- JSON, what each gate said and its figures
    decision TEXT NOT NULL,            -- automatic, approved, edited, rejected, refused, withdrawn,
                                       -- offered, reverted
    decided_by TEXT NOT NULL,          -- the person; empty: a program
    decided_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    checksum TEXT NOT NULL
);
CREATE TABLE settings (
    settings INTEGER PRIMARY KEY,      -- from 1
    recorded_at TEXT NOT NULL,
    first_step INTEGER NOT NULL,       -- the first step that they were in force for; later rows win
    content TEXT NOT NULL,             -- JSON
    checksum TEXT NOT NULL
);
CREATE TABLE ends (
    end INTEGER PRIMARY KEY,           -- from 1
    recorded_at TEXT NOT NULL,
    settings INTEGER NOT NULL REFERENCES settings (settings),  -- those of the run towards one objective that ended
    state TEXT NOT NULL,               -- finished, cancelled or failed, as in OptimizerStatus.msg
    message TEXT NOT NULL,             -- what it came to
    recommended TEXT,                  -- the proposal to keep, as in steps; NULL: the method has no model that says so
    checksum TEXT NOT NULL
);
"""


def schema_sql() -> str:
    """The statements that make the tables of a new run."""
    marks = f'PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};'
    return '\n'.join((_TABLES_SQL, *_guards(), marks))


def _guards() -> Iterator[str]:
    for table in TABLES:
        for action in ('UPDATE', 'DELETE'):
            yield (
                f'CREATE TRIGGER {table}_no_{action} BEFORE {action} ON {table} '
                "BEGIN SELECT RAISE(ABORT, 'what is recorded is never changed'); END;"
            )
