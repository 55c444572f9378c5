"""Audit records: what became of every proposal stays in the run's store, and can be read by people and programs."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from older_run import EDITED as OLD_EDITED
from older_run import MOVED as OLD_MOVED
from older_run import format_of, make_older_run

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.audit import Audit, Decision, GateVerdict, audit_of
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.approval import reverted, withdrawn
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.store_schema import VERSION
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL

NOON = datetime(2026, 11, 20, 12, 0, 0, 250000, tzinfo=UTC)
PROPOSED = Parameters(NEUTRAL.names, (1.05, *(1.0,) * 7))
EDITED = Parameters(NEUTRAL.names, (1.1, 0.9, *(1.0,) * 6))
CLIPPED = Finding('bounds', 'clipped', changed=True)
EXCHANGE = Exchange(
    (('user', 'naïve 🏓'), ('assistant', 'a'), ('user', 'again')), 'reply', 'model-v2', 900, 40
)

AUDIT = Audit(
    version=7,
    proposal=Proposal(PROPOSED, 'sas:model', reason='because'),
    proposed_by='sas:model',
    model='model-v2',
    prompt_sha256='0' * 64,
    findings=(CLIPPED,),
    verdicts=(
        GateVerdict('rehearsal', True, '8 of 8 balls landed', figures={'landed': 8, 'trials': [{'x': 1}]}),
        GateVerdict('approval', True, 'gently 🏓', Proposal(EDITED, 'Ada'), 'Ada'),
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


def step_of(version: int, *audits: Audit, exchanges: tuple[Exchange, ...] = ()) -> Step:
    proposal = Proposal(PROPOSED, 'sas:model', exchanges=exchanges)
    return Step(1, EDITED, version, proposal, 0, audits=audits)


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ['audit', *arguments])


# The store.


def test_records_come_back_with_their_step(store: RunStore) -> None:
    refused = replace(AUDIT, decision=Decision.REFUSED, proposal=None, verdicts=(), decided_by='')
    store.add_step('far right', step_of(6))
    step = store.add_step('far right', step_of(7, refused, AUDIT))
    store.add_audit(replace(AUDIT, decision=Decision.WITHDRAWN))
    found = store.audits()
    assert [(each.number, each.step) for each in found] == [(1, step.number), (2, step.number), (3, 0)]
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
        store.add_step('far right', step_of(1, replace(AUDIT, reason='x' * 100_000)))
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
    record = audit_of('sas:model', [EXCHANGE], 7, Decision.AUTOMATIC, NOON, findings=(CLIPPED,))
    store.add_step('far right', step_of(7, record, exchanges=(EXCHANGE,)))
    with closing(sqlite3.connect(store.folder / 'run.sqlite')) as connection:
        messages = connection.execute('SELECT messages FROM exchanges').fetchone()[0]
    assert store.audits()[0].audit.prompt_sha256 == hashlib.sha256(messages.encode()).hexdigest()
    assert record.model == 'model-v2'


@pytest.mark.parametrize('version', [1, 2, 3])
def test_run_of_an_older_format_can_be_continued_and_is_guarded_then(tmp_path: Path, version: int) -> None:
    folder = make_older_run(tmp_path / 'old', version)
    with RunStore.open(folder) as old:
        assert [trial.number for trial in old.trials()] == [1, 2]
        assert [stored.number for stored in old.steps()] == [1, 2, 3]
        kept = len(old.audits())
        assert kept == (0 if version == 1 else 3)
        old.add_step('far right', step_of(4, AUDIT))
        old.add_audit(AUDIT)
        assert [each.step for each in old.audits()[kept:]] == [4, 0]
        assert [stored.step.version for stored in old.steps()] == [1, 2, 2, 4]
    assert format_of(folder / 'run.sqlite') == VERSION
    assert format_of(folder / f'run.format-{version}.sqlite') == version
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        for table in ('trials', 'steps', 'audit'):
            with pytest.raises(sqlite3.IntegrityError, match='what is recorded is never changed'):
                connection.execute(f'DELETE FROM {table}')


@pytest.mark.parametrize('version', [2, 3])
def test_records_of_an_older_format_say_what_was_published(tmp_path: Path, version: int) -> None:
    with RunStore.open(make_older_run(tmp_path / 'old', version)) as old:
        found = old.audits()
    assert [each.step for each in found] == [2, 0, 0]
    edited, back, refused = (each.audit for each in found)
    names = NEUTRAL.names
    assert edited.proposal == Proposal(Parameters(names, tuple(OLD_MOVED)), 'sas:model')
    assert edited.published == Proposal(Parameters(names, tuple(OLD_EDITED)), 'Ada')
    assert [str(finding) for finding in edited.findings] == ['checks: accepted (bounds: clipped)']
    assert [str(verdict) for verdict in edited.verdicts] == [
        'rehearsal: 8 of 8 balls landed',
        'approval: gently (Ada)',
    ]
    assert (edited.decision, edited.decided_by, edited.decided_at) == (Decision.EDITED, 'Ada', NOON)
    assert back.decision is Decision.REVERTED
    assert back.published == Proposal(Parameters(names, tuple(OLD_MOVED)), 'initial')
    assert (refused.decision, refused.proposal, refused.published) == (Decision.REFUSED, None, None)


# Records of what no step came of.


def test_withdrawn_proposal_and_the_way_back_are_records_too() -> None:
    proposal = Proposal(PROPOSED, 'sas:model', exchanges=(EXCHANGE,))
    case = GateCase(proposal, 7, (CLIPPED,), (), parse_objective('far right'), AUDIT.verdicts[:1])
    record = withdrawn(case, NOON)
    assert (record.decision, record.version, record.model) == (Decision.WITHDRAWN, 7, 'model-v2')
    assert record.proposal is not None
    assert (record.proposal.policy, record.published, record.verdicts) == (PROPOSED, None, case.verdicts)
    assert record.findings == (CLIPPED,)
    assert not record.decision.let_through
    back = reverted(Proposal(EDITED, 'sas:model'), 9, 'optimizer/revert', NOON)
    assert (back.decision, back.version, back.proposed_by) == (Decision.REVERTED, 9, 'sas:model')
    assert back.published is not None
    assert back.published.policy == EDITED
    assert back.decided_by == 'optimizer/revert'


# The command.


def test_command_prints_every_record_for_people(store: RunStore) -> None:
    store.add_step('far right', step_of(7, AUDIT))
    case = GateCase(Proposal(PROPOSED, 'least_squares'), 8, (), (), parse_objective('far right'))
    store.add_audit(withdrawn(case, NOON))
    result = audit(str(store.folder))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        'step 1, version 7: edited by Ada, 2026-11-20 12:00:00 UTC',
        '  proposed by sas:model: 1.050 1.000 1.000 1.000 1.000 1.000 1.000 1.000',
        f'  model model-v2, prompt {"0" * 64}',
        '  published: 1.100 0.900 1.000 1.000 1.000 1.000 1.000 1.000',
        '  checks: bounds: clipped',
        '  rehearsal: 8 of 8 balls landed',
        '  approval: gently 🏓 (Ada)',
        'version 8: withdrawn, 2026-11-20 12:00:00 UTC',
        '  proposed by least_squares: 1.050 1.000 1.000 1.000 1.000 1.000 1.000 1.000',
        '  published: none',
        '  the run ended before a person decided',
    ]


def test_command_gives_one_json_object_for_programs(store: RunStore) -> None:
    store.add_step('far right', step_of(7, AUDIT))
    store.add_audit(AUDIT)
    first, second = json.loads(audit(str(store.folder), '--json').output)['audits']
    assert (first['audit'], first['step'], second['step']) == (1, 1, None)
    assert (first['decision'], first['decided_by'], first['model']) == ('edited', 'Ada', 'model-v2')
    assert first['decided_at'] == '2026-11-20T12:00:00.250000+00:00'
    assert first['verdicts'][0]['figures'] == {'landed': 8, 'trials': [{'x': 1}]}
    assert first['verdicts'][1]['instead']['policy']['values'] == list(EDITED.values)
    assert (first['proposed'], first['published']) == (PROPOSED.as_json(), EDITED.as_json())
    assert first['findings'] == [asdict(CLIPPED)]


def test_command_on_a_run_without_records_says_so(tmp_path: Path) -> None:
    result = audit(str(make_older_run(tmp_path / 'old', 1)))
    assert result.exit_code == 0
    assert 'holds no audit records' in result.output


def test_command_on_a_folder_without_a_run_fails_with_a_sentence(tmp_path: Path) -> None:
    result = audit(str(tmp_path))
    assert isinstance(result.exception, StoreError)  # main() makes one sentence of it, and status 2
    assert 'holds no run' in str(result.exception)


def test_improve_keeps_a_record_of_every_step(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    call = [
        'improve',
        'far right',
        '--trials',
        '3',
        '--first-trials',
        '2',
        '--all-trials',
        '--output',
        str(folder),
    ]
    assert CliRunner().invoke(cli, call).exit_code == 0
    with RunStore.open(folder) as store:
        audits, steps = store.audits(), store.steps()
    assert [each.step for each in audits] == [1, 2, 3]
    published = [each.audit.published for each in audits]
    assert [each and each.policy for each in published] == [stored.step.policy for stored in steps]
    assert [each.audit.version for each in audits] == [stored.step.version for stored in steps]
    assert {each.audit.decision for each in audits} == {Decision.AUTOMATIC}
