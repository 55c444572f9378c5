"""Damaged stores: what is no longer as it was stored is named and kept out, the rest is read, nothing is changed."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from paths import FORMAT_3
from stored_trials import assert_same_samples, samples_of, trace_of

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.store_rows import KEYS
from llm_policy_improver.runs.verify import verify
from llm_policy_improver.table_tennis.space import NEUTRAL

POLICY = NEUTRAL
EXCHANGE = Exchange((('user', 'the prompt'),), 'the reply', 'model', 900, 40, 1.25)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of three trials, with a step, a request and settings for each."""
    with RunStore.create(tmp_path / 'run', {'seed': 3}) as store:
        store.add_settings({'a': 1})
        for number in (1, 2, 3):
            proposal = replace(Proposal(POLICY, 'initial'), exchanges=(EXCHANGE,))
            store.add_step('far right', Step(number, POLICY, number, proposal, 0))
            store.add_trial(replace(trace_of(number), version=number))
        store.add_end('finished', 'done')
    return tmp_path / 'run'


def execute(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        for table in KEYS:
            for action in ('UPDATE', 'DELETE'):
                connection.execute(f'DROP TRIGGER IF EXISTS {table}_no_{action}')
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def flipped(path: Path, text: bytes) -> None:
    """One bit of a stored text is another."""
    content = bytearray(path.read_bytes())
    content[content.index(text) + len(text) // 2] ^= 1
    path.write_bytes(content)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def test_sound_run_is_sound(folder: Path) -> None:
    found = verify(folder)
    assert (found.trials, found.damaged, found.orphans, found.unprotected) == (3, (), (), False)
    result = run('runs', 'verify', folder)
    assert (result.exit_code, result.output) == (0, f'{folder}: sound; 3 trials\n')


def test_flipped_bit_in_a_text_is_named_and_the_rest_is_read(folder: Path) -> None:
    flipped(folder / 'run.sqlite', b'seed 2')
    with RunRecords.look(folder) as store:
        assert [trial.number for trial in store.trials()] == [1, 3]
        assert list(map(str, store.damage)) == ['trial 2 is not what was stored: its checksum is another']
        assert len(store.steps()) == len(store.exchanges()) == 3
        assert_same_samples(store.samples(3), samples_of(3))
        with pytest.raises(StoreError, match='has no trial 2'):
            store.samples(2)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    'value': (lambda f: execute(f, "UPDATE steps SET seed = 7 WHERE step = 2"), 'damaged', 'step 2 is not what was'),
    'number': (lambda f: execute(f, 'UPDATE settings SET settings = 5'), 'damaged', 'settings 5 is not what was'),
    'null': (
        lambda f: execute(f, "UPDATE exchanges SET reply = x'ff' WHERE exchange = 3"), 'damaged', 'exchange 3 is not'
    ),
    'row': (lambda f: execute(f, 'DELETE FROM trials WHERE trial = 2'), 'damaged', 'trial 2 is missing'),
    'description': (lambda f: execute(f, 'DELETE FROM run'), 'damaged', 'description is missing'),
    'table': (lambda f: execute(f, 'DROP TABLE audit'), 'damaged', 'table audit cannot be read in part (no such table'),
    'name in the schema': (
        lambda f: (f / 'run.sqlite').write_bytes(
            (f / 'run.sqlite').read_bytes().replace(b'in_vain TEXT', b'\xef\xff_vain TEXT')
        ), 'damaged', 'table steps cannot be read in part',
    ),
    'swapped files': (
        lambda f: (f / 'trials' / '0001.mcap').write_bytes((f / 'trials' / '0002.mcap').read_bytes()),
        'damaged', 'trial 1 has another file than was stored: could not read the samples of trial 1',
    ),
    'last trial': (
        lambda f: execute(f, 'DELETE FROM trials WHERE trial = 3'), 'orphans', 'trials/0003.mcap is named by no trial'
    ),
    'last step': (
        lambda f: execute(f, 'DELETE FROM steps WHERE step = 3'), 'orphans', 'exchange 3 belongs to step 3, which is'
    ),
    'file': (lambda f: (f / 'trials' / '0001.mcap').unlink(), 'orphans', 'trial 1 has no file: trials/0001.mcap is'),
    'name of a file': (
        lambda f: execute(f, f"UPDATE trials SET samples = '{'[' * 20_000}', checksum = '' WHERE trial = 1"),
        'orphans', 'trial 1 has no file: [[[',
    ),
    'strange file': (lambda f: (f / 'trials' / 'x.mcap').touch(), 'orphans', 'trials/x.mcap is named by no trial'),
    'settings': (lambda f: execute(f, 'DELETE FROM settings'), 'orphans', 'end 1 belongs to settings 1, which is not'),
    'no database': (lambda f: (f / 'run.sqlite').write_bytes(b'x' * 9000), 'damaged', 'run.sqlite cannot be read'),
}  # fmt: skip


@pytest.mark.parametrize('case', DAMAGE)
def test_verify_names_what_is_damaged_and_changes_nothing(folder: Path, case: str) -> None:
    damage, kind, sentence = DAMAGE[case]
    damage(folder)
    before = files(folder)
    result = run('runs', 'verify', folder, '--json')
    told = json.loads(result.stdout)
    assert (result.exit_code, list(told)) == (1, ['trials', 'damaged', 'orphans'])
    assert any(f'{each["record"]} {each["reason"]}'.startswith(sentence) for each in told[kind]), told
    assert {each['run'] for each in told[kind]} == {str(folder)}
    assert files(folder) == before


def test_verify_takes_several_runs_and_says_which_is_damaged(folder: Path, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'other', {}) as store:
        store.add_trial(trace_of(1))
    flipped(folder / 'run.sqlite', b'seed 2')
    result = run('runs', 'verify', tmp_path / 'other', folder, tmp_path / 'nowhere')
    assert result.exit_code == 1
    assert result.output.splitlines()[:3] == [
        f'{tmp_path / "other"}: sound; 1 trials',
        f'{folder}: 1 damaged, 0 orphans; 2 trials',
        '  trial 2 is not what was stored: its checksum is another',
    ]
    assert 'nowhere holds no run' in result.output
    told = json.loads(run('runs', 'verify', tmp_path / 'other', folder, '--json').stdout)
    assert told['trials'] == 3
    assert [each['run'] for each in told['damaged']] == [str(folder)]


def test_older_run_has_no_checksums_is_said_to_have_none_and_is_not_rewritten() -> None:
    before = files(FORMAT_3 / 'interrupted')
    found = verify(FORMAT_3 / 'interrupted')
    assert (found.damaged, found.unprotected, found.trials) == ((), True, 11)
    assert (
        'recorded without checksums by an older version'
        in run('runs', 'verify', FORMAT_3 / 'interrupted').output
    )
    assert files(FORMAT_3 / 'interrupted') == before


@pytest.mark.parametrize(
    'command', ['prompt --run', 'replay', 'replay --json', 'resume'],
)  # fmt: skip
def test_what_needs_the_whole_run_says_in_a_sentence_what_is_damaged(folder: Path, command: str) -> None:
    flipped(folder / 'run.sqlite', b'seed 2')
    before = files(folder)
    error = run(*command.split(), folder).exception
    assert isinstance(error, StoreError)
    assert f'the run in {folder} is damaged: trial 2 is not what was stored' in str(error)
    assert files(folder) == before


def test_audit_and_plot_show_the_rest_and_say_what_is_kept_out(folder: Path) -> None:
    flipped(folder / 'run.sqlite', b'seed 2')
    before = files(folder)
    for command in ('audit', 'plot'):
        result = run(command, folder)
        assert result.exit_code == 0, result.output
        assert 'is damaged, and this is what is left of it: trial 2 is not what was stored' in result.stderr
    (folder / 'landings.png').unlink()
    assert files(folder) == before


def test_nothing_is_added_to_a_damaged_run_and_nothing_is_cleared_away(folder: Path) -> None:
    flipped(folder / 'run.sqlite', b'seed 2')
    (folder / 'trials' / '0004.mcap').write_bytes(b'a trial that was being stored')
    before = files(folder)
    for opened in (RunStore.open, lambda path: RunStore.join(path, {})):
        with pytest.raises(StoreError, match=r'is damaged: trial 2 is not what was stored'):
            opened(folder)
    assert files(folder) == before


def test_run_whose_trials_lost_their_rows_is_not_continued(folder: Path) -> None:
    execute(folder, 'DELETE FROM trials')
    before = files(folder)
    with pytest.raises(StoreError, match=r'is damaged: trials/0002.mcap is named by no trial'):
        RunStore.open(folder)
    assert files(folder) == before


@pytest.mark.parametrize('version', [1, 4])
def test_format_that_a_run_cannot_have_is_damage(folder: Path, version: int) -> None:
    execute(folder, f'PRAGMA user_version = {version}')
    before = files(folder)
    with pytest.raises(
        StoreError, match=rf'run.sqlite says that it has format {version}, and h'
    ):
        RunStore.open(folder)
    assert files(folder) == before
    assert not verify(folder).sound


def test_looking_at_a_run_leaves_what_its_writer_has_not_finished(folder: Path) -> None:
    (folder / 'trials' / '0004.mcap').write_bytes(b'a trial that was being stored')
    before = files(folder)
    with RunRecords.look(folder) as store:
        assert len(store.trials()) == 3
    assert files(folder) == before
    with RunStore.open(folder) as writing:
        assert not (folder / 'trials' / '0004.mcap').exists()
        with RunRecords.look(folder) as store:
            writing.add_trial(trace_of(4))
            assert len(store.trials()) == 4, 'and sees what a writer adds meanwhile'


def test_damaged_page_costs_the_rows_on_it_alone(folder: Path) -> None:
    with RunStore.open(folder) as store:
        for number in range(4, 60):
            store.add_trial(replace(trace_of(number), note='x' * 900))
    path = folder / 'run.sqlite'
    content = bytearray(path.read_bytes())
    leaves = [
        at
        for at in range(0, len(content), 4096)
        if content[at] == 13 and b'x' * 900 in content[at : at + 4096]
    ]
    middle = leaves[len(leaves) // 2]
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(content)
    with RunRecords.look(folder) as store:
        numbers = [trial.number for trial in store.trials()]
        assert 50 <= len(numbers) < 59
        assert (numbers[0], numbers[-1]) == (1, 59)
        assert str(store.damage[0]).startswith(
            'table trials cannot be read in part (database disk image is malformed'
        )
        assert [str(each) for each in store.damage[1:]] == [
            f'trial {number} is missing' for number in range(1, 60) if number not in numbers
        ]


def test_file_of_another_folder_is_not_read_as_a_trial(folder: Path, tmp_path: Path) -> None:
    (tmp_path / 'secret').write_text('secret')
    execute(folder, "UPDATE trials SET samples = '../../secret', checksum = '', samples_sha256 = ''")
    with RunRecords.look(folder) as store, pytest.raises(StoreError, match='it is no file of this run'):
        store.samples(1)


def test_records_of_an_older_version_that_do_not_fit_are_one_sentence() -> None:
    """Nothing tells whether they are what was stored."""
    with (
        RunRecords.look(FORMAT_3 / 'interrupted') as store,
        pytest.raises(StoreError, match=r"do not fit together \(KeyError: 'balls'\): restore it") as said,
        store.understood(),
    ):
        raise KeyError('balls')
    assert len(str(said.value)) < 300


def test_fault_of_the_program_is_not_taken_for_damage(folder: Path) -> None:
    with RunRecords.look(folder) as store, pytest.raises(ZeroDivisionError), store.understood():
        raise ZeroDivisionError
