"""A stored run as it is read: what is sound of it, and what is damaged; nothing on the disk is changed.

Example:
    with closing(RunRecords.look(Path('runs/far-right'))) as run:
        run.trials()      # those that are as they were stored
        run.damage        # and what is kept out of them
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.runs.store_database import open_database
from llm_policy_improver.runs.store_errors import StoreError, reported
from llm_policy_improver.runs.store_reading import Damage, TableContent, damage_of, read_row, read_table
from llm_policy_improver.runs.store_records import (
    StoredAudit,
    StoredEnd,
    StoredExchange,
    StoredSettings,
    StoredStep,
)
from llm_policy_improver.runs.store_rows import KEYS
from llm_policy_improver.runs.store_schema import DATABASE, TRIALS
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

_MOST_NAMED: Final = 3
"""Damaged records in a sentence."""


class RunRecords:
    """A run on disk, open to be read; any thread may use it.

    Attributes:
        folder: the run's folder.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, lost: tuple[Damage, ...] = ()) -> None:
        self.folder = folder
        self._connection = connection
        self._lost = lost
        self._lock = threading.Lock()

    @classmethod
    def look(cls, folder: Path) -> 'RunRecords':
        """Open a run to read what is sound of it; nothing is changed.

        Raises:
            StoreError: there is none, nothing of it can be read, or a newer version of this package made it.
        """
        return RunRecords(folder, *open_database(folder, looking=True))

    @property
    def place(self) -> str:
        """The folder as it stands in a sentence."""
        return shortened(str(self.folder), LONGEST_PLACE)

    @property
    def description(self) -> dict[str, Any]:
        """What the run was made with."""
        content: dict[str, Any] = self._made[1]
        return content

    @property
    def created_at(self) -> datetime:
        """UTC."""
        at: datetime = self._made[0]
        return at

    @property
    def identity(self) -> str:
        """A name that no other run has: by when and with what it was made."""
        made = f'{self.created_at.isoformat()} {json.dumps(self.description, sort_keys=True)}'
        return hashlib.sha256(made.encode()).hexdigest()[:16]

    @property
    def _made(self) -> Any:
        found = self._table('run').records
        if not found:
            raise StoreError(
                f'{DATABASE} in {self.place} is damaged: its description is lost; restore it from a copy'
            )
        return found[0]

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What is damaged in the run's database, and kept out of all that is read."""
        with self._lock, reported(self.folder, 'read the run'):
            return (*self._lost, *damage_of(self._connection))

    @property
    def database_damage(self) -> tuple[Damage, ...]:
        """What SQLite itself finds wrong with the file, indexes and pages that hold no row included."""
        try:
            with self._lock, reported(self.folder, 'read the run'):
                found = self._connection.execute('PRAGMA integrity_check(5)').fetchall()
        except StoreError as error:
            return (Damage(DATABASE, f'cannot be checked: {error}'),)
        said = [str(row[0]) for row in found]
        return tuple(Damage(DATABASE, f'is damaged: {shortened(each, 120)}') for each in said if each != 'ok')

    @property
    def protected(self) -> bool:
        """Whether every row has a checksum, so that nothing that is read can be other than what was stored."""
        return all(self._table(table).protected for table in KEYS)

    def rows(self, table: str) -> dict[int, sqlite3.Row]:
        """The sound rows of a table, by their numbers."""
        return self._table(table).numbered(table)

    def require_sound(self) -> None:
        """Raise `StoreError`, naming the first damaged records, where there are any."""
        damage = self.damage
        if damage:
            raise StoreError(
                f'the run in {self.place} is damaged: {named(damage)}; restore it from a copy, or see '
                '"llm-policy-improver runs verify"'
            )

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Turn what the records lead to into a `StoreError` where they are not known to be as they were stored.

        Of sound records with checksums an unexpected error is a fault of the program, and stays what it is.
        """
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, _said_already()) or (self.protected and not self.damage):
                raise
            said = shortened(f'{type(error).__name__}: {error}', 80)
            raise StoreError(
                f'the records of the run in {self.place} do not fit together ({said}): restore it from a copy'
            ) from error

    def trials(self, first: int = 1) -> list[Trial]:
        """The trials from the number ``first`` on, in their order, without their samples."""
        return list(self._table('trials', first).records)

    def steps(self, first: int = 1) -> list[StoredStep]:
        """The steps from the number ``first`` on, in their order."""
        return list(self._table('steps', first).records)

    def exchanges(self) -> list[StoredExchange]:
        """All requests to language models, in their order."""
        versions = {step.number: step.step.version for step in self.steps()}
        found = self._table('exchanges').records
        return [replace(each, version=versions[each.step]) for each in found if each.step in versions]

    def audits(self) -> list[StoredAudit]:
        """What became of every proposal, in their order; none of a run that was made before this was kept."""
        return list(self._table('audit').records)

    def settings(self) -> list[StoredSettings]:
        """What steps were made with, in their order; none of a run that was made before this was kept."""
        return list(self._table('settings').records)

    def ended(self) -> bool:
        """Whether the run towards the last objective has come to an end of its own, and was not interrupted.

        True also where nobody kept that: in a run of an older version, or without `add_settings`.
        """
        last = max((end.settings for end in self._table('ends').records), default=None)
        return last == self._last_settings()

    def end(self, number: int | None = None) -> StoredEnd | None:
        """How the run of this number, from 1, or the last one, has ended; None where nobody kept an end."""
        wanted = self._last_settings() if number is None else number
        ends = [end for end in self._table('ends').records if end.settings == wanted]
        return ends[-1] if ends and wanted is not None else None

    def end_state(self) -> str | None:
        """How the run towards the last objective has ended, as in `add_end`; None where nobody kept an end."""
        end = self.end()
        return None if end is None else end.state

    def recommended(self) -> Proposal | None:
        """What is to be kept of the run towards the last objective; None before its end, or where nothing said so."""
        end = self.end()
        return None if end is None else end.recommended

    def _last_settings(self) -> int | None:
        settings = self.settings()
        return settings[-1].number if settings else None

    def samples(self, trial: int) -> TraceSamples:
        """The time series of a trial, exactly as stored.

        Raises:
            StoreError: there is no such trial, or its file is missing, damaged, or holds episodes.
        """
        from llm_policy_improver.runs import mcap_series  # its library takes a tenth of a second to load

        path, content = self.samples_file(trial)
        try:
            return mcap_series.decode(content)
        except mcap_series.SeriesError as error:
            raise _unreadable(f'samples of trial {trial}', path, error) from error

    def episodes(self, trial: int) -> tuple[Episode, ...]:
        """The episodes of a trial of a program, exactly as stored.

        Raises:
            StoreError: there is no such trial, or its file is missing, damaged, or holds a time series.
        """
        from llm_policy_improver.runs import episode_files  # likewise

        path, content = self.samples_file(trial)
        try:
            return episode_files.decode(content)
        except ValueError as error:
            raise _unreadable(f'episodes of trial {trial}', path, error) from error

    def samples_file(self, trial: int) -> tuple[Path, bytes]:
        """Path and content of the file of a trial's samples.

        Raises:
            StoreError: there is no such trial, or its file is missing or not what was stored.
        """
        row = self._trial_row(trial)
        path = self.folder / row['samples']
        if Path(row['samples']).parent != Path(TRIALS):
            raise _unreadable(f'samples of trial {trial}', path, 'it is no file of this run')
        try:
            content = path.read_bytes()
        except (OSError, ValueError) as error:
            raise _unreadable(f'samples of trial {trial}', path, error) from error
        if row['samples_sha256'] not in ('', hashlib.sha256(content).hexdigest()):
            raise _unreadable(f'samples of trial {trial}', path, 'it is damaged: its checksum is another')
        return path, content

    def start(self, trial: int) -> int:
        """ns stamp of the first sighting of a trial.

        Raises:
            StoreError: there is no such trial.
        """
        return int(self._trial_row(trial)['start_ns'])

    def _trial_row(self, trial: int) -> sqlite3.Row:
        with self._lock, reported(self.folder, 'read the run'):
            row = read_row(self._connection, 'trials', trial)
        if row is None:
            raise StoreError(f'the run in {self.place} has no trial {trial}')
        return row

    def close(self) -> None:
        """Close the run; it must not be used any more."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _table(self, table: str, first: int = 1) -> TableContent:
        with self._lock, reported(self.folder, 'read the run'):
            return read_table(self._connection, table, first)


def named(damage: tuple[Damage, ...]) -> str:
    """The first damaged records in a clause."""
    said = '; '.join(map(str, damage[:_MOST_NAMED]))
    more = len(damage) - _MOST_NAMED
    return f'{said}; and {more} more' if more > 0 else said


def _said_already() -> tuple[type[Exception], ...]:
    """Errors that say by themselves what is wrong; loaded only now, as they come with the parts that raise them."""
    from llm_policy_improver.core.chat import EndpointError
    from llm_policy_improver.core.settings import SettingsError
    from llm_policy_improver.loop.improvement import ImprovementError

    return SettingsError, EndpointError, ImprovementError


def _unreadable(what: str, path: Path, why: object) -> StoreError:
    return StoreError(f'could not read the {what} from {shortened(str(path), LONGEST_PLACE)}: {why}')
