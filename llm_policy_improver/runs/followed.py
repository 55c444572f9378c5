"""A run that is followed while another process writes it: each look reads only the rows that are new.

    follower = RunFollower(Path('runs/far-right'))
    while True:
        if follower.changed():
            with follower.look() as records:
                records.trials()      # all of them, of which the new ones were read now

Nothing is kept open between two looks: whoever writes finds the database as if nobody read it, and clears its log away
when it ends. Where it ends just during a look, the log stays, empty.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_database import open_database
from llm_policy_improver.runs.store_reading import Damage, TableContent
from llm_policy_improver.runs.store_rows import KEYS
from llm_policy_improver.runs.store_schema import DATABASE

SETTLED: Final = 0.1
"""s after which a second write to a file has another time: file systems count it in steps of up to 10 ms."""

Signature = tuple[tuple[int, int, int], ...]
"""Of files: time of the last write (ns), size, identity."""


class FollowedRecords(RunRecords):
    """A run open to be read, of which earlier looks know a part; all it tells is of one instant.

    Attributes:
        tables: everything that was read, by the tables' names.
    """

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, lost: tuple[Damage, ...], known: Mapping[str, TableContent]
    ) -> None:
        super().__init__(folder, connection, lost)
        self.tables: dict[str, TableContent] = {}
        connection.execute('BEGIN')  # deferred: it reads what was committed last, and holds nobody up
        try:
            made = super()._table('run')
            same = 'run' in known and known['run'].records == made.records
            for table in KEYS:
                former = known[table] if same else None
                self.tables[table] = made if table == 'run' else self._with_new(table, former)
        finally:
            connection.execute('COMMIT')

    def _with_new(self, table: str, former: TableContent | None) -> TableContent:
        if former is None or not former.rows:
            return super()._table(table)
        return former.followed_by(super()._table(table, former.rows[-1][KEYS[table]] + 1))

    def _table(self, table: str, first: int = 1) -> TableContent:
        known = self.tables[table]
        return known if first <= 1 else known.since(first, table)

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What is damaged in the run's database, and kept out of all that is read."""
        return (*self._lost, *(each for table in self.tables.values() for each in table.damage))


class RunFollower:
    """Follows the run in a folder. One thread at a time may use it.

    Attributes:
        folder: of the run.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._known: dict[str, TableContent] = {}
        self._seen: Signature | None = None

    def changed(self) -> bool:
        """Whether there may be more than at the last look."""
        return self._seen is None or signature_of(self.folder) != self._seen

    @contextmanager
    def look(self) -> Iterator[FollowedRecords]:
        """Read what is new.

        Raises:
            StoreError: there is no run, nothing of it can be read, or a newer version of this package made it.
        """
        # Taken before anything is read: what is written meanwhile makes another one.
        signature, now = signature_of(self.folder), self._clock()
        connection, lost = open_database(self.folder, looking=True)
        with closing(connection):
            records = FollowedRecords(self.folder, connection, lost, self._known)
            self._known = records.tables
            yield records
        written = max((time_ns for time_ns, _, _ in signature), default=0) / 1e9
        self._seen = signature if now - written > SETTLED else None


def signature_of(folder: Path) -> Signature:
    """Of the run in a folder, which is another one after each write: that of its database and of its log."""
    found = []
    for name in (DATABASE, f'{DATABASE}-wal'):
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)
