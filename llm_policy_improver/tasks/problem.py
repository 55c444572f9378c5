"""What a method is asked to solve in a comparison: a task and an objective, drawn from a seed."""

from dataclasses import dataclass

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.task import Task


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The same for every method.

    Attributes:
        task: runs the trials.
        brief: what a method may know of it.
        objective: what is wanted.
        least: the least distance to the objective that brute force found; costs are told as what is above it.
    """

    task: Task
    brief: Brief
    objective: Objective
    least: float = 0.0
