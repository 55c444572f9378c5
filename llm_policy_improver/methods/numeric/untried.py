"""What every numeric method needs: an objective that can be measured, and a point that was not tried before."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check

DRAWS: Final = 50
"""Random steps drawn before giving up to find one that was not tried before."""


def require_terms(objective: Objective, name: str) -> None:
    """Raise `ProposalError`, with the name of the method that needs a measure, where the objective has none."""
    if not objective.measurable:
        raise ProposalError(
            f'{name} cannot measure "{objective.words}": it needs other words, or a language model to rank the trials'
        )


def rounded(unit: NDArray[np.float64], space: ParameterSpace) -> tuple[float, ...]:
    """The values (n,) of a point of the cube, as they are proposed."""
    return space.rounded(space.from_unit(unit))


def untried(
    points: Iterable[NDArray[np.float64]],
    history: Sequence[Trial],
    space: ParameterSpace,
    name: str,
    where: str = 'near what it asks for',
) -> tuple[tuple[float, ...], int]:
    """The values (n,) of the first of these points of the cube that was not tried before, and its index.

    Raises:
        ProposalError: all of them were; the message names the method and says ``where`` it looked.
    """
    for index, point in enumerate(points):
        values = rounded(point, space)
        if check(values, history, space).accepted:
            return values, index
    raise ProposalError(f'{name} finds nothing untried {where}: the bounds leave too little room')
