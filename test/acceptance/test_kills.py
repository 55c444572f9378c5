"""The kill campaign: ``kill -9`` of nodes in a run; and that the judge of it would find what is lost."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from run_judge import judge

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.store_rows import CHECKSUM, KEYS, checksum
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, Modulation
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.task import TableTennis

Whole = tuple[Path, list[Trial], list[Modulation]]
TRIALS = 3
SETTINGS = OptimizerSettings(
    objective='hit the ball as far right as possible', trials=TRIALS, first_trials=TRIALS
)


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run in which nothing is amiss, and what was published in it."""
    folder = tmp_path_factory.mktemp('run')
    seen: list[Trial] = []
    published: list[Modulation] = []
    objective, task = parse_objective(SETTINGS.objective), TableTennis()
    improvement = Improvement(
        objective, assemble(SETTINGS).method, SETTINGS.space(), trials=TRIALS, first_trials=TRIALS
    )
    with (
        closing(RunMemory(SETTINGS.space(), str(folder))) as memory,
        RunStore.open(folder) as logger,
    ):
        memory.begin(SETTINGS, objective, TRIALS)
        while not improvement.done:
            step = improvement.propose()
            memory.take_step(objective, step)
            published.append(Modulation.of(step.parameters, step.version, step.proposed_by))
            seen.append(logger.add_trial(step.played(task.run(step.parameters, step.number))))
            improvement.record(seen[-1])
        memory.end('finished', 'done', improvement.next_version, (), None, improvement.recommended)
    return folder, seen, published


def judged(folder: Path, seen: list[Trial], published: list[Modulation]) -> str:
    with RunStore.open(folder) as store:
        return '; '.join(judge(store, seen, published, TRIALS))


def without_guards(folder: Path, statement: str) -> None:
    """Change what the store's triggers keep from being changed, as if it had been stored so: with right checksums."""
    with closing(sqlite3.connect(folder / 'run.sqlite')) as database:
        database.row_factory = sqlite3.Row
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER {name}')
        database.execute(statement)
        for table, key in KEYS.items():
            for row in database.execute(f'SELECT * FROM {table}').fetchall():
                right = (checksum(table, dict(row)), row[key])
                database.execute(f'UPDATE {table} SET {CHECKSUM} = ? WHERE {key} = ?', right)
        database.commit()


def lose_a_trial(folder: Path) -> None:
    without_guards(folder, 'DELETE FROM trials WHERE trial = 3')
    (folder / 'trials' / '0003.mcap').unlink()


def store_a_trial_twice(folder: Path) -> None:
    with RunStore.open(folder) as store:
        first = store.trials()[0]
        store.add_trial(replace(first, samples=store.samples(1)), store.start(1))


def lose_samples(folder: Path) -> None:
    (folder / 'trials' / '0002.mcap').unlink()


def change_parameters(folder: Path) -> None:
    policy = json.dumps(dict.fromkeys(ATTENUATIONS, 1.1))
    without_guards(folder, f"UPDATE steps SET policy = '{policy}' WHERE step = 2")


def invent_a_version(folder: Path) -> None:
    without_guards(folder, 'UPDATE trials SET version = 77 WHERE trial = 3')


def change_outcome(folder: Path) -> None:
    without_guards(folder, "UPDATE trials SET outcome = 'net' WHERE trial = 2")


def break_off(folder: Path) -> None:
    without_guards(folder, 'DELETE FROM ends')


def give_a_version_twice(folder: Path) -> None:
    without_guards(folder, 'UPDATE steps SET version = 1 WHERE step = 2')


def test_nothing_is_found_in_a_run_in_which_nothing_is_amiss(whole: Whole) -> None:
    assert judged(*whole) == ''
    folder, seen, published = whole
    # What is published again by a process that was started again is known already.
    assert judged(folder, [*seen, seen[-1]], [*published, published[-1]]) == ''


@pytest.mark.parametrize(
    ('sabotage', 'sentence'),
    [
        (lose_a_trial, 'trial 3 was published, and is not what is stored'),
        (lose_a_trial, 'step 3 has no trial'),
        (store_a_trial_twice, 'trials 1 and 4 are the same ball'),
        (invent_a_version, 'trial 3 was played with parameters that nobody gave the version it tells'),
        (lose_samples, 'could not read the samples of trial 2'),
        (change_parameters, 'trial 2 was not played with the parameters of its step 2'),
        (change_parameters, 'version 2 was published with other numbers'),
        (change_parameters, 'replayed, step 2 differs'),
        (change_outcome, 'trial 2 was published, and is not what is stored'),
        (break_off, '1 runs with 3 steps are stored instead of one that ended with 3'),
        (give_a_version_twice, 'the versions of the steps do not grow'),
    ],
)
def test_what_is_lost_doubled_or_wrong_is_found(
    whole: Whole, tmp_path: Path, sabotage: Callable[[Path], None], sentence: str
) -> None:
    folder, seen, published = whole
    shutil.copytree(folder, tmp_path / 'run')
    sabotage(tmp_path / 'run')
    assert sentence in judged(tmp_path / 'run', seen, published)


def test_version_that_goes_back_is_found(whole: Whole) -> None:
    folder, seen, published = whole
    assert judged(folder, seen, [*published, published[0]]) == 'version 1 was published after 3'


def test_nothing_is_lost_whichever_node_dies_and_whenever(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')
    import kill_campaign

    kills = int(pytestconfig.getoption('kills'))
    figures = kill_campaign.run(kills, tmp_path)
    record_property('kill campaign', str(figures))
    assert figures.violations == ()
    assert set(figures.killed) == set(kill_campaign.NODES), (
        'the run was over before all nodes had been killed'
    )
