"""The SQLite database of a run: made in one instant, opened by several processes, errors in one sentence."""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.runs.store_errors import BUSY_TIMEOUT, RunExistsError, StoreError, reported
from llm_policy_improver.runs.store_reading import Damage
from llm_policy_improver.runs.store_rows import insert
from llm_policy_improver.runs.store_schema import (
    APPLICATION_ID,
    DATABASE,
    TABLES,
    TRIALS,
    VERSION,
    schema_sql,
)
from llm_policy_improver.runs.store_upgrade import keep_copy, rewrite

_CREATING: Final = '.creating-'


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
            insert(connection, 'run', {'id': 1, 'created_at': created_at, 'description': description})
        os.link(made, database)


def open_database(folder: Path, *, looking: bool = False) -> tuple[sqlite3.Connection, tuple[Damage, ...]]:
    """Connect to a run's database, read-only where its folder is.

    A run of an older format is rewritten in the present one, and its database kept beside it. It is rewritten in memory
    where the folder cannot be written or somebody only looks; what cannot be read of it is returned.

    Args:
        folder: of the run.
        looking: whether nothing is to be changed.

    Raises:
        StoreError: there is none, it is damaged, or a newer version of this package made it.
    """
    database = folder / DATABASE
    if not database.is_file():
        raise StoreError(
            f'{shortened(str(folder), LONGEST_PLACE)} holds no run: there is no {DATABASE} in it'
        )
    mode = 'rw'
    if looking or not os.access(folder, os.W_OK):
        # SQLite needs a writable folder for WAL, and leaves files there, unless told that nobody else writes. What a
        # writer has left in its log is read, and not written into the database.
        mode = 'ro' if Path(f'{database}-wal').exists() else 'ro&immutable=1'
    lost: tuple[Damage, ...] = ()
    with reported(folder, 'open the run'):
        connection = _connected(database, mode)
        try:
            _check_version(connection, folder)
            if format_of(connection) < VERSION:
                connection, lost = _upgraded(database, connection, in_memory=mode != 'rw')
        except BaseException:
            connection.close()
            raise
    return connection, lost


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
    connection.execute('PRAGMA trusted_schema = OFF')
    connection.text_factory = _text
    connection.row_factory = sqlite3.Row


def _text(data: bytes) -> str | bytes:
    """Python's sqlite3 reads lone surrogates, which a reply may hold, only so; what is no text stays as it is."""
    try:
        return data.decode('utf-8', 'surrogatepass')
    except UnicodeDecodeError:
        return data


def _upgraded(
    database: Path, old: sqlite3.Connection, *, in_memory: bool
) -> tuple[sqlite3.Connection, tuple[Damage, ...]]:
    """The run in the present format, in the same file or in memory, and what is lost of it."""
    fresh = sqlite3.connect(':memory:', isolation_level=None, check_same_thread=False)
    _set_up(fresh)
    if in_memory:
        lost = rewrite(old, fresh, format_of(old))
        old.close()
        fresh.execute('PRAGMA query_only = ON')  # what is written there would be lost
        return fresh, lost
    with closing(fresh), transaction(old):
        # Another process may have been first, before this one held the lock.
        if format_of(old) < VERSION:
            keep_copy(database, format_of(old))
            lost = rewrite(old, fresh, format_of(old))
            if lost:
                raise sqlite3.DatabaseError(f'{lost[0]}, so it cannot be rewritten')
            _replace(old, fresh)
    return old, ()


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


def empty_log(connection: sqlite3.Connection) -> None:
    """Bring what the log holds into the database, as far as nobody holds it up.

    SQLite does so by itself when the last connection is closed, but not where another process only looks just then: the
    log would stay, and a copy of the database alone would miss the last trials.
    """
    # What cannot be brought over, as on a full disk, stays in the log and is read from there.
    with suppress(sqlite3.Error):
        connection.execute('PRAGMA busy_timeout = 1000')
        connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()


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
