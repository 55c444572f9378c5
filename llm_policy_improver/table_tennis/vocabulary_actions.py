"""What the numbers in an objective come to: values and ranges of measures, computed from the lines of the table."""

import math
from collections.abc import Mapping
from typing import Final

from llm_policy_improver.core.phrases import Action, Values
from llm_policy_improver.core.term import Extreme, Want
from llm_policy_improver.table_tennis.ball import table

Atom = tuple[str, Want]
"""A measure's name and what is wanted of it."""


def _floats(values: Values) -> list[float]:
    return [value for value in values if isinstance(value, float)]


def _atoms(values: Values) -> list[Atom]:
    return [value for value in values if isinstance(value, tuple) and isinstance(value[0], str)]


def _extent(values: Values) -> tuple[float, float]:
    """The lowest and the highest wanted length, in metres."""
    return next(value for value in values if isinstance(value, tuple) and isinstance(value[0], float))


def _want(low: float, high: float) -> Want:
    return low if low == high else (min(low, high), max(low, high))


def _product(values: Values) -> Values:
    return (math.prod(_floats(values)), *_marks(values))


def _marks(values: Values) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _pair_in_unit(values: Values) -> Values | None:
    x, y, unit = _floats(values)
    # "0.3, 0.9 cm" is hardly meant for both.
    return (
        (x * unit, y * unit)
        if unit == 1.0 or all(value == 0.0 or abs(value) >= 1.0 for value in (x, y))
        else None
    )


def _decimals(values: Values) -> Values:
    return (sum(digit / 10**place for place, digit in enumerate(_floats(values), start=1)),)


def _exactly(values: Values) -> Values | None:
    (value,) = _floats(values)
    return ((value, value),) if value >= 0.0 else None


def _span(values: Values) -> Values | None:
    low, high = _floats(values) if len(values) > 1 else _extent(values)
    return ((low, high),) if 0.0 <= low <= high else None


def _span_in_unit(values: Values) -> Values:
    low, high, unit = _floats(values)
    return ((low * unit, high * unit),)


def _at_least(values: Values) -> Values:
    return ((*_floats(values), math.inf),)


def _at_most(values: Values) -> Values:
    return ((0.0, *_floats(values)),)


def _named(*names: str) -> Action:
    """The numbers are wanted of these measures, in their order."""

    def make(values: Values) -> Values:
        return (*zip(names, _floats(values), strict=True), *_marks(values))

    return make


def _ranged(name: str) -> Action:
    def make(values: Values) -> Values:
        return ((name, _want(*_floats(values))),)

    return make


def _of_extent(name: str, sign: float = 1.0) -> Action:
    def make(values: Values) -> Values:
        low, high = _extent(values)
        return ((name, _want(sign * low, sign * high)),)

    return make


def _where(atom: Atom) -> tuple[float, float]:
    """The coordinate of a line, and the way inwards from it: 1 or -1."""
    name, want = atom
    if isinstance(want, float):
        return want, 0.0
    if name == 'landing_x':
        return (table.HALF_WIDTH, -1.0) if want is Extreme.LARGEST else (-table.HALF_WIDTH, 1.0)
    return (table.HALF_LENGTH, -1.0) if want is Extreme.LARGEST else (0.0, 1.0)


def _from_lines(values: Values) -> Values:
    low, high = _extent(values)
    lines = {atom[0]: _where(atom) for atom in _atoms(values)}
    return tuple((name, _want(at + way * low, at + way * high)) for name, (at, way) in lines.items())


def _from_corner(values: Values) -> Values | None:
    lines = dict(_atoms(values))
    if len(lines) == 1 and 'landing_x' in lines:
        values = (*values, ('landing_y', Extreme.LARGEST))
    return _from_lines(values) if 'landing_x' in lines else None


def _to_the_side(values: Values) -> Values | None:
    ((name, side),) = _atoms(values)
    return _of_extent(name, 1.0 if side is Extreme.LARGEST else -1.0)(values)


def _across_centre(values: Values) -> Values:
    left, right = _floats(values)
    return (('landing_x', (-left, right)),)


def _between(values: Values) -> Values | None:
    """A part of the way between two lines that run side by side."""
    (part,) = _floats(values)
    (name, _), (other, _) = first, second = _atoms(values)
    start, end = _where(first)[0], _where(second)[0]
    return ((name, start + part * (end - start)),) if name == other and start != end else None


def _of_depth(values: Values) -> Values:
    (part,) = _floats(values)
    return (('landing_y', part * table.HALF_LENGTH),)


NUMBER_ACTIONS: Final[Mapping[str, Action]] = {
    'pair_in_unit': _pair_in_unit,
    'decimals': _decimals, 'count': _product, 'measured': _product, 'coordinate': _product, 'fraction': _product,
    'length': _exactly, 'metres': _exactly, 'span': _span, 'span_in_unit': _span_in_unit,
    'at_least': _at_least, 'at_most': _at_most,
    'x_is': _named('landing_x'), 'y_is': _named('landing_y'), 'x_range': _ranged('landing_x'),
    'y_range': _ranged('landing_y'), 'pair': _named('landing_x', 'landing_y'),
    'pair_in': _named('landing_x', 'landing_y'),
    'from_line': _from_lines, 'from_corner': _from_corner, 'of_centre': _to_the_side,
    'across_centre': _across_centre, 'to_the_side': _to_the_side,
    'over_the_table': _of_extent('landing_y'), 'between_lines': _between, 'part_of_way': _between,
    'middle_between': _between, 'of_depth': _of_depth,
    'peak': _of_extent('peak_height'), 'over_net': _of_extent('net_clearance'),
    'speed': lambda values: (('hit_speed', math.prod(_floats(values))),),
    'seconds': _product, 'time': _named('landing_time'),
}  # fmt: skip
"""By the rules of `vocabulary_numbers`."""
