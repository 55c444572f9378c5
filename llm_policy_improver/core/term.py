"""Terms of an objective: what is wanted of one measure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from llm_policy_improver.core.measure import Measure


class TermError(ValueError):
    """A term makes no sense: an unknown measure, or a wanted value that no trial can have."""


class Extreme(StrEnum):
    """Wanted as small, or as large, as possible."""

    SMALLEST = 'min'
    LARGEST = 'max'


Want = float | tuple[float, float] | Extreme
"""A value, a range whose open end is infinite, or an extreme."""


@dataclass(frozen=True, slots=True)
class Term:
    """What is wanted of one measure.

    Attributes:
        measure: of the task.
        want: a value, a range or an extreme, in the measure's unit.
        weight: beside the other terms of the objective.

    Raises:
        TermError: the wanted value or range lies outside of what a trial can have, or the weight is not above 0.
    """

    measure: Measure
    want: Want
    weight: float = 1.0

    def __post_init__(self) -> None:
        low, high = self.interval
        name, unit = self.measure.name, self.measure.unit
        if math.isnan(low) or math.isnan(high) or low > high:
            raise TermError(f'{name}: the wanted range must go up; got {low:g} to {high:g} {unit}')
        if not isinstance(self.want, Extreme) and (low > self.measure.high or high < self.measure.low):
            raise TermError(
                f'{name} can be {self.measure.low:g} to {self.measure.high:g} {unit}; got {_number_text(self.want)}'
            )
        if not 0.0 < self.weight < math.inf:
            raise TermError(f'{name}: the weight must be above 0; got {self.weight:g}')

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest value that leave nothing to be wanted; an open end is infinite."""
        if self.want is Extreme.LARGEST:
            return self.measure.high, math.inf
        if self.want is Extreme.SMALLEST:
            return -math.inf, self.measure.low
        return self.want if isinstance(self.want, tuple) else (self.want, self.want)

    @property
    def target(self) -> tuple[float, float]:
        """The interval to steer for: as `interval`, but an extreme is the end of the measure's range."""
        if isinstance(self.want, Extreme):
            end = self.measure.low if self.want is Extreme.SMALLEST else self.measure.high
            return end, end
        return self.interval

    @property
    def aim(self) -> tuple[float, float]:
        """The interval to plan for: that of `target` with the measure's margins kept."""
        low, high = self.target
        return self.measure.planned(low), self.measure.planned(high)

    def gap(self, value: float) -> float:
        """What is missing of the wanted interval, weighted: negative below, positive above it, 0 within."""
        low, high = self.interval
        return self.weight * self.measure.weight * (max(value - high, 0.0) - max(low - value, 0.0))

    def as_json(self) -> dict[str, Any]:
        """Plain data; `from_json` reads it."""
        want: Any = self.want
        if isinstance(self.want, Extreme):
            want = self.want.value
        elif isinstance(self.want, tuple):
            want = [None if math.isinf(end) else end for end in self.want]
        return {'measure': self.measure.name, 'want': want, 'weight': self.weight}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], measures: Sequence[Measure]) -> 'Term':
        """Of what `as_json` gave, or what a language model wrote in its form.

        Raises:
            TermError: it is not of that form, or names no measure of these.
        """
        known = {measure.name: measure for measure in measures}
        name, want = data.get('measure'), data.get('want')
        if name not in known:
            raise TermError(f'unknown measure {name!r}; there are {", ".join(known)}')
        weight = data.get('weight', 1.0)
        if not _is_number(weight):
            raise TermError(f'{name}: the weight must be a number; got {weight!r}')
        return cls(known[name], _read_want(name, want), float(weight))


def _read_want(name: str, want: Any) -> Want:
    if isinstance(want, str) and want in tuple(Extreme):
        return Extreme(want)
    if _is_number(want):
        return float(want)
    if (
        isinstance(want, list | tuple)
        and len(want) == 2
        and all(end is None or _is_number(end) for end in want)
    ):
        low, high = want
        return (-math.inf if low is None else float(low), math.inf if high is None else float(high))
    raise TermError(f'{name}: want must be a number, a range [low, high], "min" or "max"; got {want!r}')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number_text(want: Want) -> str:
    return f'{want[0]:g} to {want[1]:g}' if isinstance(want, tuple) else f'{want:g}'
