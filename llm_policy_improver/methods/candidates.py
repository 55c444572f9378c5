"""Which of several proposals of one reply is tried first: judged by a fitted model, or by a simulator."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.task import Task
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric import words
from llm_policy_improver.methods.numeric.aim_search import AimSearch
from llm_policy_improver.methods.numeric.effect_model import EffectModel, TooFewTrialsError

NOT_SUCCEEDED: Final = 10.0
"""Counted as distance of a simulated trial that did not succeed."""


class Screen(Protocol):
    """Chooses among candidates."""

    def choose(
        self, candidates: Sequence[Sequence[float]], history: Sequence[Trial], objective: Objective
    ) -> tuple[int, str]:
        """Index of the candidate to try, and why it, in one clause.

        Args:
            candidates: values (n,), the proposer's favourite first.
            history: all trials, oldest first.
            objective: what the person asked.
        """


class ModelScreen:
    """Chooses what a regression on the trials so far predicts nearest to the objective, with the margins kept.

    The proposer's favourite stays where there is no measure, or too few trials succeeded for a regression.
    """

    def __init__(self, brief: Brief) -> None:
        self._brief = brief

    def choose(
        self, candidates: Sequence[Sequence[float]], history: Sequence[Trial], objective: Objective
    ) -> tuple[int, str]:
        best = objective.best(history)
        if best is None:
            return 0, 'the first, as nothing measures them'
        try:
            model = EffectModel.fit(history, self._brief, objective, best)
        except TooFewTrialsError:
            return 0, 'the first, as too few trials tell how to compare them'
        search = AimSearch.near(best, history, model, objective)
        costs = [search.cost(self._brief.space.unit(candidate))[0] for candidate in candidates]
        chosen = int(np.argmin(costs))
        return chosen, f'a regression predicts {words.expected_text(model, candidates[chosen])}'


class SimulatorScreen:
    """Chooses what comes nearest to the objective in simulation; for runs on the physical arm.

    Args:
        task: the simulated arm.
        space: of the candidates.
        seed: of its incoming ball.
    """

    def __init__(self, task: Task, space: ParameterSpace, seed: int = 0) -> None:
        self._task = task
        self._space = space
        self._seed = seed

    def choose(
        self, candidates: Sequence[Sequence[float]], history: Sequence[Trial], objective: Objective
    ) -> tuple[int, str]:
        trials = [self._task.run(self._space.at(candidate), self._seed) for candidate in candidates]
        distances = [objective.distance(trial) for trial in trials]
        costs = [
            (0.0 if trial.succeeded and not objective.measurable else NOT_SUCCEEDED)
            if distance is None
            else distance
            for trial, distance in zip(trials, distances, strict=True)
        ]
        chosen = int(np.argmin(costs))
        return chosen, f'in simulation: {trials[chosen].note}'
