"""A run's rows read back: those that are what was stored, and what is damaged beside them.

A row is sound where its checksum is its own and it can be decoded. Rows are only ever added, with numbers from 1: a
number that is not there was lost.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.core.shortened import shortened
from llm_policy_improver.runs import store_records
from llm_policy_improver.runs.store_errors import StoreError, name_of
from llm_policy_improver.runs.store_rows import CHECKSUM, KEYS, UNKNOWN, checksum

UNDECODABLE: Final = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What decoding raises where values are none of what was stored."""

_NAMES: Final[Mapping[str, str]] = {
    'run': 'description', 'trials': 'trial', 'steps': 'step', 'exchanges': 'exchange', 'audit': 'audit record',
    'settings': 'settings', 'ends': 'end',
}  # fmt: skip
"""What a row of each table is called where a person reads of it."""

_DECODERS: Final[Mapping[str, Callable[[sqlite3.Row], Any]]] = {
    'run': store_records.to_description,
    'trials': store_records.to_trial,
    'steps': store_records.to_step,
    'exchanges': store_records.to_exchange,
    'audit': store_records.to_audit,
    'settings': store_records.to_settings,
    'ends': store_records.to_end,
}

_NOT_OF_THE_FILE: Final = (
    'SQLITE_BUSY',
    'SQLITE_LOCKED',
    'SQLITE_FULL',
    'SQLITE_READONLY',
    'SQLITE_CANTOPEN',
)
_MOST_GAPS: Final = 100
"""Numbers that are named one by one where they are missing."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is no longer as it was stored.

    Attributes:
        record: e.g. ``'trial 3'``.
        reason: why it is kept out: ``'is missing'``.
    """

    record: str
    reason: str

    def __str__(self) -> str:
        return f'{self.record} {self.reason}'


@dataclass(frozen=True, slots=True)
class TableContent:
    """The sound rows of a table, in their order.

    Attributes:
        rows: as they are stored.
        records: the same, decoded.
        damage: what is kept out.
        protected: whether every row has a checksum.
    """

    rows: tuple[sqlite3.Row, ...]
    records: tuple[Any, ...]
    damage: tuple[Damage, ...]
    protected: bool

    def followed_by(self, later: 'TableContent') -> 'TableContent':
        """With what was read of the rows behind these."""
        return TableContent(
            self.rows + later.rows,
            self.records + later.records,
            self.damage + later.damage,
            self.protected and later.protected,
        )

    def since(self, first: int, table: str) -> 'TableContent':
        """Those with the number ``first`` and behind."""
        begin = next((at for at, row in enumerate(self.rows) if row[KEYS[table]] >= first), len(self.rows))
        return TableContent(self.rows[begin:], self.records[begin:], self.damage, self.protected)

    def numbered(self, table: str) -> dict[int, sqlite3.Row]:
        """The rows by their numbers."""
        return {row[KEYS[table]]: row for row in self.rows}


def record_name(table: str, number: int) -> str:
    """What a row is called, e.g. ``'trial 3'``."""
    return _NAMES[table] if table == 'run' else f'{_NAMES[table]} {number}'


def is_damage(error: Exception) -> bool:
    """Whether the file itself is the reason, and not another process or the disk."""
    return not name_of(error).startswith(_NOT_OF_THE_FILE)


def read_table(connection: sqlite3.Connection, table: str, first: int = 1) -> TableContent:
    """All of a table that is sound, and what is not, from the row with the number ``first`` on.

    Raises:
        StoreError: a proposal has a format that is not known here.
        sqlite3.Error: the disk or another process is in the way.
    """
    found, damage = read_rows(connection, table, first)
    sound: list[sqlite3.Row] = []
    records: list[Any] = []
    for row in found:
        reason = _refusal(table, row)
        if reason is None:
            try:
                records.append(_DECODERS[table](row))
                sound.append(row)
            except UNDECODABLE as error:
                reason = f'cannot be decoded ({shortened(f"{type(error).__name__}: {error}", 80)})'
        if reason is not None:
            damage.append(Damage(record_name(table, row[KEYS[table]]), reason))
    protected = all(row[CHECKSUM] != UNKNOWN for row in sound)
    return TableContent(tuple(sound), tuple(records), tuple(damage), protected)


def read_row(connection: sqlite3.Connection, table: str, number: int) -> sqlite3.Row | None:
    """The row of this number where it is sound.

    Raises:
        sqlite3.Error: the disk or another process is in the way.
    """
    rows, _ = _until_error(connection, f'SELECT * FROM {table} WHERE {KEYS[table]} = {number:d}')
    return next((row for row in rows if _refusal(table, row) is None), None)


def damage_of(connection: sqlite3.Connection) -> tuple[Damage, ...]:
    """What is damaged in all tables, as far as it can be read here."""
    found: list[Damage] = []
    for table in KEYS:
        try:
            found += read_table(connection, table).damage
        except StoreError:
            continue  # nothing is wrong with a format that a newer version reads
    return tuple(found)


def _refusal(table: str, row: sqlite3.Row) -> str | None:
    """Why a row is not what was stored; None where it is."""
    if CHECKSUM not in row.keys():  # noqa: SIM118, a row is no mapping
        return 'has lost its checksum'
    if row[CHECKSUM] == UNKNOWN or row[CHECKSUM] == checksum(table, dict(row)):
        return None
    return 'is not what was stored: its checksum is another'


def read_rows(
    connection: sqlite3.Connection, table: str, first: int = 1
) -> tuple[list[sqlite3.Row], list[Damage]]:
    """All rows of a table from the number ``first`` on that can be read, by their numbers, and what can not.

    Raises:
        sqlite3.Error: the disk or another process is in the way.
    """
    key, damage = KEYS[table], list[Damage]()
    # Rows without a proper number are told of where all are read.
    part = f'{table} WHERE {key} >= {first:d}' if first > 1 else table
    rows, error = _until_error(connection, f'SELECT * FROM {part} ORDER BY {key}')
    if error is not None:
        # What lies behind a damaged page is reached from the other end.
        backward, _ = _until_error(connection, f'SELECT * FROM {part} ORDER BY {key} DESC')
        rows += backward
        damage.append(Damage(f'table {table}', f'cannot be read in part ({shortened(str(error), 80)})'))
    found = {row[key]: row for row in rows if isinstance(row[key], int)}
    if any(not isinstance(row[key], int) for row in rows):
        damage.append(Damage(f'table {table}', 'has rows without numbers'))
    damage += [
        Damage(record_name(table, number), 'is missing')
        for number in _missing(found, first, 1 if table == 'run' else 0)
    ]
    return [found[number] for number in sorted(found)], damage


def _missing(found: Mapping[int, Any], first: int, least: int) -> Iterator[int]:
    """Numbers from ``first`` to the last one, or to ``least``, that are not there; the first of very many."""
    last, told = max(found, default=0), 0
    for number in range(first, max(last, least) + 1):
        if number not in found:
            yield number
            told += 1
            if told == _MOST_GAPS:
                return


def _until_error(
    connection: sqlite3.Connection, query: str
) -> tuple[list[sqlite3.Row], Exception | None]:
    rows: list[sqlite3.Row] = []
    try:
        for row in connection.execute(query):
            rows.append(row)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of a damaged name in the schema
        if not is_damage(error):
            raise
        return rows, error
    return rows, None
