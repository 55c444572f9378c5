"""`runs` and `report`: what a person finds in a folder of runs, and what is never deleted."""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_up_runs import WORDS, make_run
from recorded_run import improve

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.summary import GOES_ON, INTERRUPTED, summary
from llm_policy_improver.runs.writer_lock import Part
from llm_policy_improver.table_tennis.objectives import parse_objective


def call(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=answer)


@pytest.fixture(scope='module')
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run that came to its end."""
    root = tmp_path_factory.mktemp('runs')
    with pytest.MonkeyPatch.context() as patch:
        improve(patch, root / 'one', '--first-trials', '6', '--trials', '9')
    return root


@pytest.fixture
def root(played: Path, tmp_path: Path) -> Path:
    """A copy of it, and beside the run one of two trials that was interrupted, and a folder that is none."""
    shutil.copytree(played / 'one', tmp_path / 'one')
    shutil.copytree(played / 'one', tmp_path / 'two')
    with sqlite3.connect(tmp_path / 'two' / 'run.sqlite') as connection:
        for table in ('trials', 'steps', 'ends', 'audit'):
            connection.execute(f'DROP TRIGGER {table}_no_DELETE')
        connection.execute('DELETE FROM trials WHERE trial > 2')
        connection.execute('DELETE FROM audit')
        connection.execute('DELETE FROM steps WHERE step > 2')
        connection.execute('DELETE FROM ends')
    for path in (tmp_path / 'two' / 'trials').glob('*'):
        if int(path.stem) > 2:
            path.unlink()
    (tmp_path / 'notes').mkdir()
    return tmp_path


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    with RunStore.open(folder) as store:
        store.hold(Part.STEPS)
        yield


def test_list_tells_what_was_asked_how_far_it_came_and_whether_it_goes_on(root: Path) -> None:
    told = json.loads(call('runs', 'list', str(root), '--json').output)
    one, two = told['runs']
    assert (one['run'], one['trials'], one['state']) == (str(root / 'one'), 9, 'finished')
    assert one['objective'] == 'hit the ball as far right as possible'
    with RunRecords.look(root / 'one') as store:
        best = max(trial.measures['landing_x'] for trial in store.trials() if trial.succeeded)
    assert one['best_distance_m'] == pytest.approx(0.7625 - best)
    assert (two['trials'], two['state']) == (2, INTERRUPTED)
    with writing(root / 'two'):
        assert summary(root / 'two').state == GOES_ON
        # Who looks takes nothing away from who writes.
        with RunStore.open(root / 'two') as other, pytest.raises(StoreError, match='written by'):
            other.hold(Part.STEPS)
    assert summary(root / 'two').state == INTERRUPTED
    lines = call('runs', 'list', str(root)).output.splitlines()
    assert len(lines) == 3
    assert 'interrupted' in lines[2]


def test_run_towards_a_further_objective_is_told_of_and_has_no_end_yet(root: Path) -> None:
    further = parse_objective('far left corner')
    with RunStore.open(root / 'one') as store:
        store.add_settings({'objective': further.as_json()})
    told = summary(root / 'one')
    assert (told.objective, told.trials, told.state) == (further.words, 9, INTERRUPTED)


def test_run_that_kept_words_alone_is_told_of_by_the_vocabulary(tmp_path: Path) -> None:
    make_run(tmp_path / 'old', 8)
    told = summary(tmp_path / 'old')
    with RunRecords.look(tmp_path / 'old') as store:
        objective, trials = parse_objective(WORDS), store.trials()
    best = objective.best(trials)
    assert best is not None
    assert (told.objective, told.trials, told.best_m) == (WORDS, 8, objective.distance(best))
    assert told.state == 'ended'  # nobody kept ends then


def test_list_loads_none_of_the_parts_that_propose_or_check_settings(root: Path) -> None:
    code = (
        'import sys\n'
        'from llm_policy_improver.cli.main import cli\n'
        'cli(sys.argv[1:], standalone_mode=False)\n'
        'print({"pydantic", "yaml", "llm_policy_improver.methods", "llm_policy_improver.sandbox"} & set(sys.modules))'
    )
    command = [sys.executable, '-c', code, 'runs', 'list', str(root)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert (len(lines), lines[-1]) == (4, 'set()')


def test_run_that_cannot_be_read_is_named_and_the_others_are_listed(root: Path) -> None:
    (root / 'two' / 'run.sqlite').write_bytes(b'no database' * 100)
    result = call('runs', 'list', str(root))
    assert result.exit_code == 0
    assert 'one' in result.stdout
    assert 'two' in result.stderr
    assert 'damaged' in result.stderr


def test_show_tells_progress_the_best_and_with_v_every_reason(root: Path) -> None:
    short, long = call('runs', 'show', str(root / 'one')).output, call('runs', 'show', '-v', str(root / 'one')).output
    assert 'First trials 1 to 6' in short
    for number in (7, 8, 9):
        assert f'\n   {number}  ' in short
    assert 'Best seen: trial' in short
    assert 'from trial' not in short
    assert long.count('from trial') == 3


def test_comparison_has_a_column_for_each_run(root: Path) -> None:
    compared = json.loads(call('runs', 'compare', str(root / 'one'), str(root / 'two'), '--json').output)['runs']
    assert [each['trials'] for each in compared] == [9, 2]
    assert [each['state'] for each in compared] == ['finished', 'not at its end']
    assert compared[0].keys() == compared[1].keys()
    table = call('runs', 'compare', str(root / 'one'), str(root / 'two')).output
    assert 'best seen (m)' in table


def test_exported_table_holds_what_was_stored(root: Path) -> None:
    assert call('runs', 'export', str(root / 'one')).exit_code == 0
    with (root / 'one' / 'trials.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    with RunRecords.look(root / 'one') as store:
        trials, steps = store.trials(), store.steps()
    assert len(rows) == len(trials) == 9
    for row, trial, step in zip(rows, trials, steps, strict=True):
        assert float(row['parameter_g']) == trial.plain['g']
        assert row['reason'] == step.step.reason
        assert int(row['seed']) == step.step.seed
        measured = trial.measures.get('landing_x')
        assert row['measure_landing_x'] == ('' if measured is None else str(measured))


def test_exported_parquet_has_the_same_types_and_values(root: Path) -> None:
    parquet = pytest.importorskip('pyarrow.parquet', reason='the extra "export" is not installed')
    assert call('runs', 'export', str(root / 'one'), '--to', 'parquet').exit_code == 0
    table = parquet.read_table(root / 'one' / 'trials.parquet')
    with RunRecords.look(root / 'one') as store:
        trials = store.trials()
    assert table['parameter_a'].to_pylist() == [trial.plain['a'] for trial in trials]
    assert table['succeeded'].to_pylist() == [trial.succeeded for trial in trials]
    assert str(table.schema.field('distance').type) == 'double'


def test_prune_asks_and_keeps_what_goes_on_and_what_cannot_be_read(root: Path) -> None:
    condition = ('runs', 'prune', str(root), '--fewer-than', '3')
    assert 'Nothing was deleted' in call(*condition, answer='n\n').output
    assert (root / 'two').is_dir()
    with writing(root / 'two'):
        assert 'No run is like that' in call(*condition, '--yes').output
    shutil.copytree(root / 'two', root / 'three')
    (root / 'three' / 'run.sqlite').write_bytes(b'no database' * 100)
    result = call(*condition, '--yes')
    assert result.exit_code == 0, result.output
    assert sorted(each.name for each in root.iterdir()) == ['notes', 'one', 'three']
    assert 'No run is like that' in call('runs', 'prune', str(root), '--older-than', '1', '--yes').output
    assert call('runs', 'prune', str(root)).exit_code == 2


def test_report_is_written_whole_or_not_at_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = call('report', str(root / 'one'), '--prices', '2', '8')
    assert result.exit_code == 0, result.output
    page = root / 'one' / 'report.html'
    assert page.read_text().startswith('<!doctype html>')
    before = page.read_bytes()
    monkeypatch.setattr(Path, 'replace', lambda *_: (_ for _ in ()).throw(OSError(28, 'No space left on device')))
    result = call('report', str(root / 'one'))
    assert isinstance(result.exception, StoreError)
    assert 'No space left on device' in str(result.exception)
    assert page.read_bytes() == before
    assert list((root / 'one').glob('.*')) == []


def test_several_runs_stand_side_by_side(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    result = call('report', 'one', 'two')
    assert result.exit_code == 0, result.output
    page = (root / 'report.html').read_text()
    assert '2 runs side by side' in page
    assert page.count('class="run"') == 2


@pytest.mark.parametrize(
    ('command', 'sentence'),
    [
        (('runs', 'show', 'nothing'), 'holds no run'),
        (('runs', 'list', 'nothing'), 'is no folder of runs'),
        (('report', 'notes'), 'holds no run'),
        (('report', 'one', '--output', 'notes'), 'a folder is in its way'),
        (('runs', 'export', 'one', '--output', 'one/run.sqlite/x.csv'), 'cannot be written'),
    ],
)
def test_bad_input_is_a_sentence(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(root)
    result = call(*command)
    assert isinstance(result.exception, StoreError | SettingsError)
    assert sentence in str(result.exception)
    assert len(str(result.exception)) < 300
