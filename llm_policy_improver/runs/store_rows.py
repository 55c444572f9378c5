"""How a row is added to a run's database, with a checksum by which it is known again."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

KEYS: Final[Mapping[str, str]] = {
    'run': 'id',
    'trials': 'trial',
    'steps': 'step',
    'exchanges': 'exchange',
    'audit': 'audit',
    'settings': 'settings',
    'ends': 'end',
}
"""The column of each table that numbers its rows, from 1."""
CHECKSUM: Final = 'checksum'
UNKNOWN: Final = ''
"""Checksum of what was recorded before there were any."""
_JSON: Final = json.JSONEncoder(default=repr)


def checksum(table: str, row: Mapping[str, Any]) -> str:
    """SHA-256 of a row's table, columns and values, hexadecimal; its own column does not count."""
    content = [pair for pair in sorted(row.items()) if pair[0] != CHECKSUM]
    return hashlib.sha256(_JSON.encode([table, content]).encode()).hexdigest()


def insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    """Add a row within a transaction; returns its number.

    Args:
        connection: to the run's database.
        table: its name.
        row: plain values by their columns. Without a number it gets the next one, without a checksum its own. Texts are
            stored exactly, even those that are not valid Unicode.
    """
    key = KEYS[table]
    whole = dict(row)
    if key not in whole:
        whole[key] = connection.execute(f'SELECT COALESCE(MAX({key}), 0) + 1 FROM {table}').fetchone()[0]
    if CHECKSUM not in whole:
        whole[CHECKSUM] = checksum(table, whole)
    marks = ', '.join('CAST(? AS TEXT)' if isinstance(value, str) else '?' for value in whole.values())
    values = [
        value.encode('utf-8', 'surrogatepass') if isinstance(value, str) else value
        for value in whole.values()
    ]
    connection.execute(f'INSERT INTO {table} ({", ".join(whole)}) VALUES ({marks})', values)
    return int(whole[key])
