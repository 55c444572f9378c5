"""The command line as a person uses it: demo through ROS, improve without, and bad input."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from chat_server import ChatServer, good, silence
from click.testing import CliRunner
from ros_graph import COMMAND, process

from llm_policy_improver.cli import main as cli
from llm_policy_improver.runs.store import RunStore

FAR_RIGHT = 'hit the ball as far right as possible'
COMMANDS = ('demo', 'improve')
SUMMARY = {
    'objective', 'optimizer', 'trials', 'initial_distance_m', 'best_distance_m', 'best_trial', 'best_parameters',
    'returned',
}  # fmt: skip
LAUNCHER = 'velocity_spread: [0.05, 0.1, 0.05]'


def lines(text: str) -> list[dict[str, Any]]:
    """Every line is a JSON object without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f'{constant} is no JSON')

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def assert_run_is_stored(folder: Path, trials: int) -> None:
    with RunStore.open(folder) as store:
        assert [trial.number for trial in store.trials()] == list(range(1, trials + 1))
        assert len(store.steps()) >= trials
        assert len(store.samples(trials).ball_time) > 0
    assert (folder / 'landings.png').read_bytes().startswith(b'\x89PNG\r\n\x1a\n')


@pytest.fixture(scope='module')
def same_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[dict[str, Any]]]]:
    """The same run through ROS and in process: by command, its folder and what it printed."""
    folder = tmp_path_factory.mktemp('same')
    (folder / 'varied.yaml').write_text(
        f'simulator:\n  ros__parameters:\n    simulation:\n      launcher:\n        {LAUNCHER}\n'
    )
    said = {}
    for command in COMMANDS:
        call = [COMMAND, command, FAR_RIGHT, '--json', '--trials', '8', '--first-trials', '6', '--seed', '3']
        call += ['--vary-balls', '--all-trials', '--config', 'varied.yaml', '--output', command]
        with process(call, folder) as started:
            assert started.end() == 0, started.err
            assert 'Traceback' not in started.err
            said[command] = folder / command, lines(started.out)
    return said


@pytest.mark.parametrize('command', COMMANDS)
def test_run_prints_a_line_per_trial_and_a_summary_and_leaves_a_picture(
    same_run: dict[str, tuple[Path, list[dict[str, Any]]]], command: str
) -> None:
    folder, (*trials, summary) = same_run[command]
    assert [trial['trial'] for trial in trials] == list(range(1, 9))
    assert [trial['proposed_by'] for trial in trials] == ['initial'] * 6 + ['least_squares'] * 2
    for trial in trials:
        assert trial['outcome']
        assert trial['reason']
        assert len(trial['parameters']) == 8
        assert (trial['landing_m'] is not None) or trial['outcome'] != 'landed'
    assert set(summary) >= SUMMARY
    assert (summary['objective'], summary['optimizer'], summary['trials']) == (FAR_RIGHT, 'least_squares', 8)
    distances = [trial['distance_m'] for trial in trials if trial['distance_m'] is not None]
    assert summary['initial_distance_m'] == distances[0]
    assert summary['best_distance_m'] == min(distances) < distances[0]
    best = trials[summary['best_trial'] - 1]
    assert best['distance_m'] == summary['best_distance_m']
    assert best['parameters'] == summary['parameters']
    assert list(best['parameters'].values()) == summary['best_parameters']
    assert summary['returned'] == sum(trial['outcome'] == 'landed' for trial in trials) / 8
    assert_run_is_stored(folder, trials=8)


def test_demo_through_ros_and_improve_in_process_play_the_same_run(
    same_run: dict[str, tuple[Path, list[dict[str, Any]]]],
) -> None:
    said = {command: [dict(content) for content in printed] for command, (_, printed) in same_run.items()}
    for content in (*said['demo'], *said['improve']):
        content.pop('run', None)
        content.pop('picture', None)
    assert said['demo'] == said['improve']


def test_demo_for_people_shows_the_reasons_and_where_everything_is(tmp_path: Path) -> None:
    with process([COMMAND, 'demo', FAR_RIGHT, '-v', '--trials', '3', '--first-trials', '2'], tmp_path) as started:
        assert started.end() == 0, started.err
        said = started.out
    assert f'Objective  {FAR_RIGHT}' in said
    assert 'no language model' in said
    assert 'The unchanged controller, to compare with.' in said
    assert 'm to go' in said
    runs = list((tmp_path / 'runs').iterdir())
    assert len(runs) == 1
    assert runs[0].name.endswith('-far-right')
    assert f'{Path("runs") / runs[0].name}' in said
    assert_run_is_stored(runs[0], trials=3)


# --- with a language model -------------------------------------------------------------------------------


@pytest.mark.parametrize('command', COMMANDS)
def test_language_model_proposes_and_least_squares_stands_in_when_it_fails(
    tmp_path: Path, command: str
) -> None:
    with ChatServer() as server:
        server.script(good([1.05] * 8))
        server.default = silence()
        call = [
            COMMAND,
            command,
            FAR_RIGHT,
            '--json',
            '--trials',
            '4',
            '--first-trials',
            '2',
            '--output',
            'run',
        ]
        call += ['--model', 'test-model', '--base-url', server.url]
        call += ['--request-timeout', '1', '--request-retries', '0']
        with process(call, tmp_path, OPENAI_API_KEY='sk-recognisable-fake-0123456789') as started:
            assert started.end() == 0, started.err
            *trials, summary = lines(started.out)
            assert 'recognisable' not in started.out + started.err
    assert [trial['proposed_by'] for trial in trials[2:]] == ['sas:test-model', 'least_squares']
    assert 'did not answer within 1 s' in trials[3]['verdict']
    assert summary['fallbacks'] == 1
    assert summary['prompt_tokens'] == 100


