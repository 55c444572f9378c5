"""What a policy comes to on the arm: an attenuation and a residual of each joint velocity."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.policy import ParameterError, Parameters, Policy, require_parameters
from llm_policy_improver.table_tennis.arm.joints import JOINTS

ATTENUATIONS: Final = tuple('abcdefgh')
"""Names of the attenuations, one a joint (as in SAS-Prompt, arXiv 2504.20459)."""
RESIDUALS: Final = tuple('ijklmnop')
"""Names of the residuals, one a joint."""

NEUTRAL_ATTENUATION: Final = (1.0,) * len(JOINTS)
NEUTRAL_RESIDUAL: Final = (0.0,) * len(JOINTS)

_NEUTRAL: Final = dict.fromkeys(ATTENUATIONS, 1.0) | dict.fromkeys(RESIDUALS, 0.0)


def checked_vector(name: str, values: Iterable[float]) -> tuple[float, ...]:
    """Return ``values`` as a tuple of eight finite floats; raise `ParameterError` naming what is wrong."""
    try:
        vector = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise ParameterError(f'{name} must hold {len(JOINTS)} numbers, one a joint: {error}') from None
    if len(vector) != len(JOINTS):
        raise ParameterError(
            f'{name} must hold {len(JOINTS)} numbers, one a joint ({", ".join(JOINTS)}); got {len(vector)}'
        )
    for joint, value in zip(JOINTS, vector, strict=True):
        if not math.isfinite(value):
            raise ParameterError(f'{name} of {joint} must be a finite number; got {value}')
    return vector


@dataclass(frozen=True, slots=True)
class Modulation:
    """What modulates the low-level controller: ``applied = limit(attenuation * command + residual)``.

    Attributes:
        attenuation: (8,) dimensionless factors on the joint velocities, in the order of `JOINTS`.
        residual: (8,) added joint velocities, m/s for the slides and rad/s for the axes.
        version: grows with every new one; 0 means that none was proposed yet.
        proposed_by: who proposed the policy, e.g. ``'initial'``, ``'least_squares'``, ``'sas:gpt-4o'``.
        names: the parameters of the policy; all others are neutral.

    Raises:
        ParameterError: a vector has the wrong length or holds a number that is not finite, or what is not neutral
            has no name.
    """

    attenuation: tuple[float, ...] = NEUTRAL_ATTENUATION
    residual: tuple[float, ...] = NEUTRAL_RESIDUAL
    version: int = 0
    proposed_by: str = 'neutral'
    names: tuple[str, ...] = ATTENUATIONS + RESIDUALS

    def __post_init__(self) -> None:
        object.__setattr__(self, 'attenuation', checked_vector('attenuation', self.attenuation))
        object.__setattr__(self, 'residual', checked_vector('residual', self.residual))
        values = self._values()
        for name in self.names:
            if name not in values:
                raise ParameterError(f'unknown parameter "{name}"; there are {", ".join(values)}')
        unnamed = [name for name in values if name not in self.names and values[name] != _NEUTRAL[name]]
        if unnamed:
            raise ParameterError(f'{unnamed[0]} is {values[unnamed[0]]:g}, but it is not among the names')

    def _values(self) -> dict[str, float]:
        return dict(zip(ATTENUATIONS + RESIDUALS, self.attenuation + self.residual, strict=True))

    @classmethod
    def of(cls, policy: Policy, version: int = 0, proposed_by: str = 'neutral') -> 'Modulation':
        """What a policy comes to; parameters that it does not have are neutral.

        Raises:
            ParameterError: it has a parameter that means nothing to the arm, or is a program.
        """
        policy = require_parameters(policy)
        values = _NEUTRAL | policy.as_json()
        return cls(
            tuple(values[name] for name in ATTENUATIONS), tuple(values[name] for name in RESIDUALS), version,
            proposed_by, policy.names,
        )  # fmt: skip

    @property
    def policy(self) -> Parameters:
        """The policy that it comes from."""
        values = self._values()
        return Parameters(self.names, tuple(values[name] for name in self.names))
