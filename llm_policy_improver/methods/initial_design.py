"""The first trials of a run: the policy that changes nothing, then points spread over the bounds."""

import numpy as np

from llm_policy_improver.core.space import ParameterSpace

DIGITS = 2
"""Decimals of the first values, so that prompts and tables show exactly what was tried."""


def initial_design(
    count: int, space: ParameterSpace, generator: np.random.Generator
) -> list[tuple[float, ...]]:
    """The values (n,) of the first ``count`` trials, the same for the same generator.

    The first is neutral. The others are a Latin hypercube (McKay, Beckman and Conover 1979): each
    parameter is spread evenly over its range, or the share of it that is meant for first trials, in random
    combinations.
    """
    spread = count - 1
    if spread < 1:
        return [space.values(space.neutral)][:count]
    columns = [generator.permutation(spread) for _ in range(space.dimension)]
    cells = np.stack(columns, axis=1) + generator.uniform(size=(spread, space.dimension))
    neutral = space.unit(space.neutral)
    points = [
        space.from_unit(neutral + (row - neutral) * space.first_shares) for row in 2.0 * cells / spread - 1.0
    ]
    return [
        space.values(space.neutral),
        *(space.clip(round(value, DIGITS) for value in point) for point in points),
    ]
