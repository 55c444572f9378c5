"""Test functions as problems for methods that improve parameters."""

from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.tasks.functions import ShiftedFunction
from llm_policy_improver.tasks.problem import Problem

FIRST_TRIALS: Final = 5
VALUE: Final = Measure(
    'value', '', 'value of the function', 0.0, 1e6, told_by=frozenset({'evaluated'}), digits=6
)


@dataclass(frozen=True, slots=True, eq=False)
class FunctionTask:
    """A function as a task: parameters x1 ... xd from -5 to 5, whatever the function's own box is.

    Attributes:
        function: what is evaluated.
        space: of the parameters.
    """

    function: ShiftedFunction
    space: ParameterSpace

    def run(self, policy: Parameters, seed: int) -> Trial:
        """One evaluation; nothing is random in it."""
        value = self.function.value(self.space.unit(policy))
        return Trial(policy, 'evaluated', {'value': value}, succeeded=True)


def make(name: str, seed: int) -> Problem:
    """A function as a problem; ``name`` is its name and the dimension, ``'f1_2'``."""
    function_name, dimension = name.rsplit('_', 1)
    function = ShiftedFunction.draw(function_name, int(dimension), seed)
    space = ParameterSpace(
        tuple(
            Parameter(f'x{index + 1}', 'a number', -5.0, 5.0, 0.0, digits=4, same_share=1e-5)
            for index in range(int(dimension))
        )
    )
    brief = Brief(space, (VALUE,), 'A function of some numbers is to be made as small as possible.')
    objective = Objective('the least value', (Term(VALUE, Extreme.SMALLEST),), 'the least value')
    evaluations = 30 if function.turn.shape[0] == 2 else 60
    return Problem(
        FunctionTask(function, space), brief, objective, lambda policy: function.above(space.unit(policy)), '',
        evaluations, FIRST_TRIALS,
    )  # fmt: skip
