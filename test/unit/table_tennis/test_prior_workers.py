"""Real processes, one of them killed."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llm_policy_improver.table_tennis.cells import quiet_cell
from llm_policy_improver.table_tennis.prior_order import Order, Player
from llm_policy_improver.table_tennis.prior_workers import Workers
from llm_policy_improver.table_tennis.space import parameter_space

ORDER = Order(quiet_cell(), parameter_space(), 64)
BEGINS = """
import time

from llm_policy_improver.table_tennis import prior_workers
from llm_policy_improver.table_tennis.prior_order import Order
from llm_policy_improver.table_tennis.cells import quiet_cell
from llm_policy_improver.table_tennis.space import parameter_space

prior_workers.MOST = 2  # so that blocks are left when the first is there
workers = prior_workers.Workers(Order(quiet_cell(), parameter_space(), 64))
print(*(worker.pid for worker, _ in workers._workers), flush=True)
time.sleep(3600.0)
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each block and each mark is, and when it was written."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.skipif(
    not hasattr(os, 'pidfd_open'), reason='the end of a process that is no child is waited for'
)
def test_workers_end_with_a_process_that_is_killed_and_the_next_one_goes_on() -> None:
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, '-c', BEGINS], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    workers = [os.pidfd_open(int(number)) for number in parent.stdout.readline().split()]
    assert workers
    blocks = ORDER.blocks()
    every = len(blocks.sizes)
    while len(blocks.missing()) == every:
        assert not select.select(workers, [], [], 0.02)[0]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for worker in workers:
        select.select([worker], [], [])
        os.close(worker)
    left = blocks.missing()
    assert 0 < len(left) < every
    before = {name: each for name, each in files(blocks.folder).items() if int(name[:4]) not in left}

    later = Workers(ORDER)
    assert len(later.played()) == 64
    later.close()
    after = files(blocks.folder)
    assert {name: after[name] for name in before} == before  # none was begun, or played, again


def test_what_is_played_is_what_was_ordered() -> None:
    order = Order(quiet_cell(), parameter_space(), 13)
    workers = Workers(order)
    played = workers.played()
    workers.close()
    assert len(played) == 13
    expected = Player(order).play(1)
    for trials, others in zip(played[10:], expected, strict=True):
        for trial, other in zip(trials, others, strict=True):
            assert trial is not None
            assert other is not None
            assert trial.policy == other.policy
            assert trial.measures == other.measures
            assert trial.outcome == other.outcome
            assert trial.note == other.note


def test_a_block_that_is_damaged_is_played_again() -> None:
    order = Order(quiet_cell(), parameter_space(), 20)
    first = Workers(order)
    played = first.played()
    first.close()
    blocks = order.blocks()
    before = files(blocks.folder)
    damaged = blocks.folder / '0001.json.z'
    damaged.write_bytes(damaged.read_bytes()[:100])
    second = Workers(order)
    assert [trial.measures for trial, _ in second.played()] == [trial.measures for trial, _ in played]
    second.close()
    assert files(blocks.folder)['0000.json.z'] == before['0000.json.z']
