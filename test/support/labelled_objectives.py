"""Sentences that two readers labelled independently, and whether terms say what one of them understood."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from paths import ROOT

from llm_policy_improver.core.understanding import Understanding
from llm_policy_improver.table_tennis.measures import MEASURES
from llm_policy_improver.table_tennis.measures.landing import LANDING_Y

SHORT: Final = 0.2
"""m behind the net: as good as "as short as possible"."""

_FILE: Final[Path] = ROOT / 'test' / 'unit' / 'table_tennis' / 'objectives.jsonl'


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence and what two readers took it to mean.

    Attributes:
        sentence: as a person might say it.
        plain: whether both called it plain: an edge, a corner, the middle, a point, an arc, or several of them.
        held_out: which set that nobody who wrote the vocabulary saw before it was measured, from 1; 0: none of them.
        readings: terms that a person may mean, each with how far its numbers may be off; none where nobody sees any.
    """

    sentence: str
    plain: bool
    held_out: int
    readings: tuple[dict[str, Any], ...]

    def accepts(self, understanding: Understanding) -> bool:
        """Whether the terms are one of the readings, within its tolerance."""
        got = {term['measure']: term['want'] for term in understanding.as_json()['terms']}
        return any(_same(got, reading) for reading in self.readings)

    def measured(self, understanding: Understanding) -> bool:
        """Whether it was understood, and as a reader did."""
        return understanding.understood and self.accepts(understanding)


def labelled() -> list[Labelled]:
    """All of them, in their order."""
    rows = map(json.loads, _FILE.read_text('utf-8').splitlines())
    return [Labelled(row['sentence'], row['plain'], row['held_out'], tuple(row['readings'])) for row in rows]


def _same(got: dict[str, Any], reading: dict[str, Any]) -> bool:
    wanted = {term['measure']: term['want'] for term in reading['terms']}
    return got.keys() == wanted.keys() and all(
        _near(name, got[name], wanted[name], reading['tolerance']) for name in got
    )


def _near(name: str, got: Any, wanted: Any, tolerance: float) -> bool:
    if isinstance(got, list) != isinstance(wanted, list):
        return False
    ends, others = _ends(name, got), _ends(name, wanted)
    if name == LANDING_Y.name and wanted == 'min' and ends[1] <= SHORT:
        return True
    return all(abs(end - other) <= tolerance + 1e-9 for end, other in zip(ends, others, strict=True))


def _ends(name: str, want: Any) -> tuple[float, float]:
    measure = next(each for each in MEASURES if each.name == name)
    if isinstance(want, str):
        want = measure.high if want == 'max' else measure.low
    low, high = want if isinstance(want, list) else (want, want)
    return measure.low if low is None else low, measure.high if high is None else high
