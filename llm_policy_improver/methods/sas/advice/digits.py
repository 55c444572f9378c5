"""How finely parameters are told where trials are noisy: steps that no ball could tell apart are left out."""

import math
from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.space import Parameter, ParameterSpace

STEPS: Final = 80
"""Steps of a parameter's range that are told apart: 0.01 of attenuations."""


def coarse_digits(parameter: Parameter) -> int:
    """Decimals of it, never more than it has."""
    needed = math.ceil(-math.log10((parameter.high - parameter.low) / STEPS) - 1e-9)
    return min(max(needed, 0), parameter.digits)


def coarse(values: Sequence[float], space: ParameterSpace) -> tuple[float, ...]:
    """The values (n,) so rounded, within the bounds."""
    pairs = zip(values, space.parameters, strict=True)
    return space.clip(round(float(value), coarse_digits(each)) for value, each in pairs)


def coarse_texts(values: Sequence[float], space: ParameterSpace) -> list[str]:
    """(n,) the values so written."""
    pairs = zip(values, space.parameters, strict=True)
    return [f'{value:.{coarse_digits(each)}f}' for value, each in pairs]
