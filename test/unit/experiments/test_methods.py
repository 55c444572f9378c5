"""``bench methods`` in small forms: real tasks, real methods, a real local endpoint."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import scripted_pattern
from chat_server import ChatServer
from click.testing import CliRunner, Result

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments import methods, vector_cells
from llm_policy_improver.experiments.cells import Cell, Shard
from llm_policy_improver.experiments.methods import MethodsPlan
from llm_policy_improver.experiments.participants import ModelChoice, Participants
from llm_policy_improver.experiments.rows import ExperimentError, Key, Row
from llm_policy_improver.experiments.vector_cells import VectorRun, run_vector
from llm_policy_improver.methods.registry import BY_EXAMPLES, NUMERIC
from llm_policy_improver.tasks.problems import PROBLEMS, UnknownProblemError, make_problem

SMALL = ('--task', 'slide_gc', '--seeds', '2', '--evaluations', '6', '--executor', 'serial')


def bench(folder: Path, *options: str, key: str = '') -> Result:
    environment = {'OPENAI_API_KEY': key} if key else {}
    return CliRunner(env=environment).invoke(cli, ['bench', 'methods', '--output', str(folder), *options])


def report(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize('name', [*NUMERIC, *BY_EXAMPLES])
def test_every_method_without_a_model_runs_on_a_task_with_examples(name: str) -> None:
    row = run_vector(VectorRun('slide_gc', name, '', 0, evaluations=8))
    assert row['interactions'] <= 8
    assert row['tokens'] == row['requests'] == 0
    curve = [value for value in row['curve'] if value is not None]
    assert curve == sorted(curve, reverse=True)
    assert row['best'] == pytest.approx(curve[-1], rel=1e-4)


@pytest.mark.parametrize('name', PROBLEMS)
def test_every_task_can_be_searched(name: str) -> None:
    problem = make_problem(name, 1)
    row = run_vector(VectorRun(name, 'random_search', '', 1, evaluations=3))
    assert row['best'] is None or row['best'] >= 0.0
    assert problem.first_trials < problem.evaluations
    assert problem.brief.text


@pytest.mark.parametrize('name', PROBLEMS)
def test_problem_of_a_seed_is_always_the_same_and_of_another_one_another(name: str) -> None:
    first, again, other = make_problem(name, 3), make_problem(name, 3), make_problem(name, 4)
    policy = first.brief.space.neutral
    assert first.regret(policy) == again.regret(policy)
    if not name.startswith('arm_'):  # there the seed draws the first trials
        assert first.regret(policy) != other.regret(policy)


def test_unknown_task_is_named_with_those_that_are_near() -> None:
    with pytest.raises(UnknownProblemError, match='unknown task "slide_cg"; did you mean slide_gc or slide'):
        make_problem('slide_cg', 0)


def test_report_has_rows_summary_tables_and_a_plot(tmp_path: Path) -> None:
    found = report(bench(tmp_path, *SMALL, '--method', 'knn', '--method', 'outcome_linear', '--json'))
    assert len(found['rows']) == 4
    assert {'task', 'method', 'seed', 'best', 'final', 'interactions', 'tokens'} <= set(found['rows'][0])
    assert {(entry['task'], entry['method'], entry['n']) for entry in found['summary']} == {
        ('slide_gc', 'knn', 2),
        ('slide_gc', 'outcome_linear', 2),
    }
    assert (tmp_path / 'regret.png').stat().st_size > 10_000
    shown = bench(tmp_path, *SMALL, '--method', 'knn', '--method', 'outcome_linear').stdout
    assert 'Best kept: regret, median' in shown
    assert shown.index('outcome_linear') < shown.index('knn')  # the better one first


def test_shards_of_two_machines_are_one_table(tmp_path: Path) -> None:
    for shard in ('1/2', '2/2'):
        result = bench(tmp_path, *SMALL, '--method', 'knn', '--shard', shard, '--json')
    assert len(report(result)['rows']) == 2
    assert sorted(path.name for path in (tmp_path / 'cells').iterdir()) == [
        'slide_gc--knn----0.json',
        'slide_gc--knn----1.json',
    ]


def cells_of_shard(plan: MethodsPlan, who: Participants, folder: Path) -> list[Key]:
    """What the first of two shards has computed, in this process."""
    computed: list[Key] = []

    def executor(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row]]:
        computed.extend(cell.key for cell in cells)
        return iter(())

    with pytest.raises(ExperimentError, match='holds no rows yet'):
        methods.run(plan, who, folder, executor, Shard(1, 2), lambda *step: None)
    return computed


def test_shards_of_machines_with_other_packages_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = MethodsPlan(('slide_gc', 'f1_2', 'cart_pole', 'noise_world_0'), 5)
    names, nobody = ('random_linear', 'expected_improvement', 'knn'), ModelChoice()
    monkeypatch.setattr(methods, 'require_packages', lambda task: None)
    everything = cells_of_shard(plan, Participants(names, (), nobody), tmp_path / 'a')

    def missing(task: str) -> None:
        if task == 'cart_pole':
            raise MissingPackageError('no gymnasium', 'suites')

    monkeypatch.setattr(methods, 'require_packages', missing)
    less = Participants(('random_linear', 'knn'), (), nobody, extras={'expected_improvement': 'optimizers'})
    here = cells_of_shard(plan, less, tmp_path / 'b')
    assert 0 < len(here) < len(everything) == 15
    assert here == [key for key in everything if key[0] != 'cart_pole' and key[1] != 'expected_improvement']


def test_folder_of_a_version_without_reinforcement_learning_is_gone_on_with(tmp_path: Path) -> None:
    settings = {'experiment': 'methods', 'evaluations': 6, 'unseen': 100}
    (tmp_path / 'settings.json').write_text(json.dumps(settings))
    options = ('--method', 'knn', '--training-steps', '300', '--json')
    assert len(report(bench(tmp_path, *SMALL, *options))['rows']) == 2


def test_conversations_are_kept_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    with ChatServer(scripted_pattern.answer) as server:
        model = ('--method', 'icpi', '--model', 'test-model', '--base-url', server.url)
        found = report(bench(tmp_path, *SMALL, *model, '--json', key='none'))
        asked = len(server.requests)
        assert asked == sum(row['requests'] for row in found['rows']) >= 10
        assert all(row['best'] < row['curve'][0] for row in found['rows'])
        # The rows lost, the replies kept: the same rows again without a request.
        for path in (tmp_path / 'cells').iterdir():
            path.unlink()
        again = report(bench(tmp_path, *SMALL, *model, '--json', key='none'))
        assert len(server.requests) == asked
    assert [row['curve'] for row in again['rows']] == [row['curve'] for row in found['rows']]


def test_method_with_a_fault_stops_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = 'broken'

        def propose(self, *given: Any) -> None:
            raise ZeroDivisionError('one by nothing')

    monkeypatch.setattr(vector_cells, 'make_method', lambda *given: Broken())
    with pytest.raises(
        ExperimentError, match='knn broke on slide_gc, seed 0: ZeroDivisionError: one by nothing'
    ):
        run_vector(VectorRun('slide_gc', 'knn', '', 0))


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (('--method', 'icpi'), 'method icpi asks a language model: name one with --model'),
        (('--method', 'kmn'), 'unknown method "kmn"; did you mean knn'),
        (('--shard', '3/2'), 'a shard is one of its count'),
    ],
)
def test_bad_input_is_one_clear_sentence(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    result = bench(tmp_path, *SMALL, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert '\n' not in result.stderr.strip()
