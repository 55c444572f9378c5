"""The space that is searched: named parameters with bounds."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.policy import ParameterError, Parameters, Policy, Program, require_parameters

Array = NDArray[np.float64]


class Carrier(Protocol):
    """What has a policy: a trial, a proposal, a step."""

    @property
    def policy(self) -> Policy:
        """Its policy."""


def policy_of(place: Policy | Carrier) -> Policy:
    """The policy there."""
    return place if isinstance(place, Parameters | Program) else place.policy


Place = Policy | Carrier | Sequence[float] | Array
"""Where something is in a space: a policy, what has one, or values (n,)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number that may be changed.

    Attributes:
        name: short, in prompts and print, e.g. ``'g'``.
        meaning: what it acts on, a few words, e.g. ``'axis_5'``.
        low, high: bounds; nothing outside of them is ever tried.
        neutral: value that changes nothing.
        unit: e.g. ``'m/s'``; empty for a factor.
        digits: decimals of a proposal: what is printed and prompted is what was tried.
        first_share: share of the way from the neutral value to either bound that the first trials are spread over;
            less than 1 where most of the range makes trials fail.
        same_share: share of the range up to which two values count as the same.

    Raises:
        ParameterError: the bounds are upside down or do not hold the neutral value, or a share is not one.
    """

    name: str
    meaning: str
    low: float
    high: float
    neutral: float
    unit: str = ''
    digits: int = 3
    first_share: float = 1.0
    same_share: float = 0.005

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.low, self.high, self.neutral))):
            raise ParameterError(f'the bounds of {self.label} must be finite; got {self.low} to {self.high}')
        if self.low >= self.high:
            raise ParameterError(
                f'the bounds of {self.label} are upside down: low {self.low:g} must be below high {self.high:g}'
            )
        if not self.low <= self.neutral <= self.high:
            raise ParameterError(
                f'the bounds of {self.label} must contain {self.neutral:g}, which changes nothing; '
                f'got {self.low:g} to {self.high:g}'
            )
        if not 0.0 < self.first_share <= 1.0:
            raise ParameterError(
                f'the first share of {self.label} must be above 0 and at most 1; got {self.first_share:g}'
            )
        if not 0.0 <= self.same_share < 1.0:
            raise ParameterError(
                f'the same share of {self.label} must be at least 0 and below 1; got {self.same_share:g}'
            )

    @property
    def same_within(self) -> float:
        """Difference up to which two values count as the same."""
        return self.same_share * (self.high - self.low)

    @property
    def heading(self) -> str:
        """Label and unit, over columns and pictures, e.g. ``'g (axis_5), factor'``."""
        return f'{self.label}, {self.unit or "factor"}'

    @property
    def label(self) -> str:
        """Name and meaning: ``'g (axis_5)'``."""
        return f'{self.name} ({self.meaning})'


@dataclass(frozen=True, slots=True)
class ParameterSpace:
    """A box of n named parameters.

    Raises:
        ParameterError: there are none, or two have one name.
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if not self.parameters or len(set(self.names)) != len(self.parameters):
            raise ParameterError('a space needs at least one parameter, and all names must be different')

    @property
    def dimension(self) -> int:
        """Number of parameters searched."""
        return len(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """(n,) of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def labels(self) -> dict[str, str]:
        """Name and meaning of each parameter, by its name."""
        return {parameter.name: parameter.label for parameter in self.parameters}

    @property
    def low(self) -> tuple[float, ...]:
        """(n,) lower bounds."""
        return tuple(parameter.low for parameter in self.parameters)

    @property
    def high(self) -> tuple[float, ...]:
        """(n,) upper bounds."""
        return tuple(parameter.high for parameter in self.parameters)

    @property
    def first_shares(self) -> tuple[float, ...]:
        """(n,) shares of the ranges that first trials are spread over."""
        return tuple(parameter.first_share for parameter in self.parameters)

    @property
    def neutral(self) -> Parameters:
        """The policy that changes nothing."""
        return Parameters(self.names, tuple(parameter.neutral for parameter in self.parameters))

    def kept(self, place: 'Place') -> Parameters:
        """The policy there as it may stay in force: with the parameters of this space, within its bounds."""
        return self.at(self.clip(self.values(place)))

    def at(self, values: Iterable[float]) -> Parameters:
        """The policy with these values (n,)."""
        return Parameters(self.names, tuple(values))

    def values(self, place: Place) -> tuple[float, ...]:
        """(n,) the values there in the order of this space; neutral where a policy does not have a parameter.

        Raises:
            ParameterError: a program is there.
        """
        if isinstance(place, Sequence | np.ndarray):
            return tuple(place)
        policy = require_parameters(policy_of(place))
        if policy.names == self.names:
            return policy.values
        known = policy.as_json()
        return tuple(known.get(each.name, each.neutral) for each in self.parameters)

    def contains(self, place: Place, tolerance: float = 1e-9) -> bool:
        """Whether every value is within its bounds."""
        rows = zip(self.values(place), self.low, self.high, strict=True)
        return all(low - tolerance <= value <= high + tolerance for value, low, high in rows)

    def clip(self, values: Iterable[float]) -> tuple[float, ...]:
        """The nearest values (n,) within the bounds."""
        return tuple(float(v) for v in np.clip(np.asarray(tuple(values)), self.low, self.high))

    def rounded(self, values: Iterable[float]) -> tuple[float, ...]:
        """The values (n,) as they are proposed: to each parameter's digits, within the bounds."""
        pairs = zip(values, self.parameters, strict=True)
        return self.clip(round(float(value), parameter.digits) for value, parameter in pairs)

    def unit(self, place: Place) -> Array:
        """(n,) the values there, scaled to -1 (lower bound) ... +1 (upper bound)."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        return (2.0 * np.asarray(self.values(place)) - low - high) / (high - low)

    def from_unit(self, unit: Sequence[float] | Array) -> tuple[float, ...]:
        """The values (n,) of a point of the cube -1 ... +1."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        return self.clip(0.5 * (low + high + np.asarray(unit) * (high - low)))

    def sample(self, generator: np.random.Generator) -> Parameters:
        """A policy drawn uniformly within the bounds."""
        return self.at(float(value) for value in generator.uniform(self.low, self.high))
