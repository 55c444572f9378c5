"""``bench methods`` with programs: real tasks, real methods, the real sandbox, a real local endpoint."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, silence
from click.testing import CliRunner, Result
from scripted_programmer import CRASHING, PLANNER, RIGHT, is_for, programmer

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments.method_tables import LeftOut, tables
from llm_policy_improver.experiments.methods import MethodsPlan, summarize
from llm_policy_improver.experiments.program_cells import EVALUATIONS, ProgramRun, run_program
from llm_policy_improver.tasks.registry import make_environment

SMALL = ('--task', 'noise_world_0', '--seeds', '2', '--evaluations', '3', '--executor', 'serial')
COLUMNS = {
    'task', 'method', 'model', 'seed', 'best', 'final', 'interactions', 'tokens', 'requests', 'refused', 'seconds',
    'curve', 'kind', 'repairs', 'higher_is_better', 'unit', 'best_standard_error', 'final_standard_error', 'exact',
    'unchanged',
}  # fmt: skip


def bench(folder: Path, *options: str) -> Result:
    environment = {'OPENAI_API_KEY': 'none'}
    return CliRunner(env=environment).invoke(cli, ['bench', 'methods', '--output', str(folder), *options])


def report(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_row_of_random_linear_policies() -> None:
    run = ProgramRun('noise_world_0', 'random_linear', '', 1, unseen=10)
    row = run_program(run)
    assert set(row) == COLUMNS
    assert row['interactions'] <= 25 * 5 * EVALUATIONS
    assert len(row['curve']) == EVALUATIONS
    assert row['curve'] == sorted(row['curve'])
    assert row['tokens'] == row['repairs'] == row['unchanged'] == 0
    assert row['kind'] == 'tuned_controller'
    again = run_program(run)
    assert {**again, 'seconds': 0} == {**row, 'seconds': 0}


def test_programs_and_parameters_side_by_side(tmp_path: Path) -> None:
    options = (
        *SMALL,
        '--task',
        'f1_2',
        '--method',
        'knn',
        '--method',
        'random_linear',
        '--method',
        'prompt_po',
    )
    with ChatServer(programmer(RIGHT, CRASHING, PLANNER)) as server:
        model = ('--model', 'test-model', '--base-url', server.url, '--conversations', '1')
        found = report(bench(tmp_path, *options, *model, '--json'))
        asked = len(server.requests)
        shown = bench(tmp_path, *options, *model).stdout
        assert len(server.requests) == asked
    rows = {(row['task'], row['method'], row['seed']): row for row in found['rows']}
    assert len(rows) == 6
    mended = rows['noise_world_0', 'prompt_po', 0]
    assert set(mended) == COLUMNS
    assert mended['repairs'] == 1
    assert mended['kind'] == 'planner'
    assert mended['best'] == pytest.approx(34.914, abs=0.001)
    assert mended['tokens'] == mended['requests'] * 120
    entries = {(entry['task'], entry['method']): entry for entry in found['summary']}
    assert entries['noise_world_0', 'prompt_po']['higher_is_better']
    assert entries['noise_world_0', 'prompt_po']['unit'] == 'sum of rewards'
    assert not entries['f1_2', 'knn']['higher_is_better']
    assert entries['noise_world_0', 'prompt_po']['best']['median'] > 30.0
    assert any(note.startswith('Programs are held by ') for note in found['notes'])
    regrets, returns = shown.split('Best kept: return on unseen episodes', 1)
    assert 'lower is better' in regrets
    assert 'needs a program' in regrets
    assert 'higher is better' in returns
    assert 'needs parameters' in returns
    assert returns.index('prompt_po:test-model') < returns.index('random_linear')
    assert all((tmp_path / f'{name}.png').stat().st_size > 10_000 for name in ('regret', 'return'))
    assert 'Kind of the best kept policy' in shown
    assert entries['noise_world_0', 'prompt_po']['kinds']['planner'] >= 1
    assert entries['f1_2', 'knn']['kinds'] == {}


def test_programs_of_a_round_and_their_episodes_are_as_asked_for(tmp_path: Path) -> None:
    """One program a round, of one episode: from the second round on there are feedback lines and reflections."""
    options = (*SMALL, '--method', 'prompt_po', '--candidates', '1', '--episodes', '1', '--json')
    with ChatServer(programmer(RIGHT, PLANNER)) as server:
        model = ('--model', 'test-model', '--base-url', server.url, '--seeds', '1')
        (row,) = report(bench(tmp_path, *options, *model))['rows']
        asked = [is_for(request) for request in server.requests]
        other = bench(tmp_path, *SMALL, '--method', 'prompt_po', *model)
    assert asked == ['feedback', 'program', 'reflection', 'program', 'reflection', 'program']
    assert row['interactions'] <= 3 * 25
    assert other.exit_code == 2
    assert 'candidates' in other.stderr


def test_what_an_interrupted_run_asked_is_not_asked_again(tmp_path: Path) -> None:
    with ChatServer(programmer(RIGHT, CRASHING, PLANNER)) as server:
        options = (
            *SMALL,
            '--method',
            'prompt_po',
            '--model',
            'test-model',
            '--base-url',
            server.url,
            '--json',
        )
        found = report(bench(tmp_path, *options, '--conversations', '1'))
        asked = len(server.requests)
        for path in (tmp_path / 'cells').iterdir():
            path.unlink()
        again = report(bench(tmp_path, *options, '--conversations', '1'))
        assert len(server.requests) == asked
    for row in (*found['rows'], *again['rows']):
        del row['seconds']
    assert again['rows'] == found['rows']


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupt_waits_for_no_model_that_thinks(tmp_path: Path, number: signal.Signals) -> None:
    with ChatServer(silence()) as server:
        command = [
            *(
                sys.executable,
                '-m',
                'llm_policy_improver',
                'bench',
                'methods',
                *SMALL,
                '--output',
                str(tmp_path),
            ),
            *('--method', 'prompt_po', '--model', 'test-model', '--base-url', server.url),
        ]
        running = subprocess.Popen(
            command,
            env={**os.environ, 'OPENAI_API_KEY': 'none'},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        while len(server.requests) < 2:  # a conversation for each of two seeds
            assert running.poll() is None, running.communicate()
            time.sleep(0.02)
        running.send_signal(number)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b'Interrupted. What is done is kept in' in errors
    assert b'Traceback' not in errors


def test_methods_that_ask_a_model_say_so_where_none_is_named(tmp_path: Path) -> None:
    shown = bench(tmp_path, '--task', 'noise_world_0', '--seeds', '1', '--evaluations', '2').stdout
    line = next(line for line in shown.splitlines() if line.startswith('prompt_po, sensorimotor'))
    assert 'needs a language model' in line


def test_task_of_a_suite_that_is_not_installed_is_left_out_and_named(tmp_path: Path) -> None:
    try:
        make_environment('cart_pole').close()
    except MissingPackageError:
        result = bench(tmp_path, *SMALL, '--task', 'cart_pole', '--method', 'random_linear')
        assert 'needs the extra suites' in result.stdout
        assert 'Left out: task CartPole-v1 needs the package gymnasium' in result.stderr
    else:
        assert not MethodsPlan(('cart_pole',), 1).left_out()


def test_methods_that_are_for_none_of_the_tasks_are_named(tmp_path: Path) -> None:
    result = bench(tmp_path, *SMALL, '--method', 'knn')
    assert result.exit_code == 2
    assert 'Error: knn cannot be tried on noise_world_0: name methods that improve programs' in result.stderr


def test_what_failed_is_worse_than_all_else() -> None:
    common = {
        'model': '',
        'higher_is_better': True,
        'unit': '',
        'interactions': 1,
        'tokens': 0,
        'requests': 0,
        'seconds': 0,
    }
    rows = [
        {'task': 't', 'method': method, 'seed': seed, 'best': best, 'final': best, **common}
        for method, values in (('prompt_po', (5.0, None, 7.0)), ('random_linear', (6.0, 8.0, 9.0)))
        for seed, best in enumerate(values)
    ]
    entries = {entry['method']: entry['best'] for entry in summarize(rows)}
    assert entries['prompt_po'] == {'median': 5.0, 'low': None, 'high': 7.0, 'n': 3}
    assert entries['random_linear']['median'] == 8.0
    (best, _) = tables(summarize(rows), LeftOut())
    assert [line[0] for line in best.rows] == ['random_linear', 'prompt_po']


def test_rows_of_earlier_versions_are_regrets() -> None:
    row = {'task': 't', 'method': 'knn', 'model': '', 'seed': 0, 'best': 1.0, 'final': 2.0}
    (entry,) = summarize([{**row, 'interactions': 1, 'tokens': 0, 'requests': 0, 'seconds': 0.1}])
    assert entry['higher_is_better'] is False
    assert entry['unit'] == ''
