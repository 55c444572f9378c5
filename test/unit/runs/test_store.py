"""The store: nothing that it reports as stored is ever lost, doubled or changed."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from stored_trials import assert_same_samples, assert_same_trial, trace_of

from llm_policy_improver.core.audit import Audit, Decision, GateVerdict, audit_of
from llm_policy_improver.core.chat import Ending, Exchange
from llm_policy_improver.core.finding import Agreement, ClaimedEffect, Failure, Finding, Vain
from llm_policy_improver.core.proposal import KeptBack, Proposal
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.run_folder import default_run_folder
from llm_policy_improver.runs.store import RunExistsError, RunStore, StoreError
from llm_policy_improver.runs.store_schema import TABLES
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, trial_of

NOON = datetime(2026, 11, 20, 12, 0, 0, 250000, tzinfo=UTC)
POLICY = parameter_space(Searched.BOTH).at((0.1 + 0.2, *(1.0,) * 7, -0.0, 1e-300, *(0.0,) * 6))
STEP = Step(1, NEUTRAL, 25, Proposal(NEUTRAL, 'neutral'), 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(tmp_path / 'run', {'objective': 'far right'}, clock=lambda: NOON) as store:
        yield store


# What is stored comes back.


def test_trials_are_numbered_from_one_and_come_back_in_order(store: RunStore) -> None:
    stored = [store.add_trial(trace_of(seed)) for seed in range(3)]
    assert [trial.number for trial in stored] == [1, 2, 3]
    for back, trial in zip(store.trials(), stored, strict=True):
        assert_same_trial(back, trial)
        assert back.samples is None
    assert [trial.number for trial in store.trials(first=3)] == [3]


def test_samples_come_back_bit_for_bit(store: RunStore) -> None:
    trial = trace_of(7)
    trial.samples.ball_position[3] = [np.nan, -0.0, np.inf]
    trial.samples.joint_velocity[0, 0] = 5e-324
    assert_same_samples(store.samples(store.add_trial(trial).number), trial.samples)


def test_samples_out_of_order_and_at_equal_times_keep_their_order(store: RunStore) -> None:
    trial = trace_of(8)
    trial.samples.ball_time[:] = trial.samples.ball_time[::-1]
    trial.samples.joint_time[:] = 0.25
    assert_same_samples(store.samples(store.add_trial(trial).number), trial.samples)


def test_trial_without_samples_or_landing_is_stored(store: RunStore) -> None:
    stored = store.add_trial(trial_of(Modulation(), Outcome.ABORTED, {}, 'the arm was disarmed'))
    assert_same_trial(store.trials()[0], stored)
    assert_same_samples(store.samples(1), TraceSamples())


def test_policy_and_measures_come_back_bit_for_bit(store: RunStore) -> None:
    measures = {'landing_x': 0.1 + 0.2, 'landing_y': 5e-324, 'net_clearance': -0.0}
    trial = trial_of(Modulation.of(POLICY, 3, 'least_squares'), Outcome.LANDED, measures)
    assert_same_trial(store.add_trial(trial), replace(trial, number=1))
    back = store.trials()[0]
    assert_same_trial(back, replace(trial, number=1))
    assert [value.hex() for value in back.parameters.values] == [value.hex() for value in POLICY.values]
    assert [value.hex() for value in back.measures.values()] == [value.hex() for value in measures.values()]


def a_step() -> Step:
    """With something in every field."""
    finding = Finding('bounds', 'clipped to its bound: a (slide_y) 1.41 to 1.4', changed=True)
    vain = Vain('sas:model', Failure.KEPT_BACK, 'too fast')
    earlier = Proposal(NEUTRAL, 'sas:model', reason='Try this.')
    proposal = Proposal(
        POLICY, 'least_squares', 's', 'a', 'y', 'r', 4, {'landing_x': 0.1, 'landing_y': 0.9}, (finding,),
        (ClaimedEffect('a', 'landing_x', -1, Agreement.CONTRADICTED, 0.03, 0.01),),
        instead_of=(vain,), kept_back=(KeptBack(earlier, 'Ada', True, 'too fast'),),
    )  # fmt: skip
    verdict = GateVerdict('approval', True, 'gently', Proposal(NEUTRAL, 'Ada'), 'Ada', {'tries': [1, 2.5]})
    audit = audit_of(
        'least_squares', (), 7, Decision.EDITED, NOON, proposal=earlier, findings=(finding,), verdicts=(verdict,),
        decided_by='Ada', reason='gently',
    )  # fmt: skip
    return Step(1, NEUTRAL, 7, proposal, 2**62, (finding, replace(finding, refused=True)), (vain,), (audit,))


def test_steps_come_back_with_all_that_led_to_them(store: RunStore) -> None:
    step = a_step()
    added = store.add_step('far right', step)
    other = store.add_step('far left', replace(STEP, number=9))
    assert (added.number, added.recorded_at, added.objective, added.step) == (1, NOON, 'far right', step)
    assert (other.number, other.step.number) == (2, 2)
    # Exchanges and audit records are read on their own.
    assert store.steps() == [replace(added, step=replace(step, audits=())), other]
    assert store.steps(first=2) == [other]
    assert [(record.number, record.step, record.audit) for record in store.audits()] == [
        (1, 1, step.audits[0])
    ]
    assert [stored.step.unchanged for stored in store.steps()] == [True, False]
    assert store.audits()[0].audit.published == Proposal(NEUTRAL, 'Ada')


def test_audit_record_without_a_step_comes_back(store: RunStore) -> None:
    audit = Audit(3, None, 'sas:model', 'model-7', 'ab12', (), (), Decision.REFUSED, '', NOON, 'repeat')
    store.add_audit(audit)
    assert [(record.step, record.audit) for record in store.audits()] == [(0, audit)]
    with pytest.raises(StoreError, match='has no such step'):
        store.add_audit(audit, 5)


def test_what_a_newer_version_added_to_a_proposal_is_left_out(store: RunStore) -> None:
    store.add_step('far right', STEP)
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        connection.execute('DROP TRIGGER steps_no_UPDATE')
        connection.execute("UPDATE steps SET proposal = json_set(proposal, '$.mood', 'hopeful'), checksum = ''")
        connection.commit()
    assert store.steps()[0].step == STEP


@pytest.mark.parametrize('form', [2, None])
def test_proposal_of_an_unknown_format_is_refused_in_a_sentence(store: RunStore, form: int | None) -> None:
    store.add_step('far right', STEP)
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        connection.execute('DROP TRIGGER steps_no_UPDATE')
        changed = "UPDATE steps SET proposal = json_set(proposal, '$.format', ?), checksum = ''"
        connection.execute(changed, (form,))
        connection.commit()
    why = f'the proposal of step 1 has format {form}, and this version reads 1: read the run with the version that'
    with pytest.raises(StoreError, match=why):
        store.steps()


def test_exchanges_come_back_with_their_step_and_version(store: RunStore) -> None:
    odd = 'naïve 🏓 \x00 \ud800 end\r\n'
    asked = (('system', odd), ('user', '{"a": 1}'))
    first = Exchange(asked, odd, 'model', 900, 40, 1.25, 'repeats trial 3', Ending.REFUSED)
    second = Exchange((('user', 'again'),), '', 'model', verdict='HTTP 429', ending=Ending.FAILED)
    proposed = replace(STEP, proposal=replace(STEP.proposal, reason=odd, exchanges=(first, second)))
    store.add_step('far right', proposed)
    found = store.exchanges()
    assert [one.exchange for one in found] == [first, second]
    assert [(one.number, one.step, one.version) for one in found] == [(1, 1, 25), (2, 1, 25)]
    assert store.steps()[0].step.reason == odd


def test_description_and_times_are_kept_in_utc(tmp_path: Path) -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    with RunStore.create(tmp_path / 'run', {'seed': 3}, clock=lambda: tokyo):
        pass
    with RunStore.open(tmp_path / 'run') as store:
        assert store.description == {'seed': 3}
        assert store.created_at == NOON
    with closing(sqlite3.connect(tmp_path / 'run' / 'run.sqlite')) as connection:
        assert (
            connection.execute('SELECT created_at FROM run').fetchone()[0]
            == '2026-11-20T12:00:00.250000+00:00'
        )


# One run a folder, and clear refusals.


def test_second_run_in_the_same_folder_is_refused(store: RunStore) -> None:
    store.add_trial(trace_of(0))
    with pytest.raises(RunExistsError) as caught:
        RunStore.create(store.folder, {})
    assert str(caught.value) == (
        f'{store.folder} already holds a run: choose another folder, or continue that run'
    )
    assert len(store.trials()) == 1


def test_joining_makes_the_run_once_and_keeps_its_description(tmp_path: Path) -> None:
    with (
        RunStore.join(tmp_path / 'a' / 'run', {'n': 1}) as first,
        RunStore.join(tmp_path / 'a' / 'run', {'n': 2}) as second,
    ):
        assert first.description == second.description == {'n': 1}
        first.add_trial(trace_of(0))
        with pytest.raises(StoreError, match='are written by process'):
            second.add_trial(trace_of(1))
        first.close()
        assert second.add_trial(trace_of(1)).number == 2


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r'holds no run: there is no run\.sqlite in it'):
        RunStore.open(tmp_path)


def test_trials_whose_database_is_gone_are_not_mixed_with_a_new_run(store: RunStore) -> None:
    store.add_trial(trace_of(0))
    store.close()
    (store.folder / 'run.sqlite').unlink()
    with pytest.raises(StoreError, match=r'holds trials without their run\.sqlite'):
        RunStore.create(store.folder, {})
    assert (store.folder / 'trials' / '0001.mcap').exists()


def test_newer_format_is_refused(store: RunStore) -> None:
    store.close()
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        connection.execute('PRAGMA user_version = 6')
    with pytest.raises(StoreError, match='has format 6, and this llm_policy_improver reads up to 5'):
        RunStore.open(store.folder)


@pytest.mark.parametrize('content', [b'', b'not a database, but long enough to be read as one' * 50])
def test_file_that_is_no_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'run.sqlite').write_bytes(content)
    with pytest.raises(StoreError, match=r'run\.sqlite in .* no run'):
        RunStore.open(tmp_path)


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(StoreError, match='run cannot be a folder, as a file is in its way'):
        RunStore.create(tmp_path / 'file' / 'run', {})


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_read_only_run_can_be_read_but_not_written(store: RunStore) -> None:
    store.add_trial(trace_of(0))
    store.close()
    for path in (store.folder / 'trials', store.folder):
        path.chmod(0o555)
    try:
        with RunStore.open(store.folder) as reading:
            assert len(reading.trials()) == 1
            with pytest.raises(StoreError, match='cannot be written'):
                reading.add_trial(trace_of(1))
    finally:
        for path in (store.folder, store.folder / 'trials'):
            path.chmod(0o755)


def test_description_must_be_plain_data(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match='must be plain data for JSON'):
        RunStore.create(tmp_path / 'run', {'space': object()})
    assert not (tmp_path / 'run').exists()


def test_full_disk_while_writing_the_file_leaves_the_run_as_it_was(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    store.add_trial(trace_of(0))
    with monkeypatch.context() as patched:
        patched.setattr(os, 'fsync', full)
        with pytest.raises(StoreError) as caught:
            store.add_trial(trace_of(1))
    assert str(caught.value) == (
        f'could not store the trial: the disk of {store.folder} is full; free some space and try again'
    )
    assert [path.name for path in (store.folder / 'trials').iterdir()] == ['0001.mcap']
    assert store.add_trial(trace_of(1)).number == 2


def test_full_disk_in_the_database_leaves_the_run_as_it_was(store: RunStore) -> None:
    pages = store._connection.execute('PRAGMA page_count').fetchone()[0]
    store._connection.execute(f'PRAGMA max_page_count = {pages}')
    with pytest.raises(StoreError, match=r'could not store the step: the disk of .* is full'):
        store.add_step('far right', replace(STEP, proposal=replace(STEP.proposal, summary='x' * 100_000)))
    store._connection.execute('PRAGMA max_page_count = 1000000')
    assert store.steps() == []
    assert store.add_step('far right', STEP).number == 1


def test_nothing_recorded_can_be_changed_or_deleted(store: RunStore) -> None:
    store.add_trial(trace_of(0))
    asked = replace(STEP.proposal, exchanges=(Exchange((), 'reply', 'model'),))
    store.add_step('far right', replace(a_step(), proposal=asked))
    store.add_settings({})
    store.add_end('finished', 'done')
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        for table in TABLES:
            for action in (f'DELETE FROM {table}', f'UPDATE {table} SET rowid = 9'):
                with pytest.raises(sqlite3.IntegrityError, match='what is recorded is never changed'):
                    connection.execute(action)


def test_what_a_run_recommends_is_kept_with_its_end(store: RunStore) -> None:
    assert store.recommended() is None
    store.add_settings({})
    kept = replace(STEP.proposal, memos={'expected loss': '0.05'})
    store.add_end('finished', 'done', kept)
    with RunStore.open(store.folder) as again:
        assert again.recommended() == kept
    store.add_settings({})
    assert store.recommended() is None  # of the run that was begun just now
    store.add_end('cancelled', '')
    assert store.recommended() is None


def test_environment_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-never-store-this')
    with RunStore.create(tmp_path / 'run', {}) as store:
        store.add_trial(trace_of(0))
        store.add_step('far right', STEP)
        files = [path for path in store.folder.rglob('*') if path.is_file()]
        assert files
        assert not any(b'sk-never-store-this' in path.read_bytes() for path in files)


# The name of a run's folder.


@pytest.mark.parametrize(
    ('words', 'name'),
    [
        ('hit the ball as far right as possible', '2026-11-20T12-00-00-far-right'),
        ('Just behind the net!', '2026-11-20T12-00-00-just-behind-net'),
        ('../../étrange: ça/va', '2026-11-20T12-00-00-etrange-ca-va'),
        ('at (0.3, 0.9)', '2026-11-20T12-00-00-0-3-0-9'),
        ('尽量靠右', '2026-11-20T12-00-00'),
        ('word ' * 30, '2026-11-20T12-00-00' + '-word' * 8),
    ],
)
def test_run_folder_tells_when_and_what(tmp_path: Path, words: str, name: str) -> None:
    assert default_run_folder(words, NOON, tmp_path) == tmp_path / name


def test_run_folder_is_always_a_new_one(tmp_path: Path) -> None:
    for expected in ('far-right', 'far-right-2', 'far-right-3'):
        folder = default_run_folder('far right', NOON, tmp_path)
        assert folder.name == f'2026-11-20T12-00-00-{expected}'
        folder.mkdir()
