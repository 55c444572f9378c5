"""The experiments in small forms, on the real simulator, optimizers and a real local endpoint."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scripted_reader
from chat_server import Answer, ChatServer, fail, good, reply_text, say
from click.testing import CliRunner, Result

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.policy import parameters_from_json
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.experiments import (
    ablation,
    functions,
    improvement_run,
    improvement_summary,
    plots,
    statistics,
)
from llm_policy_improver.experiments.cells import CellFolder
from llm_policy_improver.experiments.first_trials import (
    COLUMNS,
    SIDES,
    find_first_trials,
    side_away,
    trials_of,
)
from llm_policy_improver.experiments.improvement import FIRST_TRIALS
from llm_policy_improver.experiments.improvement_run import ImprovementRun, own_trials, run_numeric
from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.experiments.retrieval_reader import read_ranking
from llm_policy_improver.experiments.rows import ExperimentError, RowFile
from llm_policy_improver.experiments.sas_function import SasFunction
from llm_policy_improver.experiments.table_tennis import LANDING_NOISE, play
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.methods.numeric.minimizers.protocol import Observations
from llm_policy_improver.methods.sas.repetitions import repetitions, spread_of
from llm_policy_improver.methods.sas.sas import DEFAULT_OPTIONS
from llm_policy_improver.runs.prompt_preview import preview
from llm_policy_improver.runs.replay import ReplayResult, replay
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES, read_reachable
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import landing_of

TWO = ('--method', 'random_search', '--method', 'cma_es')
SMALL = (
    '--function',
    'ackley',
    '--function',
    'griewank',
    '--dimension',
    '2',
    '--evaluations',
    '12',
    '--seeds',
    '2',
)
HERE = ('--processes', '1')
NUMERIC = ('--method', 'least_squares', '--method', 'random_search')


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')


@pytest.fixture(scope='session')
def left_trials() -> dict[str, Any]:
    """First trials that all land left, found once."""
    return find_first_trials('left', 0, 24, noisy=False, searched='attenuation')


def keep_first_trials(folder: Path, row: dict[str, Any]) -> None:
    cells = CellFolder(folder / FIRST_TRIALS, COLUMNS)
    cells.keep(cells.key(row), row)


@pytest.fixture
def folder(tmp_path: Path, left_trials: dict[str, Any]) -> Path:
    """Of an experiment that was begun: these first trials are known."""
    keep_first_trials(tmp_path, left_trials)
    return tmp_path


def bench(name: str, folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ['bench', name, '--output', str(folder), '--json', *arguments])


def content(name: str, folder: Path, *arguments: str) -> dict[str, Any]:
    result = bench(name, folder, *arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    assert all(Path(plot).read_bytes()[:4] == b'\x89PNG' for plot in found['plots'])
    return found


def refusal(name: str, folder: Path, *arguments: str) -> str:
    result = bench(name, folder, *arguments)
    assert result.exit_code == 2, result.output
    return result.stderr


def untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != 'seconds'} for row in rows]


def exchanges_of(folder: Path) -> list[dict[str, Any]]:
    """All requests of an experiment with their replies, conversation after conversation."""
    files = sorted((folder / 'exchanges').iterdir())
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def model(server: ChatServer, *methods: str) -> tuple[str, ...]:
    named = [part for name in methods for part in ('--method', name)]
    return (*named, '--model', 'test-model', '--base-url', server.url)


# Functions


def test_functions_give_rows_and_a_summary_from_the_same_starts(tmp_path: Path) -> None:
    found = content('functions', tmp_path, '--quick', *TWO, *SMALL, *HERE)
    rows = found['rows']
    assert len(rows) == 2 * 2 * 2
    for row in rows:
        assert {'optimizer', 'function', 'dimension', 'seed', 'best', 'final'} <= set(row)
        assert len(row['best_so_far']) == 12
        assert row['best'] == pytest.approx(row['best_so_far'][-1], rel=1e-5)
        assert 0.0 < row['best'] <= row['final']
        assert row['best'] <= row['start']
    starts = {(r['function'], r['seed'], tuple(r['best_so_far'][:5])) for r in rows}
    assert len(starts) == 4
    assert len(found['summary']) == 4
    one = next(e for e in found['summary'] if (e['optimizer'], e['function']) == ('cma_es', 'ackley'))
    values = [r['best'] for r in rows if (r['optimizer'], r['function']) == ('cma_es', 'ackley')]
    assert one['n'] == 2
    assert one['best']['median'] == pytest.approx(sum(values) / 2)
    assert one['best']['low'] == min(values)
    assert one['best']['high'] == max(values)


def cells_of(folder: Path) -> dict[str, bytes]:
    """The rows of a folder, by the names of their files."""
    return {path.name: path.read_bytes() for path in (folder / 'cells').iterdir()}


def test_rows_are_the_same_after_a_crash_and_on_two_cores(tmp_path: Path) -> None:
    whole = content('functions', tmp_path / 'whole', *TWO, *SMALL, '--processes', '2')['rows']
    crashed = tmp_path / 'crashed'
    content('functions', crashed, *TWO, *SMALL, *HERE)
    before = cells_of(crashed)
    assert len(before) == len(whole)
    lost = sorted(before)[3:]
    for name in lost:
        (crashed / 'cells' / name).unlink()
    (crashed / 'cells' / '.torn.part').write_bytes(before[lost[0]][:40])
    assert untimed(content('functions', crashed, *TWO, *SMALL, *HERE)['rows']) == untimed(whole)
    after = cells_of(crashed)
    assert all(after[name] == before[name] for name in before if name not in lost)


def test_experiments_of_an_earlier_version_are_reported_and_gone_on_with(tmp_path: Path) -> None:
    rows = content('functions', tmp_path / 'whole', *TWO, *SMALL, *HERE)['rows']
    folder = tmp_path / 'earlier'
    RowFile(folder / 'rows.jsonl', functions.COLUMNS).add({**rows[2], 'seconds': 77.0})
    again = content('functions', folder, *TWO, *SMALL, *HERE)['rows']
    assert untimed(again) == untimed(rows)
    assert [row['seconds'] == 77.0 for row in again].index(True) == 2


def test_interrupted_run_says_so_and_is_finished_later(tmp_path: Path) -> None:
    arguments = ('--method', 'expected_improvement', '--function', 'ackley', '--dimension', '2', '--evaluations', '25')
    folder = tmp_path / 'folder'
    command = [sys.executable, '-m', 'llm_policy_improver', 'bench', 'functions', *arguments, '--seeds', '40']
    running = subprocess.Popen(
        [*command, '--processes', '2', '--output', str(folder)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60.0
    while len(list((folder / 'cells').glob('*.json'))) < 2:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b'Interrupted. What is done is kept in' in errors
    assert b'Traceback' not in errors
    before = [json.loads(row) for row in cells_of(folder).values()]
    assert 2 <= len(before) < 40
    rows = content('functions', folder, *arguments, '--seeds', '2', *HERE)['rows']
    assert all(row in rows for row in before)
    assert untimed(
        content('functions', tmp_path / 'new', *arguments, '--seeds', '2', *HERE)['rows']
    ) == untimed([row for row in rows if row['seed'] < 2])


def test_language_model_minimizes_a_function_it_is_not_told(tmp_path: Path) -> None:
    with ChatServer(scripted_reader.minimize) as server:
        arguments = (*SMALL, *model(server, 'sas'))
        rows = content('functions', tmp_path, *arguments)['rows']
        asked = len(server.requests)
        assert untimed(content('functions', tmp_path, *arguments)['rows']) == untimed(rows)
        assert len(server.requests) == asked
    assert {(row['optimizer'], row['model']) for row in rows} == {('sas', 'test-model')}
    assert asked == sum(row['requests'] for row in rows) == 4 * 7
    assert all(row['prompt_tokens'] == 7 * 500 and not row['fallbacks'] for row in rows)
    prompt = scripted_reader.prompt_of(server.requests[0])
    assert 'x1 and x2' in prompt or 'x1 to x2' in prompt
    assert not any(name in prompt.lower() for name in ('ackley', 'griewank'))


def seen_points(count: int) -> Observations:
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (count, 2))
    return Observations.of(points, 20.0 + 10.0 * np.sum(points**2, axis=1, keepdims=True))


def test_function_prompt_shows_the_best_points_and_the_latest(tmp_path: Path) -> None:
    seen = seen_points(80)
    with ChatServer() as server:
        kept = KeptModel(Endpoint('m', server.url), tmp_path, 'job')
        text = SasFunction(kept, 2, 100).messages(seen)[0][1]
    assert '20 evaluations are left, this one included' in text
    rows = [line.split() for line in text[text.index('point x1 x2 value') :].splitlines()[1:51]]
    shown = [int(row[0]) for row in rows]
    best = set(np.argsort(seen.losses[:60])[:30] + 1)
    assert shown == [*sorted(best), *range(61, 81)]
    assert [float(cell) for cell in rows[-1][1:3]] == pytest.approx(5.0 * seen.points[-1], abs=6e-5)
    least = int(np.argmin(seen.losses))
    assert (
        f'is {seen.losses[least]:.6g}, at point {least + 1}. 30 older points with greater '
        'values than those shown are left out' in text
    )


def test_schema_of_a_point_speaks_of_points(tmp_path: Path) -> None:
    with ChatServer(say(reply_text([], parameters={'x1': 1.0, 'x2': 2.0}))) as server:
        SasFunction(KeptModel(Endpoint('m', server.url), tmp_path, 'job'), 2, 9).propose(seen_points(6))
    assert not re.search('trial|land', json.dumps(server.requests[0]['response_format']))


def test_points_outside_and_known_ones_are_asked_for_again(tmp_path: Path) -> None:
    seen = seen_points(6)
    known = dict(zip(('x1', 'x2'), np.round(5.0 * seen.points[2], 4).tolist(), strict=True))
    with ChatServer() as server:
        sas = SasFunction(KeptModel(Endpoint('m', server.url), tmp_path, 'job'), 2, 100)
        server.script(
            say(reply_text([], parameters={'x1': 7, 'x2': 0})), say(reply_text([], parameters=known))
        )
        refused = sas.propose(seen)
        server.script(say(reply_text([], parameters={'x1': 5.1, 'x2': -2.5})))
        taken = sas.propose(seen)
    assert refused.point is None
    assert [exchange.verdict for exchange in refused.exchanges] == [
        'refused: x1 is 7 and must be from -5 to 5',
        'refused: this is point 3 again; change at least one parameter',
    ]
    assert taken.point == pytest.approx([1.0, -0.5])


# Retrieval


def test_oracle_finds_the_best_trial_and_a_random_pick_hardly_ever(tmp_path: Path) -> None:
    found = content('retrieval', tmp_path, '--quick', '--seeds', '2', *HERE)
    assert len(found['rows']) == 2 * 10 * 2
    for row in found['rows']:
        assert {'reader', 'query', 'cache', 'top1', 'top5', 'top10', 'seed'} <= set(row)
        assert row['top1'] <= row['top5'] <= row['top10']
    over_all = {e['reader']: e for e in found['summary'] if e['query'] == e['cache'] == 'all'}
    assert over_all['oracle']['top1']['share'] == 1.0
    assert over_all['random']['top1']['share'] < 0.3
    assert (
        over_all['random']['top1']['low']
        <= over_all['random']['top1']['share']
        < over_all['random']['top1']['high']
    )


def test_noise_makes_the_oracle_err_on_equals(tmp_path: Path) -> None:
    rows = content(
        'retrieval', tmp_path, '--noisy', '--seeds', '2', '--cache', '20', '--method', 'oracle', *HERE
    )['rows']
    assert 0.5 < sum(row['top1'] for row in rows) / len(rows) <= 1.0
    assert sum(row['top5'] for row in rows) / len(rows) > 0.9


def test_language_model_ranks_the_bare_table_and_is_asked_once(tmp_path: Path) -> None:
    kinds = ('--query', 'far right', '--query', 'far left', '--cache', '20', '--cache', '30', '--seeds', '2')
    with ChatServer(scripted_reader.rank_by_x) as server:
        arguments = (*kinds, '--queries', '5', *model(server, 'sas'))
        rows = content('retrieval', tmp_path, *arguments)['rows']
        assert len(rows) == len(server.requests) == 5
        for path in (tmp_path / 'cells').iterdir():
            path.unlink()
        assert content('retrieval', tmp_path, *arguments)['rows'] == rows
        assert len(server.requests) == 5
    assert {row['query']: row['top1'] for row in rows} == {'far right': True, 'far left': False}
    kept = exchanges_of(tmp_path)
    assert len(kept) == 5
    exchange = next(each for each in kept if each['job'].startswith('sas--test-model--far-right--20--0'))
    prompt = exchange['messages'][0][1]
    assert 'as far right as possible' in prompt
    assert len(scripted_reader.trials_in(prompt)) == 20
    table = prompt[prompt.index('# The trials') : prompt.index('# What to do')]
    assert 'distance' not in table
    assert '"ranking"' in exchange['reply']


def test_reply_without_a_ranking_is_asked_for_again_and_counted(tmp_path: Path) -> None:
    with ChatServer(scripted_reader.rank_by_x) as server:
        server.script(say('Trial 3, I think.'))
        (row,) = content(
            'retrieval',
            tmp_path,
            '--query',
            'far right',
            '--cache',
            '20',
            '--seeds',
            '1',
            *model(server, 'sas'),
        )['rows']
        assert 'no JSON object with a list "ranking"' in server.requests[1]['messages'][2]['content']
    assert (row['requests'], row['refused'], row['top1']) == (2, 1, True)


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('{"ranking": [3, "2", 3, 99, 1.0, null]}', [3, 2, 1]),
        ('<think>{"ranking": [1]}</think>```json\n{"ranking": [2, 1]}\n```', [2, 1]),
    ],
)
def test_ranking_is_read_out_of_what_is_around_it(text: str, expected: list[int]) -> None:
    assert read_ranking(text, {1, 2, 3}) == expected


@pytest.mark.parametrize(
    'text', ['', 'trial 3', '{"ranking": []}', '{"ranking": [1e400, "x"]}', '{"ranking": 3}']
)
def test_reply_without_a_usable_ranking_is_refused(text: str) -> None:
    with pytest.raises(ReplyError, match='ranking'):
        read_ranking(text, {1, 2, 3})


# Improvement


def test_improvement_begins_for_all_with_the_same_trials_on_the_wrong_side(folder: Path) -> None:
    arguments = ('--quick', '--seeds', '1', '--objective', 'far right', '--objective', 'lowest over the net')
    found = content('improvement', folder, *arguments, *NUMERIC, *HERE)
    rows = found['rows']
    assert len(rows) == 4
    required = {
        'optimizer', 'objective', 'seed', 'initial_m', 'final_m', 'regret_m', 'trials_to_0_10_m', 'best_m',
        'prompt_tokens', 'completion_tokens', 'seconds', 'refused', 'fallbacks', 'returned',
    }  # fmt: skip
    for row in rows:
        assert required <= set(row)
        assert len(row['best_m']) == len(row['policies']) == 4
        assert row['best_m'][-1] == row['final_m'] <= row['initial_m']
        assert row['regret_m'] == row['final_m'] - read_reachable()[row['objective']].distance_m
        after = row['trials_to_0_10_m']
        assert (after is None) == (row['final_m'] > 0.10)
        assert after is None or ([row['initial_m'], *row['best_m']][after] <= 0.10)
    for objective in ('far right', 'lowest over the net'):
        assert len({row['initial_m'] for row in rows if row['objective'] == objective}) == 1
    left = CellFolder(folder / FIRST_TRIALS, COLUMNS).row(('left', 0, 24, 'attenuation'))
    trials = play(trials_of(left, 24), noisy=False)
    assert len(trials) == 24
    landings = [landing_of(trial) for trial in trials if trial.succeeded]
    assert len(landings) == 24
    assert all(landing is not None and landing.x < 0.0 for landing in landings)
    one = next(e for e in found['summary'] if (e['optimizer'], e['objective']) == ('least_squares', 'all'))
    assert one['n'] == 2
    assert {'median', 'low', 'high', 'n'} <= set(one['regret_m'])


def test_every_objective_has_a_side_away_from_its_goal() -> None:
    sides = {}
    for name, words in OBJECTIVES.items():
        sides[name] = side_away(parse_objective(words))
    assert sides['right corner'] == sides['point'] == 'left'
    assert (sides['far left'], sides['middle']) == ('right', 'left third')
    assert (sides['far end'], sides['near the net']) == ('short', 'deep')
    assert (sides['highest arc'], sides['lowest over the net']) == ('flat', 'high over the net')
    assert set(sides.values()) == set(SIDES)


def test_language_models_run_is_stored_and_resumed_where_it_stopped(
    tmp_path: Path, left_trials: dict[str, Any]
) -> None:
    for name in ('whole', 'stopped'):
        keep_first_trials(tmp_path / name, left_trials)
    arguments = ('--improvements', '3', '--seeds', '1', '--objective', 'far right')
    with ChatServer(scripted_reader.improve) as server:
        whole = content('improvement', tmp_path / 'whole', *arguments, *model(server, 'sas'))['rows']
        prompts = [scripted_reader.prompt_of(request) for request in server.requests]
    assert len(prompts) == 3
    (row,) = whole
    assert (row['optimizer'], row['model'], row['fallbacks'], row['refused']) == ('sas', 'test-model', 0, 0)
    assert (row['prompt_tokens'], row['completion_tokens']) == (3000, 150)
    with RunStore.open(tmp_path / 'whole' / row['run']) as store:
        assert [exchange.exchange.messages[0][1] for exchange in store.exchanges()] == prompts
        assert len(store.trials()) == len(store.steps()) == 24 + 3
        result = ReplayResult(tuple(replay(store)))
        assert result.identical, result.sentence
        assert 'all 3 steps gave the stored parameters; all 3 prompts are the same' in result.sentence
    folder = tmp_path / 'stopped'
    with ChatServer() as gone:

        def stop(request: dict[str, Any]) -> Answer:
            gone.models = fail(503)
            return fail(503)

        gone.script(scripted_reader.improve, scripted_reader.improve)
        gone.default = stop
        said = refusal('improvement', folder, *arguments, *model(gone, 'sas'))
    assert 'all rows and replies so far are kept: run the same command again' in said
    with ChatServer(scripted_reader.improve) as server:
        again = content('improvement', folder, *arguments, *model(server, 'sas'))['rows']
        assert len(server.requests) == 1
    assert [r['policies'] for r in again] == [r['policies'] for r in whole]


def test_unusable_replies_are_counted_and_the_fallback_stands_in(folder: Path) -> None:
    with ChatServer(say('Raise g.')) as server:
        (row,) = content(
            'improvement', folder, '--improvements', '2', '--seeds', '1', '--objective', 'far right',
            *model(server, 'sas'),
        )['rows']  # fmt: skip
    assert row['fallbacks'] == 2
    assert row['refused'] == row['requests'] == 4
    assert row['final_m'] <= row['initial_m']


def test_second_objective_begins_with_the_trials_of_the_first(folder: Path) -> None:
    arguments = ('--improvements', '3', '--seeds', '1', '--objective', 'far right', '--after', 'point')
    with ChatServer(scripted_reader.improve) as server:
        numeric = content('improvement', folder, *arguments, '--method', 'least_squares', *HERE)['rows']
        rows = content('improvement', folder, *arguments, *model(server, 'hybrid'))['rows']
        prompts = [scripted_reader.prompt_of(request) for request in server.requests]
    assert all(row in rows for row in numeric)
    first, second = (
        next(r for r in rows if r['model'] == '' and r['after'] == after) for after in ('', 'point')
    )
    assert (first['objective'], second['objective']) == ('point', 'far right')
    right = parse_objective(OBJECTIVES['far right'])
    played = play([(parameters_from_json(policy), 0) for policy in first['policies']], noisy=False)
    known = [distance for trial in played if (distance := right.distance(trial)) is not None]
    assert second['initial_m'] <= min(known)
    assert [len(scripted_reader.trials_in(prompt)) for prompt in prompts[:5]] == [24, 25, 26, 27, 28]
    known_to_model = [re.search(r'of (\d+) trials landed on', prompt) for prompt in prompts]
    assert [found and int(found[1]) for found in known_to_model] == [24, 25, 26, 27, 28, 29]


def test_shards_have_no_conversation_twice_that_others_begin_with(folder: Path) -> None:
    objectives = ('--after', 'far right', '--objective', 'point', '--objective', 'right corner')
    with ChatServer(scripted_reader.improve) as server:
        counts = []
        for shard in ('1/2', '2/2'):
            options = ('--improvements', '1', '--seeds', '1', *objectives, *model(server, 'sas', 'hybrid'))
            rows = content('improvement', folder, *options, '--shard', shard)['rows']
            counts.append((len(rows), len(server.requests)))
    assert counts == [(3, 3), (6, 6)]
    assert len({row['run'] for row in rows}) == 6


def test_noisy_improvement_replays_its_best(tmp_path: Path) -> None:
    arguments = ('--cache', '8', '--improvements', '2', '--seeds', '1', '--objective', 'point', '--noisy')
    (row,) = content('context', tmp_path, *arguments, '--method', 'quadratic', *HERE)['rows']
    assert row['replayed_m'] != row['final_m']
    assert row['replayed_m'] == pytest.approx(row['final_m'], abs=0.25)  # the landing's own spread
    assert row['replayed_returned'] > 0.8


def test_noisy_run_with_a_model_knows_the_noise_and_is_replayed(tmp_path: Path) -> None:
    repeated = repetitions(
        play([(NEUTRAL, seed) for seed in range(46)], noisy=True)[6:],
        (LANDING_X, LANDING_Y),
        parameter_space(),
    )
    assert spread_of(repeated) == pytest.approx(LANDING_NOISE, rel=0.25)
    arguments = ('--cache', '8', '--improvements', '3', '--seeds', '1', '--objective', 'point', '--noisy')

    def best_again(request: dict[str, Any]) -> Answer:
        trials = scripted_reader.trials_in(scripted_reader.prompt_of(request))
        _, cells, _ = min(trials, key=lambda trial: trial[1][-1] or 9.0)
        return good([value or 1.0 for value in cells[:8]])

    with ChatServer(best_again) as server:
        (row,) = content('context', tmp_path, *arguments, *model(server, 'sas'))['rows']
        prompt = scripted_reader.prompt_of(server.requests[0])
    assert 'Candidates for the next trial, by a model of all trials and their noise.' in prompt
    with RunStore.open(tmp_path / row['run']) as store:
        played = store.trials()
        # Without known noise a repetition is never let through.
        given = [trial.policy for trial in played[:8]]
        assert parameters_from_json(row['policies'][0]) in given
        result = ReplayResult(tuple(replay(store)))
        assert result.identical, result.sentence
        assert [step.number for step in result.steps] == [9, 10, 11]


def test_failed_replays_count_as_infinitely_far(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ImprovementRun('random_search', '', 'point', 0, 4, 1, noisy=True)
    given = [(NEUTRAL, seed) for seed in range(4)]
    row = run_numeric(run, given)
    assert row['replayed_m'] is not None
    rows = [row, row | {'seed': 1, 'replayed_m': None}, row | {'seed': 2, 'replayed_m': None}]
    found = improvement_summary.summarize(rows, 1)[0]['replayed_m']
    assert (found['median'], found['high'], found['n']) == (None, None, 3)
    # With every joint at its lower bound no ball comes back.
    space = parameter_space()
    lost = space.at(space.low)
    monkeypatch.setattr(Improvement, 'best', property(lambda self: replace(self.history[0], policy=lost)))
    row = run_numeric(run, given)
    assert (row['replayed_m'], row['replayed_returned']) == (None, 0.0)


class Speechless:
    """Never proposes anything."""

    name = 'speechless'

    def propose(self, history: Any, objective: Any, earlier: Any = ()) -> Any:
        raise ProposalError('I know nothing')


def test_run_that_stopped_early_is_drawn_beside_a_whole_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = ImprovementRun('random_search', '', 'point', 0, 4, 5)
    given = [(NEUTRAL, 0)] * 4
    whole = run_numeric(run, given)

    def speechless(settings: Any) -> Any:
        return replace(assemble(settings), method=Speechless())

    monkeypatch.setattr(improvement_run, 'assemble', speechless)
    stopped = run_numeric(replace(run, seed=1), given)
    assert len(stopped['policies']) == 3 == len(own_trials(run, stopped))
    assert stopped['best_m'] == [stopped['initial_m']] * 5
    plots.draw_improvement([whole, stopped], tmp_path / 'improvement.png')
    assert (tmp_path / 'improvement.png').read_bytes()[:4] == b'\x89PNG'


# Context and ablation


def test_context_varies_the_cache_and_larger_ones_begin_with_the_smaller(tmp_path: Path) -> None:
    caches = ('--cache', '8', '--cache', '14')
    arguments = ('--quick', '--objective', 'far right', '--improvements', '2', *caches)
    found = content('context', tmp_path, *arguments, *NUMERIC, *HERE)
    assert sorted((row['optimizer'], row['cache']) for row in found['rows']) == [
        ('least_squares', 8), ('least_squares', 14), ('random_search', 8), ('random_search', 14),
    ]  # fmt: skip
    small, large = (min(r['initial_m'] for r in found['rows'] if r['cache'] == cache) for cache in (8, 14))
    assert large <= small
    assert {entry['cache'] for entry in found['summary']} == {8, 14}


def test_ablation_changes_one_thing_in_the_prompt(folder: Path) -> None:
    names = ('as usual', 'no analysis', 'no distances', 'best last', 'random order', 'renamed', '2 digits')
    arguments = [part for name in names for part in ('--variant', name)]
    arguments += ['--improvements', '1', '--seeds', '1', '--objective', 'far right']
    with ChatServer(scripted_reader.improve) as server:
        rows = content('ablation', folder, *arguments, *model(server))['rows']
    assert sorted(row['variant'] for row in rows) == sorted(names)
    assert all(row['fallbacks'] == row['refused'] == 0 for row in rows)
    kept = exchanges_of(folder)
    for row in rows:
        with RunStore.open(folder / row['run']) as store:
            shown_again = preview(store, 25)
            assert shown_again.same_as_sent, shown_again.notes
            assert preview(store).notes == ()
    prompts = {
        exchange['job'].split('--')[2].replace('-', ' '): exchange['messages'][0][1] for exchange in kept
    }
    assert len(set(prompts.values())) == len(names)
    assert len(prompts['no analysis']) < len(prompts['as usual'])
    shown = {name: scripted_reader.trials_in(prompt) for name, prompt in prompts.items()}
    assert len(shown['no distances'][0][1]) == len(shown['as usual'][0][1]) - 1
    assert sorted(shown['random order']) == shown['as usual'] != shown['random order']
    distances = [cells[-1] or 0.0 for _, cells, _ in shown['best last']]
    assert distances == sorted(distances, reverse=True)


def test_no_two_variants_are_the_same() -> None:
    options = list(ablation.VARIANTS.values())
    assert options[0] == DEFAULT_OPTIONS
    assert all(options.count(one) == 1 for one in options)


# What is asked wrongly


@pytest.mark.parametrize(
    ('name', 'arguments', 'said'),
    [
        ('functions', ('--method', 'cma_ess'), 'unknown method "cma_ess"; did you mean cma_es?'),
        ('functions', ('--method', 'ppo'), 'ppo cannot take part here: there are random_search'),
        ('functions', ('--method', 'random_linear'), 'random_linear cannot take part here'),
        ('ablation', ('--method', 'hybrid', '--model', 'm'), 'hybrid cannot take part here: there are sas'),
        ('functions', ('--method', 'sas'), 'method sas asks a language model: name one with --model'),
        ('improvement', ('--base-url', 'http://127.0.0.1:1/v1'), 'no model is named: give --model NAME, too'),
        ('ablation', (), 'method sas asks a language model: name one with --model'),
        ('ablation', ('--variant', 'x', '--model', 'm'), 'unknown variant "x"; there are as usual, no analysis'),
        ('retrieval', ('--model', 'm', '--base-url', 'http://127.0.0.1:1/v1', '--seeds', '1', '--cache', '10'),
         'cannot be reached'),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_gets_one_sentence(
    tmp_path: Path, name: str, arguments: tuple[str, ...], said: str
) -> None:
    error = refusal(name, tmp_path, *arguments, *(HERE if name == 'retrieval' else ()))
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_former_name_of_an_option_is_told() -> None:
    with pytest.raises(SettingsError, match='the option --optimizer is called --method now'):
        CliRunner().invoke(cli, ['bench', 'functions', '--optimizer', 'cma_es'], catch_exceptions=False)


def test_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    content('functions', tmp_path, *TWO, *SMALL, *HERE)
    rows = cells_of(tmp_path)
    said = refusal('functions', tmp_path, *TWO, *SMALL, '--evaluations', '13')
    assert 'holds rows of other settings (evaluations 12 there, 13 now)' in said
    assert 'retrieval' in refusal('retrieval', tmp_path, '--quick')
    assert cells_of(tmp_path) == rows


def test_file_of_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / 'rows.jsonl'
    path.write_text('{"a": 1}\n[2]\n')
    with pytest.raises(ExperimentError, match=r'rows\.jsonl, line 2: this is no row'):
        RowFile(path, ('a',))
    assert path.read_text() == '{"a": 1}\n[2]\n'


# Statistics


def test_median_interval_covers_the_median_of_the_distribution() -> None:
    generator = np.random.default_rng(0)
    found = [statistics.median(list(generator.exponential(size=40))) for _ in range(60)]
    covered = sum(i.low is not None and i.high is not None and i.low <= np.log(2.0) <= i.high for i in found)
    assert covered >= 52
    assert found[0] == statistics.median(list(np.random.default_rng(0).exponential(size=40)))


def test_never_is_more_than_any_number_and_comes_out_as_none() -> None:
    assert statistics.median([2.0, 3.0, None], never=21.0).value == 3.0
    rare = statistics.median([2.0, None, None], never=21.0)
    assert (rare.value, rare.high, rare.n) == (None, None, 3)
    assert statistics.median([None, 1.0]).n == 1
    assert statistics.median([]).value is None


def test_share_has_an_interval_even_where_all_hit() -> None:
    found = statistics.share([True] * 20)
    assert found.value == 1.0
    assert found.low == pytest.approx(0.8389, abs=1e-4)
