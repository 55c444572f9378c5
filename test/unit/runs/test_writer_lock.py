"""One writer of a run's trials, and one of its steps: a second one is refused, a killed one's place is free at once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from stored_trials import trace_of

from llm_policy_improver.runs import writer_lock
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.writer_lock import Part
from llm_policy_improver.table_tennis.space import Searched, parameter_space

HOLDING = """
import subprocess, sys, time
from pathlib import Path
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.writer_lock import Part
store = RunStore.join(Path(sys.argv[1]), {})
store.hold(Part.TRIALS)
child = subprocess.Popen(['sleep', '60'])  # it outlives its parent
print(child.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes the trials of the run, and has started another one."""
    with subprocess.Popen(
        [sys.executable, '-c', HOLDING, str(folder)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        try:
            yield running
        finally:
            running.kill()
            os.kill(child, 9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    RunStore.create(tmp_path / 'run', {}).close()
    return tmp_path / 'run'


def owned_elsewhere(folder: Path) -> Path:
    """The file of an owner of whom this kernel knows nothing."""
    path = folder / 'trials.lock'
    path.write_text(json.dumps({'process': 7, 'host': 'far', 'kernel': 'another', 'since': '2026-11-23'}))
    return path


def test_second_writer_is_refused_with_the_name_of_the_first(folder: Path) -> None:
    with holder(folder) as running, RunStore.open(folder) as second:
        sentence = rf'the trials of .*run are written by process {running.pid} on .+ since 20.+ UTC: end it, or choose'
        with pytest.raises(StoreError, match=sentence):
            second.add_trial(trace_of(0))
        assert second.trials() == []
        second.add_settings({})  # the steps are free


def test_second_optimizer_in_a_folder_is_refused_and_reading_is_not(folder: Path) -> None:
    space = parameter_space(Searched.BOTH)
    with RunStore.open(folder) as first:
        assert first.hold(Part.STEPS) == ''
        with pytest.raises(StoreError, match=f'the steps of .* are written by process {os.getpid()} on '):
            RunMemory(space, str(folder))
        with RunStore.open(folder) as reader:
            assert reader.steps() == []
    RunMemory(space, str(folder)).close()


def test_place_of_a_killed_writer_is_free_at_once_and_that_is_told(folder: Path) -> None:
    with holder(folder) as running:
        running.kill()
        running.wait()
        began = time.monotonic()
        with RunStore.open(folder) as second:
            assert second.hold(Part.TRIALS).startswith(
                f'takes over the trials of {folder} from process {running.pid} on '
            )
            assert second.hold(Part.TRIALS) == ''  # told once
            assert second.add_trial(trace_of(0)).number == 1
        assert time.monotonic() - began < 0.8 * writer_lock.PATIENCE


def test_closed_run_leaves_nothing_behind_and_nothing_is_told(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with RunStore.open(folder) as first:
        first.add_trial(trace_of(0))
        assert (folder / 'trials.lock').exists()
    assert sorted(path.name for path in folder.iterdir() if path.suffix == '.lock') == []
    assert set(before) <= {path.name for path in folder.iterdir()}
    with RunStore.open(folder) as second:
        assert second.hold(Part.TRIALS) == ''


def test_owner_on_another_machine_is_respected_as_long_as_it_gives_heartbeats(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_lock, 'PATIENCE', 2.0)
    path, ended = owned_elsewhere(folder), Event()

    def beat() -> None:
        while not ended.wait(0.05):
            os.utime(path)

    beating = Thread(target=beat)
    beating.start()
    try:
        with RunStore.open(folder) as second, pytest.raises(StoreError, match='written by process 7 on far since 2026'):
            second.hold(Part.TRIALS)
    finally:
        ended.set()
        beating.join()
    with RunStore.open(folder) as second:
        assert 'from process 7 on far since 2026-11-23, which is gone' in second.hold(Part.TRIALS)


@pytest.mark.parametrize('content', ['', 'nonsense', '[' * 100_000, '{"process": "x"}', '\x00' * 10])
def test_damaged_file_of_an_owner_holds_nobody_up(folder: Path, content: str) -> None:
    (folder / 'trials.lock').write_text(content)
    with RunStore.open(folder) as store:
        assert store.hold(Part.TRIALS) == ''


def test_owner_gives_heartbeats(folder: Path) -> None:
    with RunStore.open(folder) as store:
        store.hold(Part.STEPS)
        path = folder / 'steps.lock'
        before, end = path.stat().st_mtime_ns, time.monotonic() + 20.0 * writer_lock.BEAT
        while path.stat().st_mtime_ns == before:
            assert time.monotonic() < end, 'no heartbeat'
            time.sleep(0.05)

