"""Measures: the named numbers of a trial, with unit, range and meaning."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """A named number of a trial; the task says which it has, and objectives are terms over them.

    Attributes:
        name: in records, prompts and objectives, e.g. ``'landing_x'``.
        unit: e.g. ``'m'``.
        meaning: what it is, as a noun phrase for people and prompts.
        low, high: range of a trial that fulfils what must hold; "as small, as large as possible" mean these ends.
        margins: distances from ``low`` and ``high`` that are kept when a trial is planned; 0 where an end is none
            that could be missed.
        less, more: what a smaller and a larger value are called, e.g. ``'left'`` and ``'right'``.
        told_by: outcomes in which its value tells what the policy does; in others it may be there, but by accident.
        weight: of one unit, in a distance over several measures.
        digits: decimals that mean something.
        short: heading of its column in tables; the name where empty.
        usual: whether it is looked at whatever the objective is about.
        carried_on: name of the value that a failed trial has in its place, where it has one: what the measure would
            have been, e.g. where a ball that missed the table met its plane. Empty where there is none.

    Raises:
        ValueError: the range is upside down or a margin negative.
    """

    name: str
    unit: str
    meaning: str
    low: float
    high: float
    margins: tuple[float, float] = (0.0, 0.0)
    less: str = 'less'
    more: str = 'more'
    told_by: frozenset[str] = frozenset()
    weight: float = 1.0
    digits: int = 3
    short: str = ''
    usual: bool = True
    carried_on: str = ''

    @property
    def column(self) -> str:
        """Heading of its column in tables."""
        return self.short or self.name

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f'{self.name}: the range must not be empty; got {self.low:g} to {self.high:g}')
        if min(self.margins) < 0.0:
            raise ValueError(f'{self.name}: margins must not be negative; got {self.margins}')

    def planned(self, value: float) -> float:
        """The nearest value that keeps the margins."""
        below, above = self.margins
        low = self.low + below if below else -math.inf
        high = self.high - above if above else math.inf
        return min(max(value, low), high)
