"""Reinforcement learning in ``bench methods``: real training, in small, where stable-baselines3 is installed."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from worker_kills import untimed

from llm_policy_improver.cli.main import cli
from llm_policy_improver.experiments.learning_cells import LEARNERS, LearningRun, obstacle, run_learning
from llm_policy_improver.experiments.methods import MethodsPlan
from llm_policy_improver.tasks.registry import TASKS

needs_learners = pytest.mark.skipif(
    find_spec('stable_baselines3') is None,
    reason="stable-baselines3 is not installed: pip install 'llm-policy-improver[rl]'",
)
COLUMNS = {
    'task', 'method', 'model', 'seed', 'best', 'final', 'interactions', 'tokens', 'requests', 'refused', 'seconds',
    'curve', 'kind', 'repairs', 'higher_is_better', 'unit', 'best_standard_error', 'final_standard_error', 'exact',
    'unchanged', 'training_steps', 'returns',
}  # fmt: skip


def bench(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ['bench', 'methods', '--output', str(folder), '--seeds', '1', *options])


@needs_learners
@pytest.mark.parametrize(
    ('task', 'method'), [('cart_pole', 'ppo'), ('cart_pole', 'dqn'), ('pendulum', 'sac'), ('pendulum', 'ppo')]
)
def test_row_of_a_learner_is_the_same_again(task: str, method: str) -> None:
    run = LearningRun(task, method, 1, steps=300, evaluations=3, episodes=2, unseen=3)
    row = run_learning(run)
    assert set(row) == COLUMNS
    assert len(row['returns']) == 3
    assert row['curve'] == [max(row['returns'][: n + 1]) for n in range(3)]
    assert 290 < row['training_steps'] <= 300 < row['interactions']
    assert untimed(run_learning(run)) == untimed(row)


@needs_learners
def test_learner_improves_and_its_best_policy_is_the_one_that_is_scored() -> None:
    row = run_learning(LearningRun('cart_pole', 'ppo', 0, steps=8_000, evaluations=4, unseen=10))
    assert row['best'] > 2.0 * row['returns'][0]
    assert row['best'] == pytest.approx(row['curve'][-1], rel=0.6)


@needs_learners
def test_learners_and_programs_share_a_table(tmp_path: Path) -> None:
    options = (
        '--task', 'cart_pole', '--task', 'f1_2', '--evaluations', '3', '--executor', 'serial', '--quick',
        '--training-steps', '200', *(f'--method={name}' for name in (*LEARNERS, 'random_linear')),
    )  # fmt: skip
    found = json.loads(bench(tmp_path, *options, '--json').stdout)
    assert {row['method'] for row in found['rows']} == {'ppo', 'dqn', 'random_linear'}
    assert all(len(row['curve']) == 3 for row in found['rows'])
    result = bench(tmp_path, *options, '--training-steps', '300')
    assert result.exit_code == 2
    assert 'holds rows of other settings (training_steps 200 there, 300 now)' in result.stderr


@pytest.mark.skipif(find_spec('stable_baselines3') is not None, reason='stable-baselines3 is installed')
def test_cells_of_learners_say_what_they_need(tmp_path: Path) -> None:
    options = ('--task', 'cart_pole', '--evaluations', '2', '--executor', 'serial', '--quick')
    result = bench(tmp_path, *options)
    assert result.exit_code == 0, result.output
    assert 'Left out: reinforcement learning needs the package stable-baselines3' in result.stderr
    assert result.stderr.count('Left out: reinforcement learning') == 1
    lines = [line for line in result.stdout.splitlines() if line.startswith(('dqn, ppo', 'sac'))]
    assert 'needs the extra rl' in lines[0]
    assert 'needs values' in lines[1]
    result = bench(tmp_path, *options, '--method', 'dqn')
    assert result.exit_code == 2
    assert "pip install 'llm-policy-improver[rl]'" in result.stderr


def test_each_learner_is_tried_on_what_it_is_made_for() -> None:
    assert obstacle('dqn', 'cart_pole') is obstacle('ppo', 'cart_pole') is obstacle('ppo', 'pendulum') is None
    assert obstacle('dqn', 'pendulum') == 'needs choices'
    assert obstacle('sac', 'acrobot') == 'needs values'
    assert {obstacle(name, task) for name in LEARNERS for task in TASKS if 'noise_world' in task} == {
        'needs Gymnasium'
    }
    runs = MethodsPlan(('cart_pole', 'f1_2', 'pendulum'), 1).runs(LEARNERS)
    assert {(run.task, run.method) for run in runs} == {
        ('cart_pole', 'ppo'), ('cart_pole', 'dqn'), ('pendulum', 'ppo'), ('pendulum', 'sac'),
    }  # fmt: skip
