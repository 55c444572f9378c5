"""How a row is added to a run's database."""

import sqlite3
from collections.abc import Mapping
from typing import Any


def insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    """Add a row; returns its number. Texts are stored exactly, even those that are not valid Unicode."""
    marks = ', '.join('CAST(? AS TEXT)' if isinstance(value, str) else '?' for value in row.values())
    values = [
        value.encode('utf-8', 'surrogatepass') if isinstance(value, str) else value for value in row.values()
    ]
    cursor = connection.execute(f'INSERT INTO {table} ({", ".join(row)}) VALUES ({marks})', values)
    return int(cursor.lastrowid or 0)
