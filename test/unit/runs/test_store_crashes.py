"""Several processes and threads write one run, and are killed while they do."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from stored_trials import assert_same_samples, samples_of, trace_of

from llm_policy_improver.runs import store as store_module
from llm_policy_improver.runs import trial_files
from llm_policy_improver.runs.store import RunStore


def writer(folder: Path, first: int, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, str(folder), str(first), *more]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def pairs(lines: Iterable[str]) -> dict[int, int]:
    """Trial number to seed, as the writing process reported them."""
    return {int(number): int(seed) for number, seed in (line.split() for line in lines)}


def check_run(folder: Path, reported: dict[int, int]) -> None:
    """Every trial reported (number to seed) is there once and whole; so is any other that is there."""
    with RunStore.open(folder) as store:
        trials = store.trials()
        assert [trial.number for trial in trials] == list(range(1, len(trials) + 1))
        seeds = {trial.number: int(trial.note.removeprefix('seed ')) for trial in trials}
        assert len(set(seeds.values())) == len(seeds)
        assert reported.items() <= seeds.items()
        for number, seed in seeds.items():
            assert_same_samples(store.samples(number), samples_of(seed))
        names = sorted(path.name for path in (folder / 'trials').iterdir())
        assert names == [f'{number:04d}.mcap' for number in seeds]


def test_threads_may_share_a_store(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / 'run', {})

    def add(first: int) -> None:
        for seed in range(first, first + 5):
            store.add_trial(trace_of(seed))

    threads = [threading.Thread(target=add, args=(first,)) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.trials()) == 10
    store.close()
    check_run(store.folder, {})


def test_processes_may_make_the_run_at_once_and_one_at_a_time_writes(tmp_path: Path) -> None:
    writers = [writer(tmp_path / 'run', first, '25') for first in (0, 1000, 2000)]
    reported: dict[int, int] = {}
    refused = 0
    for process in writers:
        lines = process.communicate()[0].split('\n')[1:-1]
        refused += process.returncode != 0
        assert len(lines) == (25 if process.returncode == 0 else 0)  # all its trials, or none
        numbers = pairs(lines)
        assert not reported.keys() & numbers.keys()
        reported |= numbers
    assert refused < 3
    assert sorted(reported) == list(range(1, 25 * (3 - refused) + 1))
    check_run(tmp_path / 'run', reported)


def test_kill_at_any_moment_loses_and_doubles_no_trial(tmp_path: Path) -> None:
    folder, moments = tmp_path / 'run', random.Random(4)
    reported: dict[int, int] = {}
    for attempt in range(10):
        process = writer(folder, 1000 * attempt)
        assert process.stdout is not None
        assert process.stdout.readline() == 'ready\n'
        lines = [process.stdout.readline() for _ in range(moments.randrange(10))]
        time.sleep(moments.uniform(0.0, 0.006))  # about the time of a trial: any moment of it
        process.kill()
        # What was written before the kill is read to its end; a line cut in two was not reported.
        lines += process.stdout.read().split('\n')[:-1]
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        reported |= pairs(lines)
        check_run(folder, reported)
    assert len(reported) > 10


@pytest.mark.parametrize('moment', ['partial file', 'file renamed', 'file whole', 'row inserted'])
def test_kill_between_file_and_row_leaves_nothing_of_the_trial(tmp_path: Path, moment: str) -> None:
    folder = tmp_path / 'run'
    process = writer(folder, 0, '5', moment)
    reported = process.communicate()[0].split('\n')[1:-1]
    assert process.returncode == -signal.SIGKILL
    assert reported == ['1 0', '2 1']
    check_run(folder, {1: 0, 2: 1})
    with RunStore.open(folder) as store:
        assert len(store.trials()) == 2
        assert store.add_trial(trace_of(9)).number == 3
    check_run(folder, {1: 0, 2: 1, 3: 9})


def test_run_left_half_made_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    half = folder / '.creating-abc'
    half.mkdir(parents=True)
    (half / 'run.sqlite').write_bytes(b'half')
    (folder / 'trials').mkdir()
    with RunStore.create(folder, {}) as store:
        assert store.add_trial(trace_of(0)).number == 1
    assert not half.exists()


# The writing process.


def die(*arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str, store: RunStore) -> None:
    """Have this process killed at a moment of the next trial's storing."""
    if moment == 'partial file':
        os.fsync = die  # type: ignore[assignment]
    elif moment == 'file renamed':
        trial_files.flush_folder = die  # type: ignore[assignment,attr-defined]
    elif moment == 'row inserted':
        store._connection.set_trace_callback(lambda statement: die() if statement == 'COMMIT' else None)
    elif moment == 'file whole':
        store_module.insert = die  # type: ignore[assignment,attr-defined]


def write_trials(folder: Path, first: int, count: int, moment: str) -> None:
    """Add trials of the seeds from ``first`` on, reporting each once it is stored."""
    with RunStore.join(folder, {}) as store:
        print('ready', flush=True)
        for seed in range(first, first + count):
            if moment and seed == first + 2:
                arm(moment, store)
            stored = store.add_trial(trace_of(seed))
            print(stored.number, seed, flush=True)


if __name__ == '__main__':
    more = sys.argv[3:]
    write_trials(
        Path(sys.argv[1]), int(sys.argv[2]), int(more[0]) if more else 1000, more[1] if len(more) > 1 else ''
    )
