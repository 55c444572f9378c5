"""Runs that an earlier version stored, opened by this one: nothing of them is lost, and they still can be replayed.

`test/recordings/format_3` holds runs of the last version with format 3.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from paths import FORMAT_3

from llm_policy_improver.core.audit import Decision
from llm_policy_improver.core.settings import to_mapping
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.report.wording import step_text
from llm_policy_improver.runs.prompt_preview import preview
from llm_policy_improver.runs.replay import ReplayResult, replay
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.store_rows import insert
from llm_policy_improver.runs.store_schema import VERSION
from llm_policy_improver.runs.stored_run import stored_parts, stored_settings
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import landing_of

RUNS = ('far_right', 'language_model', 'interrupted')
ATTENUATIONS = tuple('abcdefgh')


@pytest.fixture(params=RUNS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Folder of an older run."""
    return copied(request.param, tmp_path / 'run')


@pytest.fixture
def with_model(tmp_path: Path) -> Path:
    """Folder of an older run with a language model and with gates: Ada rejected a proposal and edited another."""
    return copied('language_model', tmp_path / 'run')


def copied(name: str, folder: Path) -> Path:
    shutil.copytree(FORMAT_3 / name, folder)
    return folder


def rows(database: Path, table: str) -> list[dict[str, Any]]:
    """As they are in the file, without this package."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f'SELECT * FROM {table} ORDER BY 1')]


def content(database: Path) -> tuple[int, list[str]]:
    """Format and all that a database holds, as statements."""
    with closing(sqlite3.connect(database)) as connection:
        version = connection.execute('PRAGMA user_version').fetchone()[0]
        return int(version), list(connection.iterdump())


def before(folder: Path) -> Path:
    """The database that was kept."""
    return folder / 'run.format-3.sqlite'


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


# What is there afterwards.


def test_older_run_gets_the_tables_of_a_new_one_and_its_database_is_kept(old: Path, tmp_path: Path) -> None:
    was = content(old / 'run.sqlite')
    assert was[0] == 3
    RunStore.open(old).close()
    assert content(before(old)) == was
    RunStore.create(tmp_path / 'new', {}).close()
    tables = 'SELECT type, name, sql FROM sqlite_master ORDER BY type, name'
    found = []
    for folder in (old, tmp_path / 'new'):
        with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
            assert connection.execute('PRAGMA user_version').fetchone() == (VERSION,)
            assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
            assert connection.execute('PRAGMA foreign_key_check').fetchall() == []
            found.append(connection.execute(tables).fetchall())
    assert found[0] == found[1]
    assert sorted(path.name for path in old.iterdir()) == ['run.format-3.sqlite', 'run.sqlite', 'trials']


def test_what_did_not_change_its_form_is_there_as_it_was(old: Path) -> None:
    RunStore.open(old).close()
    was = [row | {'checksum': ''} for row in rows(before(old), 'ends')]
    assert rows(old / 'run.sqlite', 'ends') == was


def test_exchanges_are_there_and_what_came_of_them_is_a_word_of_its_own(old: Path) -> None:
    RunStore.open(old).close()
    for now, was in zip(
        rows(old / 'run.sqlite', 'exchanges'), rows(before(old), 'exchanges'), strict=True
    ):
        assert was['verdict'] in (now['verdict'], f'failed: {now["verdict"]}')
        assert was['verdict'].startswith(now.pop('ending'))
        assert now.pop('checksum') == ''
        assert now | {'verdict': was['verdict']} == was


def test_settings_are_those_that_it_was_made_with_and_say_that_all_trials_were_played(old: Path) -> None:
    with RunStore.open(old) as store:
        made_with, description = stored_settings(store), store.description
    stored = [json.loads(row['content']) for row in rows(before(old), 'settings')]
    described = json.loads(rows(before(old), 'run')[0]['description'])
    was = {('method' if name == 'optimizer' else name): value
           for name, value in (stored[0] if stored else described)['optimizer'].items()}  # fmt: skip
    assert made_with is not None
    now = to_mapping(made_with.optimizer)
    assert made_with.optimizer.all_trials
    # The joints and their order could only be written one way.
    assert was.keys() - now.keys() <= {'joint_names'}
    assert {name: now[name] for name in was if name in now} == {n: was[n] for n in was if n in now}
    assert description.keys() == described.keys()
    assert description.get('simulator') == described.get('simulator')


def test_trials_are_there_with_the_same_numbers(old: Path) -> None:
    with RunStore.open(old) as store:
        trials = store.trials()
        stamps = [store.start(trial.number) for trial in trials]
    stored = rows(before(old), 'trials')
    assert stamps == [row['start_ns'] for row in stored]
    assert trials
    for trial, row in zip(trials, stored, strict=True):
        assert trial.number == row['trial']
        for name in ('version', 'proposed_by', 'outcome', 'note'):
            assert getattr(trial, name) == row[name]
        assert attenuation_and_residual(trial) == (
            json.loads(row['attenuation']),
            json.loads(row['residual']),
        )
        landing = landing_of(trial)
        found = (None,) * 3 if landing is None else (landing.x, landing.y, landing.time)
        assert found == (row['landing_x'], row['landing_y'], row['landing_time'])
        for name in ('net_clearance', 'peak_height'):
            assert trial.measures.get(name) == row[name]
        assert trial.succeeded == (row['outcome'] == 'landed')
        assert trial.tested == (row['outcome'] != 'aborted')


def attenuation_and_residual(trial: Trial) -> tuple[list[float], list[float]]:
    values = parameter_space(Searched.BOTH).values(trial.policy)
    return list(values[:8]), list(values[8:])


def test_policy_of_a_trial_names_residuals_only_where_there_were_any(with_model: Path) -> None:
    with RunStore.open(with_model) as store:
        *others, last = store.trials()
    assert {trial.parameters.names for trial in others} == {ATTENUATIONS}
    assert last.parameters.names == parameter_space(Searched.BOTH).names
    assert last.policy.as_json()['i'] == 0.1 + 0.2


def test_time_series_are_found_and_the_next_trial_gets_the_next_number(tmp_path: Path) -> None:
    folder = copied('far_right', tmp_path / 'run')
    with RunStore.open(folder) as store:
        samples = store.samples(1)
        assert (len(samples.ball_time), len(samples.joint_time)) == (188, 75)
        assert store.add_trial(store.trials()[0]).number == 29
        assert sorted(path.name for path in (folder / 'trials').iterdir()) == ['0001.mcap', '0029.mcap']


def test_steps_are_there_with_the_same_numbers_and_words(old: Path) -> None:
    with RunStore.open(old) as store:
        steps = store.steps()
    assert steps
    for stored, row in zip(steps, rows(before(old), 'steps'), strict=True):
        step, proposal = stored.step, stored.step.proposal
        assert (stored.number, stored.objective) == (row['step'], row['objective'])
        assert stored.recorded_at.isoformat() == row['recorded_at']
        assert (step.version, step.seed, step.proposed_by) == (
            row['version'],
            row['seed'],
            row['proposed_by'],
        )
        assert step.policy == proposal.policy
        assert (step.parameters.names, list(step.parameters.values)) == (ATTENUATIONS, json.loads(row['attenuation']))
        for name in ('summary', 'analysis', 'synthesis', 'reason'):
            assert getattr(proposal, name) == row[name]
        assert step.unchanged == bool(row['unchanged'])
        assert [vain.detail for vain in proposal.instead_of] == [row['fallback']] * bool(row['fallback'])
        # What the checks said is told, whatever it was.
        assert row['verdict'] in step_text(step)


def test_steps_with_every_way_to_end_are_among_them(with_model: Path) -> None:
    with RunStore.open(with_model) as store:
        steps = [stored.step for stored in store.steps()]
        by = [step.proposed_by for step in steps]
        assert set(by) == {'initial', 'sas:test-model', 'least_squares'}
        assert [step.number for step in steps if step.unchanged] == [10]
        assert [step.number for step in steps if step.proposal.instead_of] == [8, 9, *range(11, 19)]
        assert len(store.exchanges()) == 8


def test_audit_records_are_there_with_who_decided_what(old: Path) -> None:
    with RunStore.open(old) as store:
        audits = store.audits()
    for record, row in zip(audits, rows(before(old), 'audit'), strict=True):
        audit = record.audit
        assert (record.number, record.step or None) == (row['audit'], row['step'])
        for name in ('version', 'proposed_by', 'model', 'prompt_sha256', 'decision', 'decided_by', 'reason'):
            assert getattr(audit, name) == row[name]
        assert audit.decided_at.isoformat() == row['decided_at']
        published = [] if audit.published is None else list(audit.published.parameters.values)
        assert published == json.loads(row['attenuation'])
        if audit.decision is not Decision.REVERTED:
            proposed = [] if audit.proposal is None else list(audit.proposal.parameters.values)
            assert proposed == json.loads(row['proposed'])
        verdicts = [(one.gate, one.passed, one.reason, one.by) for one in audit.verdicts]
        stored = json.loads(row['verdicts'])
        assert verdicts == [(one['gate'], one['passed'], one['reason'], one['by']) for one in stored]


def test_what_a_person_decided_still_holds(with_model: Path) -> None:
    with RunStore.open(with_model) as store:
        audits = [record.audit for record in store.audits()]
        (edited,) = (audit for audit in audits if audit.decision is Decision.EDITED)
        assert edited.decided_by == 'Ada'
        assert edited.published is not None
        assert edited.published.policy == NEUTRAL_EDITED
        assert edited.published.proposed_by == 'Ada'
        assert store.steps()[8].step.policy == NEUTRAL_EDITED
        (part,) = stored_parts(store)
        (kept,) = part.steps[6].step(7).proposal.kept_back
        assert (kept.by, kept.person, kept.reason) == ('Ada', True, 'reject: too fast')
        assert f'A person rejected the parameters {kept.proposal.policy}' in str(preview(store, 8))
    # Shown to a person as version 90; then a person went back, which was version 91.
    with closing(RunMemory(parameter_space(), str(with_model), resume=True)) as memory:
        assert memory.version == 91
        assert memory.in_force is not None
        assert memory.in_force[0] == 91
        assert memory.in_force[1].policy in [trial.policy for trial in memory.history if trial.succeeded]


NEUTRAL_EDITED = parameter_space().at((1.01, *[0.99] * 7))


# What can be done with it.


def test_older_run_is_replayed_step_by_step(old: Path) -> None:
    with RunStore.open(old) as store:
        result = ReplayResult(tuple(replay(store)))
        assert len(result.steps) == len(store.steps())
    assert result.identical, result.sentence
    assert sum(step.asked for step in result.steps) == len(rows(before(old), 'exchanges'))


@pytest.mark.parametrize(
    ('version', 'missing'), [(2, ('ends',)), (1, ('ends', 'settings', 'audit'))], ids=['2', '1']
)
def test_still_older_run_lacks_tables_and_is_not_taken_for_interrupted(
    version: int, missing: tuple[str, ...], tmp_path: Path
) -> None:
    folder = copied('interrupted', tmp_path / 'run')
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        for table in missing:
            connection.execute(f'DROP TABLE {table}')
        connection.execute(f'PRAGMA user_version = {version}')
    with RunStore.open(folder) as store:
        assert (len(store.trials()), len(store.steps())) == (11, 11)
        assert len(store.settings()) == (version == 2)
        assert store.ended()
        assert store.audits() == [] or version == 2
    assert content(folder / f'run.format-{version}.sqlite')[0] == version


# When and how it is upgraded.


def test_second_opening_changes_nothing(old: Path) -> None:
    RunStore.open(old).close()
    was, stamp = files(old), before(old).stat().st_mtime_ns
    with RunStore.open(old) as store:
        assert store.trials()
    assert files(old) == was
    assert before(old).stat().st_mtime_ns == stamp


def test_copy_that_is_there_already_is_not_overwritten(old: Path) -> None:
    before(old).write_bytes(b'kept by somebody')
    RunStore.open(old).close()
    assert before(old).read_bytes() == b'kept by somebody'
    assert content(old / 'run.sqlite')[0] == VERSION


def test_upgrade_that_fails_leaves_the_run_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    was = content(old / 'run.sqlite')
    left = iter(range(5))

    def full(*arguments: Any) -> int:
        if next(left, None) is None:
            raise sqlite3.OperationalError('database or disk is full')
        return insert(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr('llm_policy_improver.runs.store_database.insert', full)
        with pytest.raises(StoreError, match=r'could not open the run: .*disk is full'):
            RunStore.open(old)
    assert content(old / 'run.sqlite') == was
    with RunStore.open(old) as store:
        assert store.trials()
    assert content(before(old)) == was


def test_processes_may_open_it_at_once(old: Path) -> None:
    was = content(old / 'run.sqlite')
    program = (
        'import sys\n'
        'from pathlib import Path\n'
        'from llm_policy_improver.runs.store import RunStore\n'
        "print('ready', flush=True)\n"
        'sys.stdin.readline()\n'
        'with RunStore.open(Path(sys.argv[1])) as store:\n'
        '    print(len(store.trials()), len(store.steps()), len(store.audits()), store.ended())\n'
    )
    command = [sys.executable, '-c', program, str(old)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == 'ready\n'
    for process in started:
        assert process.stdin is not None
        process.stdin.write('\n')
        process.stdin.flush()
    said = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    counts = [len(rows(before(old), table)) for table in ('trials', 'steps', 'audit')]
    assert said == {f'{counts[0]} {counts[1]} {counts[2]} {old_ended(old)}\n'}
    assert content(before(old)) == was


def old_ended(folder: Path) -> bool:
    """Whether all that was begun has an end."""
    return len(rows(before(folder), 'settings')) == len(rows(before(folder), 'ends'))


@pytest.fixture
def read_only(old: Path) -> Iterator[Path]:
    folders = [old, *(path for path in old.rglob('*') if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    if os.access(old, os.W_OK):
        pytest.skip('this user may write everywhere')
    yield old
    for folder in folders:
        folder.chmod(0o755)


def test_run_that_cannot_be_written_is_read_and_left_as_it_was(read_only: Path, tmp_path: Path) -> None:
    was = files(read_only)
    shutil.copytree(read_only, tmp_path / 'writable')
    (tmp_path / 'writable').chmod(0o755)
    with RunStore.open(read_only) as store, RunStore.open(tmp_path / 'writable') as other:
        assert len(store.trials()) == len(other.trials()) > 0
        assert store.steps() == other.steps()
        assert store.audits() == other.audits()
        assert ReplayResult(tuple(replay(store))).identical
        for write in (
            lambda: store.add_trial(other.trials()[0]),
            lambda: store.add_step('far right', other.steps()[0].step),
            lambda: store.add_settings({}),
        ):
            with pytest.raises(StoreError, match='cannot be written'):
                write()
        assert len(store.steps()) == len(other.steps())
    assert files(read_only) == was
