"""The store: a run is a folder of ``run.sqlite`` and ``trials/0001.mcap``, ... Nothing in it is ever changed.

The samples of a trial are the arm's time series, or the episodes of a program: ``trials/0001.episodes.json.gz``.

    with RunStore.create(Path('runs/far-right'), {'objective': 'far right'}) as store:
        stored = store.add_trial(trace)      # durable once this returns
        store.samples(stored.trial)          # the time series, bit for bit

Several processes may have the same run open. A trial's file is on disk under its final name before its row
is committed, and both happen under the database's write lock: a crash leaves a whole trial or none.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs import episode_files, mcap_series, store_records
from llm_policy_improver.runs.store_database import (
    RunExistsError,
    SamplesError,
    StoreError,
    clear_unfinished,
    make_database,
    open_database,
    reported,
    transaction,
)
from llm_policy_improver.runs.store_records import StoredAudit, StoredExchange, StoredSettings, StoredStep
from llm_policy_improver.runs.store_rows import insert
from llm_policy_improver.runs.trial_files import SERIES, clear_trial_files, trial_file, write_trial_file
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

__all__ = [
    'RunExistsError',
    'RunStore',
    'SamplesError',
    'StoreError',
    'StoredAudit',
    'StoredExchange',
    'StoredSettings',
    'StoredStep',
]

Clock = Callable[[], datetime]


class RunStore:
    """A run on disk, open. Made by `create`, `open` or `join`; any thread may use it.

    Attributes:
        folder: the run's folder.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, clock: Clock) -> None:
        self.folder = folder
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        connection.row_factory = sqlite3.Row

    @classmethod
    def create(cls, folder: Path, description: Mapping[str, Any], *, clock: Clock = utc_now) -> 'RunStore':
        """Make a new run.

        Args:
            folder: made with its parents where missing.
            description: of the run, plain data for JSON; no secrets.
            clock: the time of day, for the records.

        Raises:
            RunExistsError: the folder already holds a run.
            StoreError: the folder cannot be written.
        """
        make_database(folder, description, store_records.iso(clock()))
        return cls.open(folder, clock=clock)

    @classmethod
    def open(cls, folder: Path, *, clock: Clock = utc_now) -> 'RunStore':
        """Open a run, to read it or to add to it.

        Raises:
            StoreError: there is none, it is damaged, or a newer version of this package made it.
        """
        store = cls(folder, open_database(folder), clock)
        if os.access(folder, os.W_OK):
            try:
                store._clear_unfinished()
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def join(cls, folder: Path, description: Mapping[str, Any], *, clock: Clock = utc_now) -> 'RunStore':
        """Open the folder's run, made first where there is none; for nodes that start in any order.

        Raises:
            StoreError: as from `create` and `open`.
        """
        with suppress(RunExistsError):
            make_database(folder, description, store_records.iso(clock()))
        return cls.open(folder, clock=clock)

    @property
    def description(self) -> dict[str, Any]:
        """What the run was made with."""
        row = self._read('SELECT description FROM run')[0]
        return dict(json.loads(row['description']))

    @property
    def identity(self) -> str:
        """A name that no other run has: by when and with what it was made."""
        row = self._read('SELECT created_at, description FROM run')[0]
        return sha256(f'{row["created_at"]} {row["description"]}'.encode()).hexdigest()[:16]

    @property
    def created_at(self) -> datetime:
        """UTC."""
        return datetime.fromisoformat(self._read('SELECT created_at FROM run')[0]['created_at'])

    def add_trial(self, trial: Trial, start_ns: int | None = None) -> Trial:
        """Store a trial; when this returns it survives a crash and a power failure.

        Args:
            trial: its number does not count.
            start_ns: ns stamp of its first sighting; None: it ended just now.

        Returns:
            The same trial with its number: 1 for the first, one more for each that follows.

        Raises:
            SamplesError: its samples do not fit each other, or are no time series; the run is as before.
            StoreError: it is not stored; the run is as before.
        """
        now, samples = self._clock(), TraceSamples() if trial.samples is None else trial.samples
        suffix, content, start_ns = self._encoded(samples, start_ns, trial.version, now)
        with self._lock, reported(self.folder, 'store the trial'), transaction(self._connection):
            number = self._next_trial()
            path = trial_file(self.folder, number, suffix)
            write_trial_file(path, content)
            row = {'trial': number, 'start_ns': start_ns, 'samples': str(path.relative_to(self.folder))}
            insert(self._connection, 'trials', row | store_records.trial_row(trial, now))
        return replace(trial, number=number)

    def _encoded(
        self, samples: Any, start_ns: int | None, version: int, now: datetime
    ) -> tuple[str, bytes, int]:
        """Suffix and content of the file of a trial's samples, and the stamp of its beginning."""
        ended = int(now.timestamp() * 1e9)
        if isinstance(samples, tuple):
            return (
                episode_files.SUFFIX,
                episode_files.encode(samples),
                ended if start_ns is None else start_ns,
            )
        if start_ns is None:
            start_ns = ended - mcap_series.duration_ns(samples)
        try:
            return SERIES, mcap_series.encode(samples, start_ns, version), start_ns
        except mcap_series.SeriesError as error:
            raise SamplesError(f'could not store the trial: {error}') from error

    def add_step(self, objective: str, step: Step) -> StoredStep:
        """Store a step, with the requests to a language model and the audit records behind it, before its trial runs.

        Args:
            objective: the person's words.
            step: its number does not count.

        Raises:
            StoreError: nothing of all this is stored.
        """
        now = self._clock()
        with self._lock, reported(self.folder, 'store the step'), transaction(self._connection):
            number = insert(self._connection, 'steps', store_records.step_row(objective, step, now))
            for exchange in step.proposal.exchanges:
                self._insert_exchange(number, exchange, now)
            for audit in step.audits:
                self._insert_audit(number, audit, now)
        return StoredStep(number, now, objective, replace(step, number=number))

    def _insert_exchange(self, step: int, exchange: Exchange, now: datetime) -> None:
        insert(self._connection, 'exchanges', store_records.exchange_row(step, exchange, now))

    def add_audit(self, audit: Audit, step: int = 0) -> None:
        """Store what became of a proposal of which no step came, or one more record for the step of this number.

        Raises:
            StoreError: it is not stored, e.g. as there is no such step.
        """
        with self._lock, reported(self.folder, 'store the audit record'), transaction(self._connection):
            self._insert_audit(step, audit, self._clock())

    def _insert_audit(self, step: int, audit: Audit, now: datetime) -> None:
        insert(self._connection, 'audit', store_records.audit_row(step, audit, now))

    def add_settings(self, content: Mapping[str, Any]) -> None:
        """Store what the steps from the next one on are made with.

        Args:
            content: plain data for JSON; no secrets.

        Raises:
            StoreError: it is not stored.
        """
        text, now = json.dumps(dict(content)), self._clock()
        with self._lock, reported(self.folder, "store the steps' settings"), transaction(self._connection):
            last = self._connection.execute('SELECT COALESCE(MAX(step), 0) FROM steps').fetchone()[0]
            insert(self._connection, 'settings', store_records.settings_row(int(last) + 1, text, now))

    def add_end(self, state: str, message: str) -> None:
        """Store that the run towards the last objective has ended, and what it came to.

        Args:
            state: finished, cancelled or failed.
            message: for people.

        Raises:
            StoreError: it is not stored, e.g. as no run was begun by `add_settings`.
        """
        now = self._clock()
        with self._lock, reported(self.folder, 'store the end of the run'), transaction(self._connection):
            last = self._connection.execute('SELECT MAX(settings) FROM settings').fetchone()[0]
            insert(self._connection, 'ends', store_records.end_row(last, state, message, now))

    def trials(self, first: int = 1) -> list[Trial]:
        """The trials from the number ``first`` on, in their order, without their samples."""
        rows = self._read('SELECT * FROM trials WHERE trial >= ? ORDER BY trial', first)
        return [store_records.to_trial(row) for row in rows]

    def steps(self, first: int = 1) -> list[StoredStep]:
        """The steps from the number ``first`` on, in their order."""
        rows = self._read('SELECT * FROM steps WHERE step >= ? ORDER BY step', first)
        return [store_records.to_step(row) for row in rows]

    def exchanges(self) -> list[StoredExchange]:
        """All requests to language models, in their order."""
        rows = self._read(
            'SELECT exchanges.*, version FROM exchanges JOIN steps USING (step) ORDER BY exchange'
        )
        return [store_records.to_exchange(row) for row in rows]

    def audits(self) -> list[StoredAudit]:
        """What became of every proposal, in their order; none of a run that was made before this was kept."""
        rows = self._read('SELECT * FROM audit ORDER BY audit')
        return [store_records.to_audit(row) for row in rows]

    def settings(self) -> list[StoredSettings]:
        """What steps were made with, in their order; none of a run that was made before this was kept."""
        rows = self._read('SELECT * FROM settings ORDER BY settings')
        return [store_records.to_settings(row) for row in rows]

    def ended(self) -> bool:
        """Whether the run towards the last objective has come to an end of its own, and was not interrupted.

        True also where nobody kept that: in a run of an older version, or without `add_settings`.
        """
        query = 'SELECT (SELECT MAX(settings) FROM settings) IS (SELECT MAX(settings) FROM ends) AS ended'
        return bool(self._read(query)[0]['ended'])

    def end_state(self) -> str | None:
        """How the run towards the last objective has ended, as in `add_end`; None where nobody kept an end."""
        query = 'SELECT state FROM ends WHERE settings = (SELECT MAX(settings) FROM settings) ORDER BY end DESC LIMIT 1'
        return next((str(row['state']) for row in self._read(query)), None)

    def samples(self, trial: int) -> TraceSamples:
        """The time series of a trial, exactly as stored.

        Raises:
            StoreError: there is no such trial, or its file is missing, damaged, or holds episodes.
        """
        path = self._samples_file(trial)
        try:
            return mcap_series.decode(path.read_bytes())
        except (OSError, mcap_series.SeriesError) as error:
            raise StoreError(f'could not read the samples of trial {trial} from {path}: {error}') from error

    def episodes(self, trial: int) -> tuple[Episode, ...]:
        """The episodes of a trial of a program, exactly as stored.

        Raises:
            StoreError: there is no such trial, or its file is missing, damaged, or holds a time series.
        """
        path = self._samples_file(trial)
        try:
            return episode_files.decode(path.read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(f'could not read the episodes of trial {trial} from {path}: {error}') from error

    def _samples_file(self, trial: int) -> Path:
        rows = self._read('SELECT samples FROM trials WHERE trial = ?', trial)
        if not rows:
            raise StoreError(f'the run in {self.folder} has no trial {trial}')
        return self.folder / rows[0]['samples']

    def start(self, trial: int) -> int:
        """ns stamp of the first sighting of a trial.

        Raises:
            StoreError: there is no such trial.
        """
        rows = self._read('SELECT start_ns FROM trials WHERE trial = ?', trial)
        if not rows:
            raise StoreError(f'the run in {self.folder} has no trial {trial}')
        return int(rows[0]['start_ns'])

    def close(self) -> None:
        """Close the run; it must not be used any more."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> 'RunStore':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, query: str, *values: int) -> list[sqlite3.Row]:
        with self._lock, reported(self.folder, 'read the run'):
            return self._connection.execute(query, values).fetchall()

    def _next_trial(self) -> int:
        return int(self._connection.execute('SELECT COALESCE(MAX(trial), 0) + 1 FROM trials').fetchone()[0])

    def _clear_unfinished(self) -> None:
        with self._lock, reported(self.folder, 'open the run'), transaction(self._connection):
            clear_trial_files(self.folder, self._next_trial())
            clear_unfinished(self.folder)
