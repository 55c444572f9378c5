"""The SQLite database of a run: made in one instant, opened by several processes, errors in one sentence."""

import errno
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.runs.store_rows import insert
from llm_policy_improver.runs.store_schema import APPLICATION_ID, TABLES, VERSION, schema_sql
from llm_policy_improver.runs.store_upgrade import keep_copy, rewrite

DATABASE: Final = 'run.sqlite'
TRIALS: Final = 'trials'
_CREATING: Final = '.creating-'
BUSY_TIMEOUT: Final = 30.0
"""s to wait for another process's write; each takes some 10 ms."""


class StoreError(RuntimeError):
    """A run could not be made, opened, read or written; one sentence says why, and what to do."""


class SamplesError(StoreError):
    """What was seen in a trial is nothing that a file of it can hold; the store itself is in order."""


class RunExistsError(StoreError):
    """The folder already holds a run."""


@contextmanager
def reported(folder: Path, doing: str) -> Iterator[None]:
    """Turn what the disk and the database raise into a `StoreError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f'could not {doing}: {_reason(error, folder)}') from error


def _reason(error: sqlite3.Error | OSError, folder: Path) -> str:
    code = getattr(error, 'sqlite_errorname', None) or errno.errorcode.get(
        getattr(error, 'errno', None) or 0, ''
    )
    if code in {'SQLITE_FULL', 'ENOSPC', 'EDQUOT', 'EFBIG'}:
        return f'the disk of {folder} is full; free some space and try again'
    if code.startswith(('SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM')) or code in {
        'EACCES',
        'EPERM',
        'EROFS',
    }:
        return f'{folder} cannot be written; choose another folder or change its permissions'
    if code in {'EEXIST', 'ENOTDIR'}:
        return f'{folder} cannot be a folder, as a file is in its way; choose another folder'
    if code.startswith(('SQLITE_BUSY', 'SQLITE_LOCKED')):
        return f'another process kept {folder} busy for {BUSY_TIMEOUT:g} s; end it and try again'
    if code.startswith(('SQLITE_CORRUPT', 'SQLITE_NOTADB')):
        return f'{DATABASE} in {folder} is damaged or no run; restore it from a copy or choose another folder'
    if code == 'SQLITE_CONSTRAINT_FOREIGNKEY':
        return f'the run in {folder} has no such step'
    return f'{folder}: {error}'


def flush_folder(folder: Path) -> None:
    """Make the names of the folder's files survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_database(folder: Path, description: Mapping[str, Any], created_at: str) -> None:
    """Make a run's folder and database. It appears complete in one instant, whoever else tries the same.

    Raises:
        RunExistsError: there is one already.
        StoreError: the folder cannot be written, or the description is not plain data.
    """
    try:
        text = json.dumps(dict(description))
    except (TypeError, ValueError) as error:
        raise StoreError(f'the description of a run must be plain data for JSON: {error}') from None
    database, trials = folder / DATABASE, folder / TRIALS
    exists = RunExistsError(f'{folder} already holds a run: choose another folder, or continue that run')
    if database.exists():
        raise exists
    with reported(folder, 'make the run'):
        try:
            trials.mkdir(parents=True, exist_ok=True)
            orphans = any(trials.iterdir())
            if not database.exists():
                if orphans:
                    raise StoreError(f'{folder} holds trials without their {DATABASE}: choose another folder')
                _link_new_database(database, text, created_at)
                flush_folder(folder)
                flush_folder(folder.parent)
                return
        except (sqlite3.Error, OSError):
            # Whoever was first clears away what others were about to make.
            if not database.exists():
                raise
    raise exists


def _link_new_database(database: Path, description: str, created_at: str) -> None:
    # A hard link appears complete, and fails where there is one already.
    with tempfile.TemporaryDirectory(
        prefix=_CREATING, dir=database.parent, ignore_cleanup_errors=True
    ) as making:
        made = Path(making) / DATABASE
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            connection.execute('PRAGMA journal_mode = WAL')
            connection.execute('PRAGMA synchronous = FULL')
            connection.executescript(f'BEGIN; {schema_sql()} COMMIT;')
            connection.execute('INSERT INTO run VALUES (1, ?, ?)', (created_at, description))
        os.link(made, database)