# --- help and bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize('arguments', [[], ['demo'], ['improve']])
def test_help_explains_every_option(arguments: list[str]) -> None:
    said = CliRunner().invoke(cli.cli, [*arguments, '--help'])
    assert said.exit_code == 0
    for word in ('OBJECTIVE', '--trials', '--model', '--json', '--output') if arguments else COMMANDS:
        assert word in said.output


CONFIGS = {
    'wrong length': ('optimizer', 'attenuation_low: [0.6, 0.6]'),
    'bounds upside down': (
        'optimizer',
        'attenuation_low: [1.4, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]\n'
        '    attenuation_high: [0.6, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4]',
    ),
    'unknown setting': ('controller', 'sped: 1.0'),
    'periods that do not fit': ('controller', 'controller: {period: 0.01}'),
    'no whole number of physics steps': ('simulator', 'simulation: {control_period: 0.0205}'),
    'settings for the arm': ('controller', 'lockstep: false\n    security: {insecure: true}'),
    'no YAML': ('optimizer', '['),
}

LANGUAGE_MODEL = ['--model', 'test-model', '--base-url', 'http://127.0.0.1:9/v1']

BAD_INPUT: dict[str, tuple[list[str], str]] = {
    'empty objective': (['  '], 'the objective is empty'),
    'objective without a measure': (['make it look elegant'], '"look", "elegant" was not understood'),
    'point beside the table': (['at (3.0, 0.9)'], 'landing_x can be -0.7625 to 0.7625 m; got 3'),
    'no trials': ([FAR_RIGHT, '--trials', '0'], 'trials must be between 1'),
    'endpoint that cannot be reached': ([FAR_RIGHT, *LANGUAGE_MODEL], 'cannot be reached'),
    'missing key': ([FAR_RIGHT, *LANGUAGE_MODEL], 'no key for the language model'),
    'sas without a model': ([FAR_RIGHT, '--method', 'sas'], 'method sas needs a language model'),
    'fewer trials than first ones': (
        [FAR_RIGHT, '--trials', '5', '--first-trials', '6'],
        '5 trials end before the 6 first trials do, so nothing would be improved',
    ),
    'former name of an option': (
        [FAR_RIGHT, '--optimizer', 'knn'],
        'the option --optimizer is called --method now',
    ),
    'endpoint without a model': ([FAR_RIGHT, '--base-url', 'http://127.0.0.1:9/v1'], 'no model is named'),
    'negative seed': ([FAR_RIGHT, '--seed', '-1'], 'seed must be a whole number'),
    'settings for the arm': ([FAR_RIGHT], 'lockstep must be true here'),
    'existing run': ([FAR_RIGHT, '--output', 'taken'], 'already holds a run'),
    'missing config': ([FAR_RIGHT, '--config', 'nowhere.yaml'], 'cannot be read'),
    'wrong length': ([FAR_RIGHT], 'must hold 8 numbers'),
    'bounds upside down': ([FAR_RIGHT], 'upside down'),
    'unknown setting': ([FAR_RIGHT], 'unknown setting "sped"'),
    'periods that do not fit': ([FAR_RIGHT], 'set both periods to the same value'),
    'no whole number of physics steps': ([FAR_RIGHT], 'a whole number of physics steps'),
    'no YAML': ([FAR_RIGHT], 'is no valid YAML'),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """With a run in it, and the bad configurations."""
    with RunStore.create(tmp_path / 'taken', {}):
        yield tmp_path


def write_config(folder: Path, case: str) -> list[str]:
    node, content = CONFIGS[case]
    (folder / 'bad.yaml').write_text(f'{node}:\n  ros__parameters:\n    {content}\n')
    return ['--config', 'bad.yaml']


def assert_refused(status: object, out: str, err: str, sentence: str) -> None:
    assert status == 2
    assert out == ''
    assert sentence in err
    assert err.startswith('Error: ')
    assert len(err.strip().splitlines()) == 1, err


@pytest.mark.parametrize('command', COMMANDS)
@pytest.mark.parametrize('case', BAD_INPUT)
def test_bad_input_gets_one_sentence_and_a_status(
    folder: Path, case: str, command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, sentence = BAD_INPUT[case]
    config = write_config(folder, case) if case in CONFIGS else []
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, 'argv', [COMMAND, command, *arguments, *config, '--json'])
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)
    if case == 'endpoint that cannot be reached':
        monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output = capfd.readouterr()
    assert_refused(ended.value.code, output.out, output.err, sentence)
    assert not (folder / 'runs').exists(), 'a run was begun'


def test_bad_input_ends_the_program_itself_without_a_traceback(tmp_path: Path) -> None:
    with process([COMMAND, 'demo', 'make it look elegant', '--json'], tmp_path) as started:
        assert_refused(started.end(), started.out, started.err, '"look", "elegant" was not understood')


def test_second_run_leaves_the_first_as_it_was(tmp_path: Path) -> None:
    call = [
        COMMAND,
        'improve',
        FAR_RIGHT,
        '--json',
        '--trials',
        '2',
        '--first-trials',
        '2',
        '--output',
        'run',
    ]
    with process(call, tmp_path) as first:
        assert first.end() == 0
    content = {path: path.read_bytes() for path in (tmp_path / 'run').rglob('*') if path.is_file()}
    with process(call, tmp_path) as second:
        assert second.end() == 2
        assert 'already holds a run' in second.err
    assert {path: path.read_bytes() for path in (tmp_path / 'run').rglob('*') if path.is_file()} == content
