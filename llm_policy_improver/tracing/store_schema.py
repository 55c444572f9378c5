"""The tables of a run. Rows are only ever added: triggers refuse to change or delete what is recorded."""

from typing import Final

APPLICATION_ID: Final = 0x4C504931
"""Marks the file as a run of this package (``PRAGMA application_id``)."""
VERSION: Final = 1
"""Version of these tables (``PRAGMA user_version``). Grows with every change; older ones stay readable."""

TABLES: Final = ('run', 'trials', 'steps', 'exchanges')

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


def schema_sql() -> str:
    """The statements that make the tables of a new run."""
    guards = (
        f'CREATE TRIGGER {table}_no_{action} BEFORE {action} ON {table} '
        "BEGIN SELECT RAISE(ABORT, 'what is recorded is never changed'); END;"
        for table in TABLES
        for action in ('UPDATE', 'DELETE')
    )
    marks = f'PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};'
    return '\n'.join((_TABLES_SQL, *guards, marks))
