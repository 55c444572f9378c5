"""The policy parameters: attenuation and residual of eight joint velocities, and the space they live in."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

JOINTS: Final[tuple[str, ...]] = (
    'slide_y', 'slide_x', 'axis_1', 'axis_2', 'axis_3', 'axis_4', 'axis_5', 'axis_6',
)  # fmt: skip
"""The arm's joints in the order of every per-joint array: two linear axes, then the six of the arm."""

LETTERS: Final[tuple[str, ...]] = tuple('abcdefgh')
"""The names the parameters carry in prompts and in print, one a joint (as in SAS-Prompt, arXiv 2504.20459)."""

NEUTRAL_ATTENUATION: Final = (1.0,) * len(JOINTS)
NEUTRAL_RESIDUAL: Final = (0.0,) * len(JOINTS)


class ParameterError(ValueError):
    """Parameters, or the bounds of their space, are not what they must be."""


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
class PolicyParameters:
    """What modulates the low-level controller: ``applied = limit(attenuation * command + residual)``.

    Attributes:
        attenuation: (8,) dimensionless factors on the joint velocities, in the order of `JOINTS`.
        residual: (8,) added joint velocities, m/s for the slides and rad/s for the axes.
        version: grows with every new set; 0 means that none was proposed yet.
        proposed_by: who proposed them, e.g. ``'initial'``, ``'least_squares'``, ``'sas:gpt-4o'``.

    Raises:
        ParameterError: a vector has the wrong length or holds a number that is not finite.
    """

    attenuation: tuple[float, ...] = NEUTRAL_ATTENUATION
    residual: tuple[float, ...] = NEUTRAL_RESIDUAL
    version: int = 0
    proposed_by: str = 'neutral'

    def __post_init__(self) -> None:
        object.__setattr__(self, 'attenuation', checked_vector('attenuation', self.attenuation))
        object.__setattr__(self, 'residual', checked_vector('residual', self.residual))


@dataclass(frozen=True, slots=True)
class ParameterSpace:
    """The box the optimizers search: one attenuation a joint, between ``low`` and ``high``.

    Raises:
        ParameterError: wrong lengths, numbers that are not finite, bounds upside down, or a neutral
            controller (attenuation 1) outside of them.
    """

    low: tuple[float, ...] = field(default=(0.6,) * len(JOINTS))
    high: tuple[float, ...] = field(default=(1.4,) * len(JOINTS))

    def __post_init__(self) -> None:
        object.__setattr__(self, 'low', checked_vector('the lower bound of the attenuation', self.low))
        object.__setattr__(self, 'high', checked_vector('the upper bound of the attenuation', self.high))
        for joint, low, high in zip(JOINTS, self.low, self.high, strict=True):
            if low >= high:
                raise ParameterError(
                    f'attenuation bounds of {joint} are upside down: low {low:g} must be below high {high:g}'
                )
            if low < 0.0:
                raise ParameterError(
                    f'attenuation bounds of {joint} must not be negative, as the joint would turn round; got {low:g}'
                )
            if not low <= 1.0 <= high:
                raise ParameterError(
                    f'attenuation bounds of {joint} must contain 1.0, the unchanged controller; got {low:g} to {high:g}'
                )

    @property
    def dimension(self) -> int:
        """Number of parameters searched."""
        return len(self.low)

    def contains(self, attenuation: Sequence[float], tolerance: float = 1e-9) -> bool:
        """Whether every attenuation is within its bounds."""
        pairs = zip(attenuation, self.low, self.high, strict=True)
        return all(low - tolerance <= value <= high + tolerance for value, low, high in pairs)

    def clip(self, attenuation: Iterable[float]) -> tuple[float, ...]:
        """The nearest attenuation (8,) within the bounds."""
        return tuple(float(v) for v in np.clip(np.asarray(tuple(attenuation)), self.low, self.high))

    def unit(self, attenuation: Sequence[float]) -> NDArray[np.float64]:
        """The attenuation (8,) scaled to -1 (lower bound) ... +1 (upper bound)."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        return (2.0 * np.asarray(attenuation) - low - high) / (high - low)

    def from_unit(self, unit: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
        """The attenuation (8,) of a point of the cube -1 ... +1."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        return self.clip(0.5 * (low + high + np.asarray(unit) * (high - low)))

    def sample(self, generator: np.random.Generator) -> tuple[float, ...]:
        """An attenuation (8,) drawn uniformly within the bounds."""
        return tuple(float(value) for value in generator.uniform(self.low, self.high))
