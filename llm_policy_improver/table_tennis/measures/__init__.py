"""What is measured of a return: places in the frame of the table, heights, times and speeds.

A new measure is a file with a `measured.Measured`, and one line here; prompts, regressions, records, messages and
objectives follow.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.registered import registered
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


_FOUND: Final[tuple[Measured, ...]] = tuple(registered(place, __name__) for place in REGISTERED)

MEASURED: Final[Mapping[str, Measured]] = MappingProxyType({each.measure.name: each for each in _FOUND})
"""By name, with how each is measured."""

MEASURES: Final[tuple[Measure, ...]] = tuple(each.measure for each in _FOUND)
"""All that an objective may be about."""
