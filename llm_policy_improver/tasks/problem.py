"""What a method is asked to solve in a comparison: a task and an objective, drawn from a seed."""

from collections.abc import Callable
from dataclasses import dataclass

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.task import Task
from llm_policy_improver.methods.icpi.experience import ExampleSource


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The same for every method.

    Attributes:
        task: runs the trials.
        brief: what a method may know of it.
        objective: what is wanted.
        regret: of a policy: how far it is from the objective without noise, beyond the least that is possible; None
            where it fails. The lower the better.
        unit: of the regret; empty for none.
        evaluations: trials a method has, the first ones included.
        first_trials: spread over the bounds for methods that learn from trials alone.
        examples: solved examples, for methods that learn by them, which begin with one trial; None where there are
            none.
    """

    task: Task
    brief: Brief
    objective: Objective
    regret: Callable[[Parameters], float | None]
    unit: str
    evaluations: int
    first_trials: int
    examples: ExampleSource | None = None
