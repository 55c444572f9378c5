"""The arm among the other tasks: some objectives of table tennis in simulation."""

from functools import cache
from typing import Final

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES, read_reachable
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulated_examples import simulated_examples
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.tasks.problem import Problem

PREFIX: Final = 'arm_'

EVALUATIONS: Final = 44
FIRST_TRIALS: Final = 24
"""As in the experiments with the arm alone: 24 first trials, then 20 improvements."""


@cache
def _task() -> TableTennis:
    return TableTennis()


def make(name: str, seed: int) -> Problem:
    """The standard ball; the seed draws the first trials, and what a method leaves to chance.

    Args:
        name: ``'arm_'`` and the short name of an objective, ``'arm_far_right'``.
        seed: the ball is the same for all.
    """
    short = name.removeprefix(PREFIX).replace('_', ' ')
    objective, least = parse_objective(OBJECTIVES[short]), read_reachable()[short].distance_m
    space, task = parameter_space(Searched.ATTENUATION), _task()

    def regret(policy: Parameters) -> float | None:
        distance = objective.distance(task.run(policy, 0))
        return None if distance is None else distance - least

    return Problem(
        task, make_brief(space), objective, regret, 'm', EVALUATIONS, FIRST_TRIALS, simulated_examples(space, seed)
    )  # fmt: skip
