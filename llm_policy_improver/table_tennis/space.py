"""The parameters of the table-tennis arm: eight attenuations, eight residuals, or both."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.table_tennis.arm.joints import JOINTS, LINEAR
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, RESIDUALS, Allowed, checked_vector

LOW_ATTENUATION: Final = (0.6,) * len(JOINTS)
HIGH_ATTENUATION: Final = (1.4,) * len(JOINTS)
LOW_RESIDUAL: Final = (-0.4,) * len(JOINTS)
HIGH_RESIDUAL: Final = (0.4,) * len(JOINTS)
"""Default bounds; the residuals' in m/s for the slides and rad/s for the axes."""

FIRST_RESIDUALS: Final = 1.0 / 3.0
"""Share of the residuals' range that first trials are spread over: of 150 with random attenuations as well, 139 land,
and 97 where it is the whole range."""


class Searched(StrEnum):
    """Which parameters are searched; the others stay neutral."""

    ATTENUATION = 'attenuation'
    RESIDUAL = 'residual'
    BOTH = 'both'


def parameter_space(
    searched: Searched = Searched.ATTENUATION,
    attenuation_low: Sequence[float] = LOW_ATTENUATION,
    attenuation_high: Sequence[float] = HIGH_ATTENUATION,
    residual_low: Sequence[float] = LOW_RESIDUAL,
    residual_high: Sequence[float] = HIGH_RESIDUAL,
) -> ParameterSpace:
    """The space of these bounds (8,), one a joint.

    Raises:
        ParameterError: wrong lengths, numbers that are not finite, bounds upside down, without the unchanged
            controller in them, or a negative attenuation.
    """
    low, high = (
        checked_vector('attenuation_low', attenuation_low),
        checked_vector('attenuation_high', attenuation_high),
    )
    for joint, value in zip(JOINTS, low, strict=True):
        if value < 0.0:
            raise ParameterError(
                f'the bounds of the attenuation of {joint} must not be negative, as the joint would turn round; '
                f'got {value:g}'
            )
    least, most = checked_vector('residual_low', residual_low), checked_vector('residual_high', residual_high)
    rows = enumerate(zip(JOINTS, low, high, least, most, strict=True))
    attenuations, residuals = [], []
    for index, (joint, factor_low, factor_high, added_low, added_high) in rows:
        unit = 'm/s' if index < LINEAR else 'rad/s'
        attenuations.append(Parameter(ATTENUATIONS[index], joint, factor_low, factor_high, 1.0))
        residuals.append(
            Parameter(
                RESIDUALS[index], f'{joint} residual', added_low, added_high, 0.0, unit,
                first_share=FIRST_RESIDUALS,
            )
        )  # fmt: skip
    chosen = {
        Searched.ATTENUATION: attenuations, Searched.RESIDUAL: residuals, Searched.BOTH: attenuations + residuals,
    }  # fmt: skip
    return ParameterSpace(tuple(chosen[Searched(searched)]))


def require_within(space: ParameterSpace, allowed: Allowed) -> None:
    """Raise `SettingsError` where the bounds are wider than the arm's safety file allows.

    Args:
        space: the bounds.
        allowed: by the arm's safety file.
    """
    ends = allowed.ranges
    for parameter in space.parameters:
        joint, low, high = ends.get(parameter.name, ('', -math.inf, math.inf))
        if parameter.low < low or parameter.high > high:
            kind = 'attenuation' if parameter.name in ATTENUATIONS else 'residual'
            raise SettingsError(
                f'optimizer: the {kind} of {joint} may be {parameter.low:g} to {parameter.high:g}, and the '
                f"arm's safety file allows {low:g} to {high:g}: narrow {kind}_low and {kind}_high"
            )


NEUTRAL: Final = parameter_space().neutral
"""The policy of the unchanged controller."""
