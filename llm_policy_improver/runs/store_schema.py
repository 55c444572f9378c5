"""The tables of a run. Rows are only ever added: triggers refuse to change or delete what is recorded."""

from collections.abc import Iterator, Sequence
from typing import Final

APPLICATION_ID: Final = 0x4C504931
"""Marks the file as a run of this package (``PRAGMA application_id``)."""
VERSION: Final = 3
"""Version of these tables (``PRAGMA user_version``). Grows with every change; older ones stay readable."""

LATER_TABLES: Final = {'audit': 2, 'settings': 2, 'ends': 3}
"""Tables that an older run lacks, and the version since which they are there; it gets them when it is continued."""

TABLES: Final = ('run', 'trials', 'steps', 'exchanges', *LATER_TABLES)

_TABLES_SQL: Final = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    created_at TEXT NOT NULL,          -- UTC, ISO 8601, as all times
    description TEXT NOT NULL          -- JSON
);
CREATE TABLE trials (
    trial INTEGER PRIMARY KEY,         -- from 1
    recorded_at TEXT NOT NULL,
    version INTEGER NOT NULL,          -- of the parameters
    attenuation TEXT NOT NULL,         -- JSON, 8 numbers
    residual TEXT NOT NULL,            -- JSON, 8 numbers; m/s, rad/s
    proposed_by TEXT NOT NULL,
    outcome TEXT NOT NULL,
    landing_x REAL,                    -- m, frame table; all NULL without a landing
    landing_y REAL,
    landing_time REAL,                 -- s since the first sighting
    net_clearance REAL,                -- m
    peak_height REAL,                  -- m
    note TEXT NOT NULL,
    start_ns INTEGER NOT NULL,         -- the trial's time 0 in its MCAP file
    samples TEXT NOT NULL              -- the MCAP file, relative to the run's folder
);
CREATE TABLE steps (
    step INTEGER PRIMARY KEY,          -- from 1
    recorded_at TEXT NOT NULL,
    objective TEXT NOT NULL,           -- the person's words
    version INTEGER NOT NULL,          -- of the parameters; that of an earlier step where unchanged
    attenuation TEXT NOT NULL,
    residual TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    seed INTEGER NOT NULL,             -- of the incoming ball
    summary TEXT NOT NULL,
    analysis TEXT NOT NULL,
    synthesis TEXT NOT NULL,
    reason TEXT NOT NULL,
    verdict TEXT NOT NULL,             -- what the checks said
    fallback TEXT NOT NULL,            -- why another optimizer than the one asked proposed; empty otherwise
    unchanged INTEGER NOT NULL         -- 1: nothing usable was proposed, the parameters of before stay
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
    verdict TEXT NOT NULL
);
CREATE INDEX exchanges_by_step ON exchanges (step);
"""

_LATER_SQL: Final = (
    """
CREATE TABLE IF NOT EXISTS audit (
    audit INTEGER PRIMARY KEY,         -- from 1
    step INTEGER REFERENCES steps (step),  -- for which it was proposed; NULL where no step came of it
    recorded_at TEXT NOT NULL,
    version INTEGER NOT NULL,          -- that its parameters have, or would have had
    proposed_by TEXT NOT NULL,
    model TEXT NOT NULL,               -- empty: no language model answered
    prompt_sha256 TEXT NOT NULL,       -- of the exchange's messages as stored; empty likewise
    proposed TEXT NOT NULL,            -- JSON, 8 numbers as the checks left them; none where they refused it
    attenuation TEXT NOT NULL,         -- JSON, 8 numbers that were published; none where nothing was
    checks TEXT NOT NULL,
    verdicts TEXT NOT NULL,            -- JSON, what each gate said and its figures
    decision TEXT NOT NULL,            -- automatic, approved, edited, rejected, refused, withdrawn,
                                       -- offered, reverted
    decided_by TEXT NOT NULL,          -- the person; empty: a program
    decided_at TEXT NOT NULL,
    reason TEXT NOT NULL
);
""",
    """
CREATE TABLE IF NOT EXISTS settings (
    settings INTEGER PRIMARY KEY,      -- from 1
    recorded_at TEXT NOT NULL,
    first_step INTEGER NOT NULL,       -- the first step that they were in force for; later rows win
    content TEXT NOT NULL              -- JSON
);
""",
    """
CREATE TABLE IF NOT EXISTS ends (
    end INTEGER PRIMARY KEY,           -- from 1
    recorded_at TEXT NOT NULL,
    settings INTEGER NOT NULL REFERENCES settings (settings),  -- those of the run towards one objective that ended
    state TEXT NOT NULL,               -- finished, cancelled or failed, as in OptimizerStatus.msg
    message TEXT NOT NULL              -- what it came to
);
""",
)

_ENDED_SQL: Final = """
INSERT INTO ends (recorded_at, settings, state, message)
SELECT recorded_at, settings, 'unknown', 'recorded by a version that kept no ends' FROM settings
"""
"""What an older version has begun is not to be taken for broken off."""


def schema_sql() -> str:
    """The statements that make the tables of a new run."""
    marks = f'PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};'
    return '\n'.join((_TABLES_SQL, *_LATER_SQL, *_guards(TABLES), marks))


def upgrade_sql() -> tuple[str, ...]:
    """The statements that give an older run what it lacks; nothing that is there is touched."""
    return (*_LATER_SQL, *_guards(tuple(LATER_TABLES)), _ENDED_SQL, f'PRAGMA user_version = {VERSION}')


def _guards(tables: Sequence[str]) -> Iterator[str]:
    for table in tables:
        for action in ('UPDATE', 'DELETE'):
            yield (
                f'CREATE TRIGGER IF NOT EXISTS {table}_no_{action} BEFORE {action} ON {table} '
                "BEGIN SELECT RAISE(ABORT, 'what is recorded is never changed'); END;"
            )
