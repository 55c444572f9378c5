"""A measure of a return, and how its value is got from what was seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.table_tennis.tracing.observed import Outcome
from llm_policy_improver.table_tennis.tracing.return_flight import ReturnFlight

FLOWN: Final = frozenset({Outcome.LANDED, Outcome.OWN_SIDE})
"""Their landing is that of a free flight: a ball too short says how much it was too short."""
CROSSED: Final = frozenset({Outcome.LANDED, Outcome.OUT})
"""Their flight past the net is a free one."""
HIT: Final = frozenset({Outcome.LANDED, Outcome.OUT, Outcome.OWN_SIDE, Outcome.NET})


@dataclass(frozen=True, slots=True)
class Measured:
    """What is registered.

    Attributes:
        measure: name, unit, range and meaning.
        value: from a ball that was hit and what became of it; None where it cannot be measured.
    """

    measure: Measure
    value: Callable[[ReturnFlight, Outcome], float | None]
