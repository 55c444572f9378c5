"""The store: a run is a folder of ``run.sqlite`` and ``trials/0001.mcap``, ... Nothing in it is ever changed.

The samples of a trial are the arm's time series, or the episodes of a program: ``trials/0001.episodes.json.gz``.

    with RunStore.create(Path('runs/far-right'), {'objective': 'far right'}) as store:
        stored = store.add_trial(trace)      # durable once this returns
        store.samples(stored.trial)          # the time series, bit for bit

Several processes may have the same run open. One of them adds trials and one adds steps, from its first one on or from
`RunStore.hold` (`runs.writer_lock`). A trial's file is on disk under its final name before its row is committed, and
both happen under the database's write lock: a crash leaves a whole trial or none.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs import episode_files, mcap_series, store_records
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_database import (
    clear_unfinished,
    empty_log,
    make_database,
    open_database,
    transaction,
)
from llm_policy_improver.runs.store_errors import RunExistsError, SamplesError, StoreError, reported
from llm_policy_improver.runs.store_records import StoredAudit, StoredExchange, StoredSettings, StoredStep
from llm_policy_improver.runs.store_rows import insert
from llm_policy_improver.runs.trial_files import (
    SERIES,
    clear_trial_files,
    require_no_later_files,
    trial_file,
    write_trial_file,
)
from llm_policy_improver.runs.writer_lock import Part, WriterLock
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


class RunStore(RunRecords):
    """A run on disk, open to be read and added to. Made by `create`, `open` or `join`; any thread may use it."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, clock: Clock) -> None:
        super().__init__(folder, connection)
        self._clock = clock
        self._held: dict[Part, WriterLock] = {}

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
            StoreError: there is none, anything in it is damaged, or a newer version of this package made it. What is
                left of a damaged run is read by `look`; nothing is added to it.
        """
        with RunRecords.look(folder) as found:
            found.require_sound()
            require_no_later_files(folder, max(found.rows('trials'), default=0) + 1)
        store = cls(folder, open_database(folder)[0], clock)
        try:
            if os.access(folder, os.W_OK):
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

    def hold(self, part: Part) -> str:
        """Become the one who adds trials or steps, until the run is closed.

        Returns:
            From whom it was taken over, who has ended without closing the run, in words; empty where from nobody.

        Raises:
            StoreError: somebody else adds them, who is named; or the folder cannot be written.
        """
        with self._lock, reported(self.folder, 'write the run'):
            return self._hold(part)

    def _hold(self, part: Part) -> str:
        if part in self._held:
            return ''
        held = self._held[part] = WriterLock.take(self.folder, part)
        return '' if held.former is None else f'takes over the {part} of {self.place} from {held.former}, which is gone'

    def close(self) -> None:
        """Close the run; it must not be used any more. Its database then holds all of it, whoever looks at it."""
        with self._lock:
            empty_log(self._connection)
        super().close()
        with self._lock:
            for held in self._held.values():
                held.release()
            self._held.clear()

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
        with self._writing(Part.TRIALS, 'store the trial'):
            number = self._next_trial()
            path = trial_file(self.folder, number, suffix)
            write_trial_file(path, content)
            row = {
                'trial': number,
                'start_ns': start_ns,
                'samples': str(path.relative_to(self.folder)),
                'samples_sha256': hashlib.sha256(content).hexdigest(),
            }
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
        with self._writing(Part.STEPS, 'store the step'):
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
        with self._writing(Part.STEPS, 'store the audit record'):
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
        with self._writing(Part.STEPS, "store the steps' settings"):
            last = self._connection.execute('SELECT COALESCE(MAX(step), 0) FROM steps').fetchone()[0]
            insert(self._connection, 'settings', store_records.settings_row(int(last) + 1, text, now))

    def add_end(self, state: str, message: str, recommended: Proposal | None = None) -> None:
        """Store that the run towards the last objective has ended, and what it came to.

        Args:
            state: finished, cancelled or failed.
            message: for people.
            recommended: what is to be kept, where a model of the trials says so.

        Raises:
            StoreError: it is not stored, e.g. as no run was begun by `add_settings`.
        """
        now = self._clock()
        with self._writing(Part.STEPS, 'store the end of the run'):
            last = self._connection.execute('SELECT MAX(settings) FROM settings').fetchone()[0]
            insert(self._connection, 'ends', store_records.end_row(last, state, message, recommended, now))

    @contextmanager
    def _writing(self, part: Part, doing: str) -> Iterator[None]:
        with self._lock, reported(self.folder, doing):
            self._hold(part)
            with transaction(self._connection):
                yield

    def _next_trial(self) -> int:
        return int(self._connection.execute('SELECT COALESCE(MAX(trial), 0) + 1 FROM trials').fetchone()[0])

    def _clear_unfinished(self) -> None:
        with self._lock, reported(self.folder, 'open the run'), transaction(self._connection):
            clear_trial_files(self.folder, self._next_trial())
            clear_unfinished(self.folder)
