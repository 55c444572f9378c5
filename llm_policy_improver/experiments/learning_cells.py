"""Reinforcement learning on one episodic task of Gymnasium: a cell of ``bench methods``.

PPO, SAC and DQN of stable-baselines3 learn from single steps, where the other methods see whole trials. They are
evaluated as often as the others have trials; each evaluation takes the place of a trial in the curve.
"""

import copy
import math
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.environment import Action, Environment, Observation
from llm_policy_improver.core.packages import require_package
from llm_policy_improver.experiments.example_variants import AS_USUAL
from llm_policy_improver.experiments.learning_settings import ENVIRONMENTS, TUNED
from llm_policy_improver.experiments.program_cells import CURVE_DIGITS, EVALUATIONS, SEEDS_A_RUN, UNIT
from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.tasks.actions import clipped
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask
from llm_policy_improver.tasks.program_score import unseen
from llm_policy_improver.tasks.registry import episodic_task, make_environment
from llm_policy_improver.tasks.rollout import MeanReturn, mean_return, play

LEARNERS: Final = ('ppo', 'sac', 'dqn')
EXTRA: Final = 'rl'
STEPS: Final = 50_000
"""Of a training, where nobody says otherwise."""
KIND: Final = 'neural_network'
_SEEDS_APART: Final = 1000
"""Of two runs: stable-baselines3 gives the environments of a training the seeds from its own on."""


@dataclass(frozen=True, slots=True)
class LearningRun:
    """Attributes:
    task: name, of `tasks.registry.TASKS`.
    method: of `LEARNERS`.
    seed: of the run: draws networks, episodes and exploration.
    steps: of the training, at most: it has whole batches of what the method learns from at a time.
    evaluations: during it; `EVALUATIONS` where 0.
    episodes: of each of them.
    unseen: episodes for the scores.
    """

    task: str
    method: str
    seed: int
    steps: int = STEPS
    evaluations: int = 0
    episodes: int = 5
    unseen: int = 100

    @property
    def variant(self) -> str:
        """Tells trainings of different lengths apart, as other methods' variants of the examples are."""
        return AS_USUAL if self.steps == STEPS else f'{self.steps}_steps'

    @property
    def key(self) -> tuple[str | int, ...]:
        """Of its cell."""
        usual = (self.task, self.method, '', self.seed)
        return usual if self.variant == AS_USUAL else (*usual, self.variant)


def require_learners() -> None:
    """Raise `MissingPackageError` where stable-baselines3 is not installed."""
    require_package('stable_baselines3', 'stable-baselines3', 'reinforcement learning', EXTRA)


def obstacle(method: str, task: str) -> str | None:
    """Why a learner cannot be tried on an episodic task, in two words; None where it can."""
    made = episodic_task(task)
    if not isinstance(made, GymnasiumTask):
        return 'needs Gymnasium'
    if method == 'dqn' and not made.brief.choices:
        return 'needs choices'
    return 'needs values' if method == 'sac' and made.brief.choices else None


def run_learning(run: LearningRun) -> Row:
    """The row: what the best and the last policy are worth in unseen episodes, and what they cost.

    Raises:
        ExperimentError: the steps are fewer than one batch.
        MissingPackageError: stable-baselines3, or a package that the task rests on, is not installed.
    """
    require_learners()
    with closing(make_environment(run.task)) as environment:
        began = time.perf_counter()
        training = _Training(run, environment)
        training.train()
        seconds = time.perf_counter() - began
        final = training.score()
        training.restore_best()
        best = training.score()
    return {
        'task': run.task, 'method': run.method, 'model': '', 'seed': run.seed, 'variant': run.variant,
        'best': best.mean, 'best_standard_error': best.standard_error,
        'final': final.mean, 'final_standard_error': final.standard_error,
        'higher_is_better': True, 'unit': UNIT, 'exact': False, 'kind': KIND,
        'interactions': training.steps + training.evaluation_steps, 'training_steps': training.steps,
        'tokens': 0, 'requests': 0, 'refused': 0, 'repairs': 0, 'unchanged': 0, 'seconds': round(seconds, 3),
        'curve': [_told(value) for value in accumulate(training.returns, max)],
        'returns': [_told(value) for value in training.returns],
    }  # fmt: skip


