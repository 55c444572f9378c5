"""Reinforcement learning in ``bench methods``: real training, in small, where stable-baselines3 is installed."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from worker_kills import untimed

from llm_policy_improver.cli.main import cli
from llm_policy_improver.experiments.learning_cells import LEARNERS, LearningRun, obstacle, run_learning
from llm_policy_improver.experiments.methods import MethodsPlan
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.tasks.registry import TASKS

needs_learners = pytest.mark.skipif(
    find_spec('stable_baselines3') is None,
    reason="stable-baselines3 is not installed: pip install 'llm-policy-improver[rl]'",
)
COLUMNS = {
    'task', 'method', 'model', 'seed', 'best', 'final', 'interactions', 'tokens', 'requests', 'refused', 'seconds',
    'curve', 'kind', 'repairs', 'higher_is_better', 'unit', 'best_standard_error', 'final_standard_error', 'exact',
    'unchanged', 'training_steps', 'returns', 'variant',
}  # fmt: skip


def bench(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ['bench', 'methods', '--output', str(folder), '--seeds', '1', *options])


@needs_learners
@pytest.mark.parametrize(
    ('task', 'method', 'steps', 'whole'),
    [('cart_pole', 'ppo', 300, 256), ('cart_pole', 'dqn', 300, 256), ('pendulum', 'sac', 150, 150),
     ('pendulum', 'ppo', 4_200, 4_096)],
)  # fmt: skip
def test_row_of_a_learner_is_the_same_again(task: str, method: str, steps: int, whole: int) -> None:
    run = LearningRun(task, method, 1, steps=steps, evaluations=3, episodes=2, unseen=3)
    row = run_learning(run)
    assert set(row) == COLUMNS
    assert len(row['returns']) == 3
    assert row['curve'] == [max(row['returns'][: n + 1]) for n in range(3)]
    assert row['training_steps'] == whole < row['interactions']
    assert untimed(run_learning(run)) == untimed(row)


@needs_learners
@pytest.mark.parametrize(
    ('task', 'method', 'steps', 'lessons'),
    [('cart_pole', 'ppo', 600, 2), ('pendulum', 'sac', 110, 10)],  # SAC looks on for 100 steps
)
def test_learner_learns_from_all_that_it_has_played(
    task: str, method: str, steps: int, lessons: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import stable_baselines3

    learner = getattr(stable_baselines3, method.upper())
    learn, had = learner.train, []

    def train(model: Any, *given: Any, **settings: Any) -> None:
        had.append(model.num_timesteps)
        learn(model, *given, **settings)

    monkeypatch.setattr(learner, 'train', train)
    row = run_learning(LearningRun(task, method, 0, steps=steps, evaluations=1, episodes=1, unseen=2))
    assert len(had) == lessons
    assert had[-1] == row['training_steps']


@needs_learners
def test_evaluations_are_as_many_as_asked_for_also_where_steps_are_few() -> None:
    row = run_learning(LearningRun('cart_pole', 'ppo', 0, steps=256, evaluations=40, episodes=1, unseen=2))
    assert len(row['returns']) == len(row['curve']) == 40  # eight environments: 32 times a step of each


@needs_learners
@pytest.mark.parametrize(('method', 'batch'), [('ppo', 256), ('dqn', 256)])
def test_fewer_steps_than_a_learner_learns_from_are_refused(method: str, batch: int) -> None:
    said = f'{method} learns on cart_pole from {batch} steps at a time, and 255 .*: raise --training-steps'
    with pytest.raises(ExperimentError, match=said):
        run_learning(LearningRun('cart_pole', method, 0, steps=batch - 1))


@needs_learners
def test_repetitions_train_in_other_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    from llm_policy_improver.tasks.gymnasium.learnable import Learnable

    reset, seeds = Learnable.reset, []

    def seeded(self: Any, *, seed: int | None = None, options: Any = None) -> Any:
        if seed is not None:
            seeds.append(seed)
        return reset(self, seed=seed, options=options)

    monkeypatch.setattr(Learnable, 'reset', seeded)
    for seed in range(3):
        run_learning(LearningRun('cart_pole', 'ppo', seed, steps=256, evaluations=1, episodes=1, unseen=2))
    assert len(seeds) == len(set(seeds)) == 3 * 8


@needs_learners
def test_learner_improves_and_its_best_policy_is_the_one_that_is_scored() -> None:
    row = run_learning(LearningRun('cart_pole', 'ppo', 0, steps=8_000, evaluations=4, unseen=10))
    assert row['best'] > 2.0 * row['returns'][0]
    assert row['best'] == pytest.approx(row['curve'][-1], rel=0.6)


@needs_learners
def test_learners_and_programs_share_a_table(tmp_path: Path) -> None:
    options = (
        '--task', 'cart_pole', '--task', 'f1_2', '--evaluations', '3', '--executor', 'serial', '--quick',
        '--training-steps', '256', *(f'--method={name}' for name in (*LEARNERS, 'random_linear')),
    )  # fmt: skip
    found = json.loads(bench(tmp_path, *options, '--json').stdout)
    assert {row['method'] for row in found['rows']} == {'ppo', 'dqn', 'random_linear'}
    assert all(len(row['curve']) == 3 for row in found['rows'])
    more = json.loads(bench(tmp_path, *options, '--training-steps', '300', '--json').stdout)
    assert all(row in more['rows'] for row in found['rows'])
    assert {(entry['method'], entry['variant'], entry['n']) for entry in more['summary']} == {
        ('ppo', '256_steps', 1), ('ppo', '300_steps', 1), ('dqn', '256_steps', 1), ('dqn', '300_steps', 1),
        ('random_linear', 'as_usual', 1),
    }  # fmt: skip


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
    assert LearningRun('cart_pole', 'ppo', 0).key == ('cart_pole', 'ppo', '', 0)
    assert LearningRun('cart_pole', 'ppo', 0, 300).key == ('cart_pole', 'ppo', '', 0, '300_steps')
    runs = MethodsPlan(('cart_pole', 'f1_2', 'pendulum'), 1).runs(LEARNERS)
    assert {(run.task, run.method) for run in runs} == {
        ('cart_pole', 'ppo'), ('cart_pole', 'dqn'), ('pendulum', 'ppo'), ('pendulum', 'sac'),
    }  # fmt: skip
