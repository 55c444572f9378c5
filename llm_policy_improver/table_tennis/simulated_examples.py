"""Solved examples for the arm: simulated trials, read with hindsight."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.methods.icpi.experience import ExampleSource, from_trials
from llm_policy_improver.methods.initial_design import initial_design

TRIALS: Final = 200
"""Simulated; some seconds."""


def simulated_examples(space: ParameterSpace, seed: int, trials: int = TRIALS) -> ExampleSource:
    """Examples out of simulated trials, spread over the bounds; they are played when first asked for."""

    def source(objective: Objective) -> Examples:
        return from_trials(_played(space, seed, trials), space, seed)(objective)

    return source


@lru_cache(maxsize=4)  # a node may be asked to improve by one method after the other
def _played(space: ParameterSpace, seed: int, trials: int) -> tuple[Trial, ...]:
    from llm_policy_improver.table_tennis.task import TableTennis  # MuJoCo is needed only for this

    task = TableTennis()
    design = initial_design(trials, space, np.random.default_rng((seed, trials)))
    return tuple(replace(task.run(space.at(values), seed), samples=None) for values in design)