def _told(value: float) -> float:
    return float(f'{value:.{CURVE_DIGITS}g}')


class _Training:
    """A learner, what it is evaluated in, and how it did so far.

    Attributes:
        returns: mean ones of the evaluations.
        evaluation_steps: that they took.
    """

    def __init__(self, run: LearningRun, environment: Environment) -> None:
        self.returns: list[float] = []
        self.evaluation_steps = 0
        self._run = run
        self._environment = environment
        self._model = _make_learner(run)
        self._best: dict[str, Any] = {}

    @property
    def steps(self) -> int:
        """Of the training so far."""
        return int(self._model.num_timesteps)

    def train(self) -> None:
        """Whole batches; evaluated after every so many steps, the last time at the end.

        Raises:
            ExperimentError: the steps are fewer than one batch.
        """
        from stable_baselines3.common.callbacks import ConvertCallback

        count = self._run.evaluations or EVALUATIONS

        def evaluate(names: Any, its: Any) -> bool:
            while len(self.returns) < count - 1 and self.steps * count >= steps * (len(self.returns) + 1):
                self._evaluate()
            return True  # a learner that is stopped has not learned from what it played last

        with closing(self._model.get_env()):
            steps = _whole_batches(self._run, self._model)
            self._model.learn(steps, callback=ConvertCallback(evaluate))
        self._evaluate()

    def _evaluate(self) -> None:
        # The episodes in which a method that writes programs plays the trial of the same number.
        number = self._run.seed * SEEDS_A_RUN + len(self.returns) + 1
        seeds = range(number * self._run.episodes, (number + 1) * self._run.episodes)
        played = [play(self._environment, self._act, seed) for seed in seeds]
        self.evaluation_steps += sum(len(episode.actions) for episode in played)
        mean = fmean(episode.total for episode in played)
        if mean > max(self.returns, default=-math.inf):
            self._best = copy.deepcopy(self._model.policy.state_dict())
        self.returns.append(mean)

    def restore_best(self) -> None:
        """Act as the policy did that was evaluated best."""
        self._model.policy.load_state_dict(self._best)

    def score(self) -> MeanReturn:
        """What the policy is worth in unseen episodes."""
        return mean_return(self._environment, lambda: self._act, unseen(self._run.unseen))

    def _act(self, seen: Observation) -> Action:
        """What the policy does, without exploring."""
        brief = self._environment.brief
        chosen, _ = self._model.predict(np.array(seen, dtype=np.float32), deterministic=True)
        return int(chosen) if brief.choices else clipped(chosen, brief.action)


def _whole_batches(run: LearningRun, model: Any) -> int:
    """Steps of a training: as many as are asked for, less what would begin another batch.

    Raises:
        ExperimentError: they are fewer than one batch.
    """
    from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

    played = model.n_steps if isinstance(model, OnPolicyAlgorithm) else model.train_freq.frequency
    batch = int(played) * int(model.n_envs)
    if run.steps < batch:
        raise ExperimentError(
            f'{run.method} learns on {run.task} from {batch} steps at a time, and {run.steps} are all that it may '
            'take: raise --training-steps'
        )
    return run.steps // batch * batch


def _make_learner(run: LearningRun) -> Any:
    import stable_baselines3
    import torch
    from stable_baselines3.common.vec_env import DummyVecEnv

    from llm_policy_improver.tasks.gymnasium.learnable import Learnable

    torch.set_num_threads(1)  # the same sums on every machine, and all cores are busy with other cells
    settings = dict(TUNED.get((run.method, run.task), {}))
    count = int(settings.pop(ENVIRONMENTS, 1))
    environments = DummyVecEnv([lambda: Learnable(make_environment(run.task))] * count)
    learner = getattr(stable_baselines3, run.method.upper())
    return learner('MlpPolicy', environments, seed=run.seed * _SEEDS_APART, device='cpu', **settings)
