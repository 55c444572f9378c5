"""What is improved: a policy, either numbers in a named space or the text of a program."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class ParameterError(ValueError):
    """Parameters, or the bounds of their space, are not what they must be."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A policy that is a vector in a named space.

    Attributes:
        names: (n,) of the parameters, all different.
        values: (n,) finite, in the units of the space they come from.

    Raises:
        ParameterError: the lengths differ, a name comes twice, or a value is not finite.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        try:
            values = tuple(map(float, self.values))
        except (TypeError, ValueError, OverflowError) as error:
            raise ParameterError(f'every parameter must be a finite number: {error}') from None
        object.__setattr__(self, 'names', tuple(self.names))
        object.__setattr__(self, 'values', values)
        if len(self.names) != len(values):
            raise ParameterError(
                f'a policy needs one number a parameter, {", ".join(self.names)}; got {len(values)}'
            )
        if len(set(self.names)) != len(self.names):
            raise ParameterError(
                f'the names of parameters must all be different; got {", ".join(self.names)}'
            )
        if not all(map(math.isfinite, values)):
            wrong = [f'{name} is {value}' for name, value in self.items() if not math.isfinite(value)]
            raise ParameterError(f'every parameter must be a finite number; {", ".join(wrong)}')

    def items(self) -> Iterable[tuple[str, float]]:
        """Names and values, in their order."""
        return zip(self.names, self.values, strict=True)

    def as_json(self) -> dict[str, float]:
        """Plain data."""
        return dict(self.items())

    def __str__(self) -> str:
        return ' '.join(f'{value:.3f}' for value in self.values)


@dataclass(frozen=True, slots=True)
class Program:
    """A policy that is source text.

    Attributes:
        source: the whole text.
        entry: name of the class or function that acts.
    """

    source: str
    entry: str

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {'source': self.source, 'entry': self.entry}

    def __str__(self) -> str:
        return f'{self.entry}, a program of {len(self.source.splitlines())} lines'


Policy = Parameters | Program


def policy_from_json(data: Mapping[str, Any]) -> Policy:
    """The policy of what `as_json` of either kind gave.

    Raises:
        ParameterError: it is neither a program nor holds numbers alone.
    """
    source, entry = data.get('source'), data.get('entry')
    if isinstance(source, str) and isinstance(entry, str) and len(data) == 2:
        return Program(source, entry)
    return parameters_from_json(data)


def parameters_from_json(data: Mapping[str, Any]) -> Parameters:
    """The parameters of what `Parameters.as_json` gave.

    Raises:
        ParameterError: it holds anything but numbers.
    """
    return Parameters(tuple(data), tuple(data.values()))


def require_parameters(policy: Policy) -> Parameters:
    """The policy, where only numbers can be used.

    Raises:
        ParameterError: it is a program.
    """
    if isinstance(policy, Program):
        raise ParameterError(f'numbers are needed here, and the policy is the program {policy.entry}')
    return policy
