"""What goes wrong with a run's store, in one sentence each of less than 300 characters."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.runs.store_schema import DATABASE

BUSY_TIMEOUT: Final = 30.0
"""s to wait for another process's write; each takes some 10 ms."""


class StoreError(RuntimeError):
    """A run could not be made, opened, read or written; one sentence says why, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message))


class SamplesError(StoreError):
    """What was seen in a trial is nothing that a file of it can hold; the store itself is in order."""


class RunExistsError(StoreError):
    """The folder already holds a run."""


@contextmanager
def reported(folder: Path, doing: str) -> Iterator[None]:
    """Turn what the disk and the database raise into a `StoreError`."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise StoreError(f'could not {doing}: {_reason(error, folder)}') from error


def _reason(error: sqlite3.Error | OSError | UnicodeDecodeError, path: Path) -> str:
    code = name_of(error) or errno.errorcode.get(getattr(error, 'errno', None) or 0, '')
    folder = shortened(str(path), LONGEST_PLACE)
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
    if code.startswith(('SQLITE_CORRUPT', 'SQLITE_NOTADB')) or isinstance(error, UnicodeDecodeError):
        return f'{DATABASE} in {folder} is damaged or no run; restore it from a copy or choose another folder'
    if code == 'SQLITE_CONSTRAINT_FOREIGNKEY':
        return f'the run in {folder} has no such step'
    return f'{folder}: {error}'


def name_of(error: Exception) -> str:
    """SQLite's own name of an error; empty where it has none."""
    return getattr(error, 'sqlite_errorname', None) or ''
