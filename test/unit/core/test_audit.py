"""Audit records: what became of every proposal stays in the run's store, and can be read by people and programs."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from stored_trials import trace_of

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.audit import Audit, Decision, GateVerdict, audit_of
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import parse_objective
from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.loop.approval import reverted, withdrawn
from llm_policy_improver.runs.store import RunStore, StoreError

NOON = datetime(2026, 11, 20, 12, 0, 0, 250000, tzinfo=UTC)
PROPOSED = (1.05, *(1.0,) * 7)
EDITED = (1.1, 0.9, *(1.0,) * 6)
EXCHANGE = Exchange(
    (('user', 'naïve 🏓'), ('assistant', 'a'), ('user', 'again')), 'reply', 'model-v2', 900, 40
)

AUDIT = Audit(
    version=7,
    proposed_by='sas:model',
    model='model-v2',
    prompt_sha256='0' * 64,
    proposed=PROPOSED,
    attenuation=EDITED,
    checks='accepted (bounds: clipped)',
    verdicts=(
        GateVerdict('rehearsal', True, '8 of 8 balls landed', PROPOSED, figures={'landed': 8, 'trials': [{'x': 1}]}),
        GateVerdict('approval', True, 'gently 🏓', PROPOSED, EDITED, 'Ada'),
    ),
    decision=Decision.EDITED,
    decided_by='Ada',
    decided_at=NOON,
    reason='gently 🏓',
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(tmp_path / 'run', {}, clock=lambda: NOON) as store:
        yield store


def as_version_1(store: RunStore) -> Path:
    """The run as an older program left it."""
    store.add_trial(trace_of(0))
    store.add_step('far right', PolicyParameters(version=1), 0)
    store.close()
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        for table in ('audit', 'ends', 'settings'):
            connection.execute(f'DROP TABLE {table}')
        connection.execute('PRAGMA user_version = 1')
    return store.folder


def format_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        return int(connection.execute('PRAGMA user_version').fetchone()[0])


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ['audit', *arguments])


# The store.


def test_records_come_back_with_their_step(store: RunStore) -> None:
    refused = replace(AUDIT, decision=Decision.REFUSED, attenuation=(), verdicts=(), decided_by='')
    store.add_step('far right', PolicyParameters(version=6), 0)
    step = store.add_step('far right', PolicyParameters(version=7), 0, audits=[refused, AUDIT])
    store.add_audit(replace(AUDIT, decision=Decision.WITHDRAWN))
    found = store.audits()
    assert [(each.number, each.step) for each in found] == [(1, step.step), (2, step.step), (3, 0)]
    assert [each.audit for each in found] == [refused, AUDIT, replace(AUDIT, decision=Decision.WITHDRAWN)]
    assert {each.recorded_at for each in found} == {NOON}


def test_record_of_an_unknown_step_is_refused(store: RunStore) -> None:
    with pytest.raises(StoreError, match=r'could not store the audit record: .* has no such step'):
        store.add_audit(AUDIT, step=5)
    assert store.audits() == []


def test_step_and_its_records_are_stored_together_or_not_at_all(store: RunStore) -> None:
    pages = store._connection.execute('PRAGMA page_count').fetchone()[0]
    store._connection.execute(f'PRAGMA max_page_count = {pages}')
    with pytest.raises(StoreError, match='is full'):
        store.add_step('far right', PolicyParameters(), 0, audits=[replace(AUDIT, checks='x' * 100_000)])
    store._connection.execute('PRAGMA max_page_count = 1000000')
    assert store.steps() == []
    assert store.audits() == []


def test_record_cannot_be_changed_or_deleted(store: RunStore) -> None:
    store.add_audit(AUDIT)
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        for action in ('DELETE FROM audit', "UPDATE audit SET decided_by = 'Bob'"):
            with pytest.raises(sqlite3.IntegrityError, match='what is recorded is never changed'):
                connection.execute(action)


def test_hash_of_the_prompt_is_that_of_the_stored_messages(store: RunStore) -> None:
    record = audit_of('sas:model', [EXCHANGE], 7, Decision.AUTOMATIC, NOON, proposed=PROPOSED)
    store.add_step('far right', PolicyParameters(version=7), 0, exchanges=[EXCHANGE], audits=[record])
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        messages = connection.execute('SELECT messages FROM exchanges').fetchone()[0]
    assert store.audits()[0].audit.prompt_sha256 == hashlib.sha256(messages.encode()).hexdigest()
    assert record.model == 'model-v2'


def test_run_of_version_1_stays_readable_as_it_is(store: RunStore) -> None:
    folder = as_version_1(store)
    with RunStore.open(folder) as old:
        assert [trial.trial for trial in old.trials()] == [1]
        assert [step.step for step in old.steps()] == [1]
        assert old.audits() == []
    assert format_of(folder) == 1


def test_run_of_version_1_can_be_continued_and_is_guarded_then(store: RunStore) -> None:
    folder = as_version_1(store)
    with RunStore.open(folder) as old:
        old.add_step('far right', PolicyParameters(version=2), 0, audits=[AUDIT])
        old.add_audit(AUDIT)
        assert [each.step for each in old.audits()] == [2, 0]
        assert [step.parameters.version for step in old.steps()] == [1, 2]
    assert format_of(folder) == 3
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        for table in ('trials', 'steps', 'audit'):
            with pytest.raises(sqlite3.IntegrityError, match='what is recorded is never changed'):
                connection.execute(f'DELETE FROM {table}')


def test_upgrade_that_fails_leaves_the_old_run(store: RunStore) -> None:
    folder = as_version_1(store)
    with RunStore.open(folder) as old:
        with pytest.raises(StoreError, match='has no such step'):
            old.add_audit(AUDIT, step=9)
        assert old.audits() == []
    assert format_of(folder) == 1


# Records of what no step came of.


def test_withdrawn_proposal_and_the_way_back_are_records_too() -> None:
    proposal = Proposal(PROPOSED, 'sas:model', exchanges=(EXCHANGE,))
    case = GateCase(PROPOSED, 7, proposal, 'accepted', (), parse_objective('far right'), AUDIT.verdicts[:1])
    record = withdrawn(case, NOON)
    assert (record.decision, record.version, record.model) == (Decision.WITHDRAWN, 7, 'model-v2')
    assert (record.proposed, record.attenuation, record.verdicts) == (PROPOSED, (), case.verdicts)
    assert not record.decision.let_through
    back = reverted(PolicyParameters(EDITED, version=9, proposed_by='sas:model'), 'optimizer/revert', NOON)
    assert (back.decision, back.version, back.attenuation) == (Decision.REVERTED, 9, EDITED)
    assert back.decided_by == 'optimizer/revert'


# The command.


def test_command_prints_every_record_for_people(store: RunStore) -> None:
    store.add_step('far right', PolicyParameters(version=7), 0, audits=[AUDIT])
    store.add_audit(withdrawn(
        GateCase(PROPOSED, 8, Proposal(PROPOSED, 'least_squares'), 'accepted', (), parse_objective('far right')), NOON
    ))  # fmt: skip
    result = audit(str(store.folder))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        'step 1, version 7: edited by Ada, 2026-11-20 12:00:00 UTC',
        '  proposed by sas:model: 1.050 1.000 1.000 1.000 1.000 1.000 1.000 1.000',
        f'  model model-v2, prompt {"0" * 64}',
        '  published: 1.100 0.900 1.000 1.000 1.000 1.000 1.000 1.000',
        '  checks: accepted (bounds: clipped)',
        '  rehearsal: 8 of 8 balls landed',
        '  approval: gently 🏓 (Ada)',
        'version 8: withdrawn, 2026-11-20 12:00:00 UTC',
        '  proposed by least_squares: 1.050 1.000 1.000 1.000 1.000 1.000 1.000 1.000',
        '  published: none',
        '  checks: accepted',
        '  the run ended before a person decided',
    ]


def test_command_gives_one_json_object_for_programs(store: RunStore) -> None:
    store.add_step('far right', PolicyParameters(version=7), 0, audits=[AUDIT])
    store.add_audit(AUDIT)
    first, second = json.loads(audit(str(store.folder), '--json').output)['audits']
    assert (first['audit'], first['step'], second['step']) == (1, 1, None)
    assert (first['decision'], first['decided_by'], first['model']) == ('edited', 'Ada', 'model-v2')
    assert first['decided_at'] == '2026-11-20T12:00:00.250000+00:00'
    assert first['verdicts'][0]['figures'] == {'landed': 8, 'trials': [{'x': 1}]}
    assert first['verdicts'][1]['instead'] == list(EDITED)


def test_command_on_a_run_without_records_says_so(store: RunStore) -> None:
    result = audit(str(as_version_1(store)))
    assert result.exit_code == 0
    assert 'holds no audit records' in result.output


def test_command_on_a_folder_without_a_run_fails_with_a_sentence(tmp_path: Path) -> None:
    result = audit(str(tmp_path))
    assert isinstance(result.exception, StoreError)  # main() makes one sentence of it, and status 2
    assert 'holds no run' in str(result.exception)


def test_improve_keeps_a_record_of_every_step(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    call = ['improve', 'far right', '--trials', '3', '--first-trials', '2', '--output', str(folder), '--json']
    assert CliRunner().invoke(cli, call).exit_code == 0
    with RunStore.open(folder) as store:
        audits, steps = store.audits(), store.steps()
    assert [each.step for each in audits] == [1, 2, 3]
    assert [each.audit.attenuation for each in audits] == [step.parameters.attenuation for step in steps]
    assert [each.audit.version for each in audits] == [step.parameters.version for step in steps]
    assert {each.audit.decision for each in audits} == {Decision.AUTOMATIC}
