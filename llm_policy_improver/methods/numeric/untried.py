"""What every numeric proposer needs: a goal that can be measured, and a point that was not tried before."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import MEASURABLE, Goal, Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.sas.model_rules import DIGITS

DRAWS: Final = 50
"""Random steps drawn before giving up to find one that was not tried before."""


def measured_goal(objective: Objective, name: str) -> Goal:
    """The objective's goal.

    Raises:
        ProposalError: the objective has no measure; the message names the optimizer that needs one.
    """
    if objective.goal is None:
        raise ProposalError(
            f'{name} cannot measure "{objective.words}": it needs a language model, or one of {MEASURABLE}'
        )
    return objective.goal


def rounded(unit: NDArray[np.float64], space: ParameterSpace) -> tuple[float, ...]:
    """The attenuation (8,) of a point of the cube, as it is proposed."""
    return space.clip(round(value, DIGITS) for value in space.from_unit(unit))


def untried(
    points: Iterable[NDArray[np.float64]],
    history: Sequence[ExecutionTrace],
    space: ParameterSpace,
    name: str,
    where: str = 'near what it asks for',
) -> tuple[tuple[float, ...], int]:
    """The attenuation (8,) of the first of these points of the cube that was not tried before, and its index.

    Raises:
        ProposalError: all of them were; the message names the optimizer and says ``where`` it looked.
    """
    for index, point in enumerate(points):
        attenuation = rounded(point, space)
        if check(attenuation, history, space).accepted:
            return attenuation, index
    raise ProposalError(f'{name} finds nothing untried {where}: the bounds leave too little room')
