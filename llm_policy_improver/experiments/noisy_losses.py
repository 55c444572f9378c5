"""The losses of ``bench noise``: what methods come to under noise on arms that are not as the simulator takes them.

24 one-sided first trials, 20 improvements, and then the policy that is recommended, played again: the loss is the mean
distance of those balls to the objective, a ball that does not land counted as 1 m.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.first_trials import one_sided, side_away
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.numeric.landing.bayesian import Bayesian
from llm_policy_improver.methods.registry import make_numeric
from llm_policy_improver.methods.rules import REPEATS
from llm_policy_improver.table_tennis.bench.drawn_arms import drawn_arm
from llm_policy_improver.table_tennis.bench.reachable import OBJECTIVES
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulated_prior import SimulatedPrior
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.task_brief import make_brief

WITHOUT_PRIOR: Final = 'bayesian without a prior'
BEST_OF_FIRST: Final = 'best of the first trials'
COMPARED: Final = ('bayesian', WITHOUT_PRIOR, 'least_squares', 'cma_es', 'random_search', BEST_OF_FIRST)
AIMS: Final = ('far right', 'left corner', 'point', 'near the net')
"""Short names, of `OBJECTIVES`."""
FIRST_TRIALS: Final = 24
IMPROVEMENTS: Final = 20
REPLAYS: Final = 64
NOT_LANDED: Final = 1.0
"""m."""
_BLOCK: Final = 1_000_000
"""Trial seeds of an arm and a seed begin at multiples of it; the replays' in its second half."""


@dataclass(frozen=True, slots=True)
class LossRun:
    """One method towards one objective on one drawn arm, from the first trials of one seed."""

    method: str
    objective: str
    arm: int
    seed: int
    searched: Searched = Searched.ATTENUATION

    @property
    def first_seed(self) -> int:
        """Before that of its first trial."""
        return (self.arm * 1000 + self.seed + 1) * _BLOCK


@lru_cache(maxsize=1)
def _arm(number: int) -> TableTennis:
    return drawn_arm(number)


@lru_cache(maxsize=8)
def _first(arm: int, side: str, seed: int, searched: Searched) -> tuple[Trial, ...]:
    """The one-sided first trials, each under a version of its own."""
    task, begin = _arm(arm), LossRun('', '', arm, seed).first_seed
    found: list[Trial] = []

    def play(policy: Parameters, number: int) -> Trial:
        task.learn(found, len(found) + 1)
        return replace(task.run(policy, begin + number), version=len(found) + 1, proposed_by=INITIAL, samples=None)

    for trial, _ in one_sided(play, side, (seed, arm, 3), parameter_space(searched)):
        found.append(trial)
        if len(found) == FIRST_TRIALS:
            break
    return tuple(found)


def play(run: LossRun) -> dict[str, Any]:
    """The row of a run."""
    objective, space = parse_objective(OBJECTIVES[run.objective]), parameter_space(run.searched)
    first, brief, task = _first(run.arm, side_away(objective), run.seed, run.searched), make_brief(space), _arm(run.arm)
    prior = None if run.method == WITHOUT_PRIOR else SimulatedPrior()
    method = make_numeric(
        {WITHOUT_PRIOR: 'bayesian', BEST_OF_FIRST: 'random_search'}.get(run.method, run.method), brief, run.seed, prior=prior
    )
    history, seconds = first, 0.0
    if run.method != BEST_OF_FIRST:
        improvement = Improvement(
            objective, method, space, trials=IMPROVEMENTS, first_trials=0, seed=run.seed,
            ball_seed=run.first_seed + _BLOCK // 4, vary_balls=True, history=first, repeats_allowed=REPEATS,
            first_version=len(first) + 1,
        )  # fmt: skip
        began = time.perf_counter()
        for _ in run_improvement(improvement, task):
            pass
        seconds = time.perf_counter() - began
        history = improvement.history
    policy, predicted = _recommended(method, history, objective)
    distances = _replay(task, history, policy, objective, run.first_seed + _BLOCK // 2)
    best = objective.best(history)
    return {
        'method': run.method, 'objective': run.objective, 'arm': run.arm, 'seed': run.seed,
        'loss_m': float(np.mean(distances)), 'predicted_m': predicted,
        'landed': float(np.mean([distance < NOT_LANDED for distance in distances])),
        'best_seen_m': None if best is None else objective.distance(best), 'seconds': round(seconds, 2),
    }  # fmt: skip


def _recommended(
    method: Any, history: Sequence[Trial], objective: Objective
) -> tuple[Parameters, float | None]:
    """What the method recommends and the loss it expects; of one that has no model the best trial seen."""
    found = method.recommend(history, objective) if isinstance(method, Bayesian) else None
    if found is not None:
        return found[0], found[1].loss
    best = objective.best(history)
    assert best is not None  # all first trials succeeded
    return best.parameters, None


def _replay(
    task: TableTennis, history: Sequence[Trial], policy: Parameters, objective: Objective, begin: int
) -> list[float]:
    task.learn(history, len(history) + 1)
    distances = [objective.distance(task.run(policy, begin + number)) for number in range(REPLAYS)]
    return [NOT_LANDED if distance is None else distance for distance in distances]