def open_database(folder: Path) -> sqlite3.Connection:
    """Connect to a run's database, read-only where its folder is.

    A run of an older format is rewritten in the present one, and its database kept beside it; where the folder cannot
    be written, it is rewritten in memory.

    Raises:
        StoreError: there is none, it is damaged, or a newer version of this package made it.
    """
    database = folder / DATABASE
    if not database.is_file():
        raise StoreError(f'{folder} holds no run: there is no {DATABASE} in it')
    mode = 'rw'
    if not os.access(folder, os.W_OK):
        # SQLite needs a writable folder for WAL, unless told that nobody else writes.
        mode = 'ro' if Path(f'{database}-wal').exists() else 'ro&immutable=1'
    with reported(folder, 'open the run'):
        connection = _connected(database, mode)
        try:
            _check_version(connection, folder)
            if format_of(connection) < VERSION:
                connection = _upgraded(database, connection, in_memory=mode != 'rw')
        except BaseException:
            connection.close()
            raise
    return connection


def _connected(database: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f'{database.absolute().as_uri()}?mode={mode}',
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    _set_up(connection)
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    # FULL, as a trial is published once its commit returns: with NORMAL a power failure could still
    # take back the last commits of a WAL database.
    connection.execute('PRAGMA synchronous = FULL')
    connection.execute('PRAGMA foreign_keys = ON')
    # Python's sqlite3 reads lone surrogates, which a reply may hold, only so.
    connection.text_factory = lambda data: data.decode('utf-8', 'surrogatepass')


def _upgraded(database: Path, old: sqlite3.Connection, *, in_memory: bool) -> sqlite3.Connection:
    """The run in the present format: in the same file, or in memory where that cannot be written."""
    fresh = sqlite3.connect(':memory:', isolation_level=None, check_same_thread=False)
    _set_up(fresh)
    if in_memory:
        rewrite(old, fresh)
        old.close()
        fresh.execute('PRAGMA query_only = ON')  # what is written there would be lost
        return fresh
    with closing(fresh), transaction(old):
        # Another process may have been first, before this one held the lock.
        if format_of(old) < VERSION:
            keep_copy(database, format_of(old))
            rewrite(old, fresh)
            _replace(old, fresh)
    return old


def _replace(old: sqlite3.Connection, fresh: sqlite3.Connection) -> None:
    """Put the tables and rows of ``fresh`` in place of all that ``old`` holds; within its transaction."""
    old.execute('PRAGMA defer_foreign_keys = ON')
    names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid DESC"
    for (name,) in old.execute(names).fetchall():
        old.execute(f'DROP TABLE {name}')
    for (statement,) in fresh.execute('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid'):
        old.execute(statement)
    for table in TABLES:
        rows = fresh.execute(f'SELECT * FROM {table} ORDER BY 1')
        columns = [column[0] for column in rows.description]
        for row in rows:
            insert(old, table, dict(zip(columns, row, strict=True)))
    old.execute(f'PRAGMA user_version = {VERSION}')


def _check_version(connection: sqlite3.Connection, folder: Path) -> None:
    if connection.execute('PRAGMA application_id').fetchone()[0] != APPLICATION_ID:
        raise StoreError(f'{DATABASE} in {folder} is no run of llm_policy_improver: choose another folder')
    version = format_of(connection)
    if version > VERSION:
        raise StoreError(
            f'the run in {folder} has format {version}, and this llm_policy_improver reads up to {VERSION}: '
            'install the version that recorded it, or a newer one'
        )


def format_of(connection: sqlite3.Connection) -> int:
    """Version of the run's tables."""
    return int(connection.execute('PRAGMA user_version').fetchone()[0])


def clear_unfinished(folder: Path) -> None:
    """Remove what was left behind by a process that ended while making the run."""
    for left in folder.glob(f'{_CREATING}*'):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the run's only write lock, among all processes; commit at the end, undo where anything fails."""
    connection.execute('BEGIN IMMEDIATE')
    try:
        yield
        connection.execute('COMMIT')
    except BaseException:
        if connection.in_transaction:
            connection.execute('ROLLBACK')
        raise
