"""What is measured of a return: places in the frame of the table, heights, times and speeds.

A new measure is a file with a `measured.Measured`, and one line here; prompts, regressions, records, messages and
objectives follow.
"""

from collections.abc import Mapping
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Final

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.table_tennis.measures.measured import Measured

REGISTERED: Final = (
    '.landing:X',
    '.landing:Y',
    '.height:PEAK',
    '.height:CLEARANCE',
    '.landing:TIME',
    '.speed:SPEED',
)
"""``'.module:name'`` in this package; or ``'package.module:name'``."""


def registered(places: tuple[str, ...]) -> Mapping[str, Measured]:
    """The measures at these places by their names, in this order."""
    found = [resolve_name(f'{__name__}{place}' if place.startswith('.') else place) for place in places]
    return MappingProxyType({each.measure.name: each for each in found})


MEASURED: Final = registered(REGISTERED)
"""By name, with how each is measured."""

MEASURES: Final[tuple[Measure, ...]] = tuple(each.measure for each in MEASURED.values())
"""All that an objective may be about."""
