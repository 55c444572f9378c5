"""The tasks as problems for methods that improve parameters."""

import math
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.tasks.dynamic_manipulation.instances import draw
from llm_policy_improver.tasks.dynamic_manipulation.references import least, stored_examples
from llm_policy_improver.tasks.problem import Problem

EVALUATIONS: Final = 21
"""A first trial, and the 20 iterations of the paper."""
FIRST_TRIALS: Final = 5


def make(name: str, seed: int) -> Problem:
    """The problem of a seed: one goal, or one physics."""
    instance = draw(name, seed)
    least_error = least(name, seed)

    def regret(policy: Parameters) -> float:
        place = instance.task.place(instance.task.brief.space.values(policy))
        return max(0.0, math.dist(place, instance.goal) - least_error)

    def examples(objective: Objective) -> Examples:
        return stored_examples(name)

    return Problem(
        instance.task, instance.task.brief, instance.objective, regret, 'm', EVALUATIONS, FIRST_TRIALS, examples
    )  # fmt: skip
