"""What a policy comes to on the arm: an attenuation and a residual of each joint velocity."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.policy import ParameterError, Parameters, Policy, Program, require_parameters
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected

ATTENUATIONS: Final = tuple('abcdefgh')
"""Names of the attenuations, one a joint (as in SAS-Prompt, arXiv 2504.20459)."""
RESIDUALS: Final = tuple('ijklmnop')
"""Names of the residuals, one a joint."""
CHOSEN: Final = ATTENUATIONS + RESIDUALS
"""What a program chooses, in this order."""
LONGEST: Final = 20_000
"""Characters of a program's source."""

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
class BallProgram:
    """What travels, is approved and is run: exactly this.

    Attributes:
        source: of the program.
        entry: name of the class or function in it that acts.
        low, high: (16,) the envelope, in the order of `CHOSEN`; where both are the same nothing is to be chosen.

    Raises:
        ParameterError: there is no source, or the envelope is none.
    """

    source: str
    entry: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.source.strip() or len(self.source) > LONGEST:
            raise ParameterError(
                f'a program needs a source of 1 to {LONGEST:,} characters; got {len(self.source):,}'
            )
        if not self.entry.isidentifier():
            raise ParameterError(f'entry must be the name of a class or function; got "{self.entry[:100]}"')
        for name in ('low', 'high'):
            bounds = tuple(float(value) for value in getattr(self, name))
            object.__setattr__(self, name, bounds)
            if len(bounds) != len(CHOSEN) or not all(map(math.isfinite, bounds)):
                raise ParameterError(
                    f'the {name} end of the envelope must be {len(CHOSEN)} finite numbers, {", ".join(CHOSEN)}'
                )
        for name, low, high in zip(CHOSEN, self.low, self.high, strict=True):
            if low > high or (name in ATTENUATIONS and low < 0.0):
                raise ParameterError(
                    f'the envelope of {name} must be from low to high'
                    f'{", and none below 0" if name in ATTENUATIONS else ""}; got {low:g} to {high:g}'
                )

    def clipped(self, chosen: Sequence[float], largest: Sequence[float]) -> tuple[float, ...]:
        """What may be applied (16,) of what was chosen (16,): within the envelope, and no residual beyond the arm's.

        Args:
            chosen: finite numbers.
            largest: (8,) m/s and rad/s, residuals that the arm's safety file allows.
        """
        within = [
            min(max(float(value), low), high)
            for value, low, high in zip(chosen, self.low, self.high, strict=True)
        ]
        joints = len(JOINTS)
        residuals = [
            min(max(value, -most), most) for value, most in zip(within[joints:], largest, strict=True)
        ]
        return (*within[:joints], *residuals)


@dataclass(frozen=True, slots=True)
class Modulation:
    """What modulates the low-level controller: ``applied = limit(attenuation * command + residual)``.

    Attributes:
        attenuation: (8,) dimensionless factors on the joint velocities, in the order of `JOINTS`.
        residual: (8,) added joint velocities, m/s for the slides and rad/s for the axes.
        version: grows with every new one; 0 means that none was proposed yet.
        proposed_by: who proposed the policy, e.g. ``'initial'``, ``'least_squares'``, ``'sas:gpt-4o'``.
        names: the parameters of the policy; all others are neutral.
        program: chooses others for each ball's swing; where it gives nothing usable, those above hold.
        expected: of the balls, as the trials before this version showed them.

    Raises:
        ParameterError: a vector has the wrong length or holds a number that is not finite, or what is not neutral
            has no name.
    """

    attenuation: tuple[float, ...] = NEUTRAL_ATTENUATION
    residual: tuple[float, ...] = NEUTRAL_RESIDUAL
    version: int = 0
    proposed_by: str = 'neutral'
    names: tuple[str, ...] = CHOSEN
    program: BallProgram | None = None
    expected: Expected = NOTHING

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
        return dict(zip(CHOSEN, self.attenuation + self.residual, strict=True))

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

    @classmethod
    def within(
        cls, space: ParameterSpace, policy: Policy, version: int = 0, proposed_by: str = ''
    ) -> 'Modulation':
        """What a policy of this space comes to; a program gets the bounds of the space as its envelope.

        What is not searched cannot be chosen either. Where a program gives nothing, the unchanged controller plays.

        Raises:
            ParameterError: it has a parameter that means nothing to the arm, or is no program that could be run.
        """
        if not isinstance(policy, Program):
            return cls.of(policy, version, proposed_by)
        ends = {name: (value, value) for name, value in _NEUTRAL.items()}
        ends |= {each.name: (each.low, each.high) for each in space.parameters}
        low, high = zip(*(ends[name] for name in CHOSEN), strict=True)
        program = BallProgram(policy.source, policy.entry, low, high)
        return cls(version=version, proposed_by=proposed_by, program=program)

    @property
    def policy(self) -> Policy:
        """The policy that it comes from."""
        if self.program is not None:
            return Program(self.program.source, self.program.entry)
        values = self._values()
        return Parameters(self.names, tuple(values[name] for name in self.names))


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the arm's safety file allows a policy to be.

    Attributes:
        attenuation_low, attenuation_high: (8,) dimensionless, one a joint.
        residual: (8,) m/s and rad/s, the largest of each joint.
    """

    attenuation_low: tuple[float, ...]
    attenuation_high: tuple[float, ...]
    residual: tuple[float, ...]

    @property
    def ranges(self) -> dict[str, tuple[str, float, float]]:
        """Of each parameter by its name: its joint, least and largest value."""
        factors = zip(JOINTS, self.attenuation_low, self.attenuation_high, strict=True)
        added = ((joint, -most, most) for joint, most in zip(JOINTS, self.residual, strict=True))
        return dict(zip(CHOSEN, (*factors, *added), strict=True))

    def require(self, modulation: Modulation) -> None:
        """Refuse what is beyond that; of a program its envelope, but for residuals, to which its choices are clipped.

        Raises:
            ParameterError: naming the first joint that it would be wrong for.
        """
        lows, highs = [modulation.attenuation], [modulation.attenuation]
        if modulation.program is not None:
            lows.append(modulation.program.low[: len(JOINTS)])
            highs.append(modulation.program.high[: len(JOINTS)])
        for low, high in zip(lows, highs, strict=True):
            for joint, least, most, lowest, highest in zip(
                JOINTS, low, high, self.attenuation_low, self.attenuation_high, strict=True
            ):
                if least < lowest or most > highest:
                    wrong = least if least < lowest else most
                    raise ParameterError(
                        f'attenuation of {joint} must be from {lowest:g} to {highest:g}, safety.attenuation_low and '
                        f'safety.attenuation_high of this arm; got {wrong:g}'
                    )
        for joint, value, largest in zip(JOINTS, modulation.residual, self.residual, strict=True):
            if abs(value) > largest:
                raise ParameterError(
                    f'residual of {joint} must be within +-{largest:g}, safety.residual of this arm; got {value:g}'
                )
