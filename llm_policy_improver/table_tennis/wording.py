"""Terms in plain words: one sentence that says what will be aimed at."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures import MEASURES

CLOSE: Final = 0.3
"""m; a landing nearer than this to the line that it is wanted at is told by its distance from that line."""

_EXTREMES: Final[Mapping[str, tuple[str, str]]] = {
    'landing_x': ('as far left as possible', 'as far right as possible'),
    'landing_y': ('as close to the net as possible', 'as close to the far end as possible'),
    'peak_height': ('as low an arc as possible', 'as high an arc as possible'),
    'net_clearance': ('as low over the net as possible', 'as high over the net as possible'),
    'landing_time': ('as soon after the hit as possible', 'as late after the hit as possible'),
    'hit_speed': ('as softly as possible', 'as hard as possible'),
}
"""The least and the most of each measure."""
_CORNERS: Final = {
    (Extreme.SMALLEST, Extreme.SMALLEST): 'in the near left corner',
    (Extreme.SMALLEST, Extreme.LARGEST): 'in the far left corner',
    (Extreme.LARGEST, Extreme.SMALLEST): 'in the near right corner',
    (Extreme.LARGEST, Extreme.LARGEST): 'in the far right corner',
}


def wording(terms: Sequence[Term]) -> str:
    """The terms in words, e.g. ``'0.10 m inside the left side line, 0.69 m beyond the net'``.

    Args:
        terms: over `MEASURES`, each measure once, in any order.

    Raises:
        ValueError: there are no terms.
    """
    if not terms:
        raise ValueError('no terms, nothing to be put in words')
    order = {measure.name: place for place, measure in enumerate(MEASURES)}
    ordered = sorted(terms, key=lambda term: order[term.measure.name])
    weighted = len({term.weight for term in ordered}) > 1
    corner = None if weighted else _corner(ordered)
    parts = [] if corner is None else [corner]
    for term in ordered if corner is None else ordered[2:]:
        parts.append(_term(term) + (f' (weight {term.weight:g})' if weighted else ''))
    return ', '.join(parts)


def _corner(terms: Sequence[Term]) -> str | None:
    if [term.measure.name for term in terms[:2]] != ['landing_x', 'landing_y']:
        return None
    x, y = terms[0].want, terms[1].want
    return _CORNERS[x, y] if isinstance(x, Extreme) and isinstance(y, Extreme) else None


def _term(term: Term) -> str:
    name = term.measure.name
    if isinstance(term.want, Extreme):
        return _EXTREMES[name][term.want is Extreme.LARGEST]
    if isinstance(term.want, tuple):
        low, high = term.want
        # At the edges of the table, and at nothing at all, a range is open.
        low = low if low > term.measure.low else -math.inf
        high = high if high < term.measure.high or name not in ('landing_x', 'landing_y') else math.inf
        return f'any {name}' if math.isinf(low) and math.isinf(high) else _RANGES[name](low, high)
    return _VALUES[name](term.want)


def _x(x: float) -> str:
    inside = table.HALF_WIDTH - abs(x)
    side = 'left' if x < 0.0 else 'right'
    if inside < CLOSE:
        return f'{inside:.2f} m inside the {side} side line'
    if abs(x) < 0.005:
        return 'on the centre line'
    return f'{abs(x):.2f} m {side} of the centre line'


def _y(y: float) -> str:
    short = table.HALF_LENGTH - y
    return f'{short:.2f} m short of the far end' if short < CLOSE else f'{y:.2f} m beyond the net'


def _x_range(low: float, high: float) -> str:
    if math.isinf(high):
        return 'anywhere in the right half' if low == 0.0 else _side_range(low, 'right', 'left')
    if math.isinf(low):
        return 'anywhere in the left half' if high == 0.0 else _side_range(-high, 'left', 'right')
    if low < 0.0 < high:
        return f'between {-low:.2f} m left and {high:.2f} m right of the centre line'
    near, far = sorted((abs(low), abs(high)))
    return f'between {near:.2f} and {far:.2f} m {"left" if low < 0.0 else "right"} of the centre line'


def _side_range(least: float, side: str, other: str) -> str:
    """All that is further to the side than ``least`` metres from the centre line."""
    if least > 0.0:
        return f'at least {least:.2f} m {side} of the centre line'
    return f'anywhere but further {other} than {-least:.2f} m {other} of the centre line'


def _range(said: str, unit: str) -> Callable[[float, float], str]:
    """A range in words; ``said`` holds a place for it."""

    def say(low: float, high: float) -> str:
        if math.isinf(high):
            return said.format(f'at least {low:.2f} {unit}')
        return said.format(
            f'at most {high:.2f} {unit}' if math.isinf(low) else f'between {low:.2f} and {high:.2f} {unit}'
        )

    return say


def _value(said: str, unit: str) -> Callable[[float], str]:
    return lambda value: said.format(f'{value:.2f} {unit}')


_PHRASES: Final = {
    'landing_y': ('{} beyond the net', 'm'),
    'peak_height': ('rising to {} above the table', 'm'),
    'net_clearance': ('{} above the net', 'm'),
    'landing_time': ('{} after the hit', 's'),
    'hit_speed': ('hit at {}', 'm/s'),
}
_VALUES: Final[Mapping[str, Callable[[float], str]]] = {
    **{name: _value(*phrase) for name, phrase in _PHRASES.items()}, 'landing_x': _x, 'landing_y': _y,
}  # fmt: skip
_RANGES: Final[Mapping[str, Callable[[float, float], str]]] = {
    **{name: _range(*phrase) for name, phrase in _PHRASES.items()}, 'landing_x': _x_range,
}  # fmt: skip
