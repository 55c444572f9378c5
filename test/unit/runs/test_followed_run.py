"""A run that is followed: each look knows all that is stored, reads what is new alone, and is in nobody's way."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_runs import add_trial, make_run
from stored_trials import assert_same_trial

from llm_policy_improver.runs import followed, store_reading
from llm_policy_improver.runs.followed import RunFollower
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.store_errors import StoreError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    make_run(tmp_path / 'run', 3)
    with RunStore.open(tmp_path / 'run') as opened:
        yield opened


def numbers(follower: RunFollower) -> list[int]:
    with follower.look() as records:
        return [trial.number for trial in records.trials()]


def test_look_knows_what_was_stored_since_the_last_one(store: RunStore) -> None:
    follower = RunFollower(store.folder)
    assert numbers(follower) == [1, 2, 3]
    add_trial(store, 4)
    assert follower.changed()
    with follower.look() as records:
        for one, other in zip(records.trials(), store.trials(), strict=True):
            assert_same_trial(one, other)
        assert records.steps() == store.steps()
        assert [trial.number for trial in records.trials(first=3)] == [3, 4]
        assert records.damage == ()


def test_only_new_rows_are_read(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    decode = store_reading._DECODERS['trials']

    def decoded(row: sqlite3.Row) -> Any:
        read.append(row['trial'])
        return decode(row)

    monkeypatch.setattr(store_reading, '_DECODERS', {**store_reading._DECODERS, 'trials': decoded})
    follower = RunFollower(store.folder)
    numbers(follower)
    read.clear()
    add_trial(store, 4)
    assert numbers(follower) == [1, 2, 3, 4]
    assert read == [4]


def test_nothing_has_changed_until_something_is_stored(store: RunStore) -> None:
    now = time.time() + 60.0
    follower = RunFollower(store.folder, clock=lambda: now)
    assert follower.changed()
    numbers(follower)
    assert not follower.changed()
    add_trial(store, 4)
    assert follower.changed()


def test_what_is_written_in_the_instant_of_a_look_is_not_missed(store: RunStore) -> None:
    written = (store.folder / 'run.sqlite-wal').stat().st_mtime
    follower = RunFollower(store.folder, clock=lambda: written + followed.SETTLED / 2)
    numbers(follower)
    assert follower.changed()  # a second write in this instant would leave the same time


def test_whoever_writes_is_not_held_up_by_an_open_look(store: RunStore) -> None:
    with RunFollower(store.folder).look() as records:
        before = records.trials()
        writer = threading.Thread(target=add_trial, args=(store, 4))
        writer.start()
        writer.join(timeout=20.0)
        assert not writer.is_alive()
        assert len(records.trials()) == len(before) == 3  # all that it tells is of one instant
    assert len(store.trials()) == 4


def test_database_alone_holds_a_run_that_was_closed_during_a_look(store: RunStore, tmp_path: Path) -> None:
    add_trial(store, 4)
    with RunFollower(store.folder).look():
        store.close()
    alone = shutil.copytree(store.folder, tmp_path / 'alone', ignore=shutil.ignore_patterns('*-wal', '*-shm'))
    for folder in (alone, store.folder):
        assert numbers(RunFollower(folder)) == [1, 2, 3, 4]
    log = store.folder / 'run.sqlite-wal'
    assert not log.exists() or log.stat().st_size == 0


def test_another_run_in_the_same_folder_is_read_from_its_start(tmp_path: Path) -> None:
    make_run(tmp_path / 'run', 5)
    follower = RunFollower(tmp_path / 'run')
    assert len(numbers(follower)) == 5
    shutil.rmtree(tmp_path / 'run')
    make_run(tmp_path / 'run', 2)
    assert follower.changed()
    assert numbers(follower) == [1, 2]


def test_damaged_row_is_told_in_every_look(store: RunStore) -> None:
    store.close()
    with sqlite3.connect(store.folder / 'run.sqlite') as connection:
        connection.execute('DROP TRIGGER trials_no_UPDATE')
        connection.execute("UPDATE trials SET note = 'another' WHERE trial = 2")
    follower = RunFollower(store.folder)
    for _ in range(2):
        with follower.look() as records:
            assert [str(each) for each in records.damage] == [
                'trial 2 is not what was stored: its checksum is another'
            ]
            assert [trial.number for trial in records.trials()] == [1, 3]


def test_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match='holds no run'), RunFollower(tmp_path).look():
        pass


def test_part_of_the_trials_is_read_by_its_first_number(store: RunStore) -> None:
    with RunRecords.look(store.folder) as records:
        assert [trial.number for trial in records.trials(first=2)] == [2, 3]
        assert [step.number for step in records.steps(first=3)] == [3]
        assert records.trials(first=9) == []
