"""Solved examples with one thing changed: real tasks, real methods, a real local endpoint."""

import json
from pathlib import Path

import numpy as np
import pytest
import scripted_pattern
from chat_server import ChatServer
from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.experiments.example_variants import AS_USUAL, EXAMPLE_VARIANTS, SIBLINGS
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.experiments.vector_cells import VectorRun, run_vector
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.methods.registry import BY_EXAMPLES
from llm_policy_improver.tasks.dynamic_manipulation.references import Kind, stored_examples
from llm_policy_improver.tasks.problems import make_problem

PROBLEM = make_problem('slide_gc', 0)


def examples(variant: str, task: str = 'slide_gc') -> Examples:
    problem = EXAMPLE_VARIANTS[variant].applied(make_problem(task, 0), task)
    assert problem.examples is not None
    return problem.examples(problem.objective)


@pytest.mark.parametrize(
    ('variant', 'expected'),
    [
        (AS_USUAL, stored_examples('slide_gc')),
        ('state_and_goal', stored_examples('slide_gc')),
        ('examples_50', stored_examples('slide_gc').first(50)),
        ('examples_100', stored_examples('slide_gc').first(100)),
        ('examples_200', stored_examples('slide_gc').first(200)),
        ('near', stored_examples('slide_gc', Kind.NEAR)),
        ('of_sibling', stored_examples('slide')),
    ],
)
def test_variant_gives_its_examples(variant: str, expected: Examples) -> None:
    assert np.array_equal(examples(variant).values, expected.values)
    assert np.array_equal(examples(variant).changes, expected.changes)


@pytest.mark.parametrize(('task', 'sibling'), SIBLINGS.items())
def test_siblings_have_the_same_parameters_and_measures(task: str, sibling: str) -> None:
    one, other = make_problem(task, 0).brief, make_problem(sibling, 0).brief
    assert (one.space, one.measures) == (other.space, other.measures)


def test_task_without_such_examples_is_left_out_or_refused() -> None:
    assert not EXAMPLE_VARIANTS['of_sibling'].fits('roll_gc')
    assert not EXAMPLE_VARIANTS['near'].fits('arm_point')
    assert EXAMPLE_VARIANTS['examples_50'].fits('arm_point')
    with pytest.raises(
        ExperimentError, match='roll_gc has no such examples; there are some of slide, slide_gc'
    ):
        EXAMPLE_VARIANTS['of_sibling'].applied(PROBLEM, 'roll_gc')


def test_examples_without_a_source_stay_those_of_the_run() -> None:
    problem = make_problem('f1_2', 0)
    assert EXAMPLE_VARIANTS['examples_50'].applied(problem, 'f1_2') is problem


@pytest.mark.parametrize('variant', EXAMPLE_VARIANTS)
def test_peers_run_with_every_variant_and_differ_where_they_read_what_changed(variant: str) -> None:
    finals = {
        name: [
            run_vector(VectorRun('slide_gc', name, '', 0, 3, each))['final'] for each in (AS_USUAL, variant)
        ]
        for name in BY_EXAMPLES
    }
    same = {name for name, (usual, changed) in finals.items() if usual == changed}
    # outcome_linear reads what the examples tried and what came of it: no errors, and no solutions.
    blind = {'outcome_linear'}
    expected = {AS_USUAL: set(BY_EXAMPLES), 'state_and_goal': blind, 'near': blind}
    assert same == expected.get(variant, set())


@pytest.mark.parametrize('variant', ['state_and_goal', 'near', 'of_sibling'])
def test_icpi_comes_nearer_with_every_variant(variant: str) -> None:
    with ChatServer(scripted_pattern.answer) as server:
        endpoint = Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': 'none'})
        row = run_vector(VectorRun('slide_gc', 'icpi', 'test-model', 1, 6, variant), endpoint)
        prompt = str(server.requests[0]['messages'][0]['content'])
    assert row['variant'] == variant
    assert row['best'] < 0.5 * row['curve'][0]
    assert ('what came of it, then what was wanted' in prompt) is (variant == 'state_and_goal')


def test_bench_methods_compares_variants_for_those_that_read_examples(tmp_path: Path) -> None:
    with ChatServer(scripted_pattern.answer) as server:
        options = [
            '--model',
            'test-model',
            '--base-url',
            server.url,
            '--executor',
            'serial',
            '--output',
            str(tmp_path),
        ]
        options += ['--task', 'slide_gc', '--task', 'roll_gc', '--seeds', '1', '--evaluations', '4']
        options += ['--variant', 'as_usual', '--variant', 'of_sibling']
        options += ['--method', 'example_knn', '--method', 'icpi', '--method', 'knn']
        bench = CliRunner(env={'OPENAI_API_KEY': 'none'}).invoke(
            cli, ['bench', 'methods', '--json', *options]
        )
        assert bench.exit_code == 0, bench.output
        shown = CliRunner(env={'OPENAI_API_KEY': 'none'}).invoke(cli, ['bench', 'methods', *options])
    found = json.loads(bench.stdout)
    assert {(row['task'], row['method'], row['variant']) for row in found['rows']} == {
        ('slide_gc', 'example_knn', 'as_usual'), ('slide_gc', 'example_knn', 'of_sibling'),
        ('slide_gc', 'icpi', 'as_usual'), ('slide_gc', 'icpi', 'of_sibling'), ('slide_gc', 'knn', 'as_usual'),
        ('roll_gc', 'example_knn', 'as_usual'), ('roll_gc', 'icpi', 'as_usual'), ('roll_gc', 'knn', 'as_usual'),
    }  # fmt: skip
    assert len(found['summary']) == 8
    assert 'icpi:test-model of_sibling' in shown.stdout
    names = {path.name for path in (tmp_path / 'cells').iterdir()}
    assert {'slide_gc--example_knn----0.json', 'slide_gc--example_knn----0--of_sibling.json'} <= names
