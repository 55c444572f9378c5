"""What the person asked, in their words, and a measure of progress where the words allow one.

The words always reach the language model as they are. The measure serves the numeric optimizers, the
progress lines and the ranking of trials.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from llm_policy_improver.core.chat import clean_text
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.table_tennis.ball import table

MAX_CHARACTERS: Final = 1000
"""Of an objective."""

HIGH_ARC: Final = 1.0
"""m above the table: the peak that "as high as possible" is measured against."""

MEASURABLE: Final = (
    'far right, far left, far end, near the net, a corner ("far left corner"), middle of the table, '
    'combinations ("right and short"), a point in metres ("at (0.3, 0.9)"), highest arc, lowest over the net'
)
"""For people: the objectives that can be measured."""


class ObjectiveError(ValueError):
    """The objective is empty or too long, or cannot be measured where a measure is needed."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Wanted values of a return; those left at None do not count.

    Attributes:
        x: m, landing to the robot's right.
        y: m, landing beyond the net.
        peak_height: m above the table.
        net_clearance: m above the net.
    """

    x: float | None = None
    y: float | None = None
    peak_height: float | None = None
    net_clearance: float | None = None

    def distance(
        self, x: float, y: float, peak_height: float | None = None, net_clearance: float | None = None
    ) -> float:
        """Euclidean distance in metres from these values to the wanted ones, over those that count."""
        pairs = (
            (x, self.x),
            (y, self.y),
            (peak_height, self.peak_height),
            (net_clearance, self.net_clearance),
        )
        gaps = [
            math.inf if value is None else value - wanted for value, wanted in pairs if wanted is not None
        ]
        return math.hypot(*gaps)

    def describe(self) -> str:
        """The measure in words, for people and for prompts."""
        parts = self._parts()
        if len(parts) < 2:
            return ''.join(parts)
        return f'root of the summed squares of the {", the ".join(parts[:-1])} and the {parts[-1]}'

    def _parts(self) -> list[str]:
        """A name for each distance that counts."""
        edges = {table.HALF_WIDTH: 'right edge of the table', -table.HALF_WIDTH: 'left edge of the table'}
        ends = {table.HALF_LENGTH: 'far end of the table', 0.0: 'net'}
        parts = []
        if self.x is not None and self.y is not None:
            parts.append(f'distance of the landing to the point ({self.x:.2f}, {self.y:.2f}) m')
        elif self.x in edges:
            parts.append(f'distance of the landing to the {edges[self.x]}')
        elif self.x is not None:
            parts.append(f'sideways distance of the landing to x = {self.x:.2f} m')
        elif self.y in ends:
            parts.append(f'distance of the landing to the {ends[self.y]}')
        elif self.y is not None:
            parts.append(f'distance of the landing to y = {self.y:.2f} m')
        if self.peak_height is not None:
            parts.append(f'height missing to a peak of {self.peak_height:.2f} m above the table')
        if self.net_clearance == 0.0:
            parts.append('clearance over the net')
        elif self.net_clearance is not None:
            parts.append(f'difference of the clearance over the net to {self.net_clearance:.2f} m')
        return parts


@dataclass(frozen=True, slots=True)
class Objective:
    """The person's words and, where they allow it, the measurable goal behind them."""

    words: str
    goal: Goal | None = None

    def distance(self, trace: ExecutionTrace) -> float | None:
        """Metres from the trial's return to the goal; None without a good return or without a measure."""
        if self.goal is None or not trace.landed or trace.landing is None:
            return None
        distance = self.goal.distance(
            trace.landing.x, trace.landing.y, trace.peak_height, trace.net_clearance
        )
        return distance if math.isfinite(distance) else None

    @property
    def metric(self) -> str:
        """How progress is measured, in words; empty where the words allow no measure."""
        return '' if self.goal is None else self.goal.describe()

    def best(self, traces: Iterable[ExecutionTrace]) -> ExecutionTrace | None:
        """The trial nearest to the goal, the earlier one of equals; None where no trial can be ranked."""
        ranked = [(distance, trace) for trace in traces if (distance := self.distance(trace)) is not None]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


_NUMBER = r'([-+]?(?:\d+\.?\d*|\.\d+))'
_METRES = r'm(?:et(?:er|re)s?)?\b'
_PAIR = (
    rf'(?:x\s*[=:]?\s*)?{_NUMBER}\s*(?:{_METRES})?'
    rf'(?:\s*[,;]\s*(?:and\s+)?|\s+(?:and\s+)?)(?:y\s*[=:]?\s*)?{_NUMBER}(?!\.?\d)(?:\s*{_METRES})?'
)
_BRACKETED = re.compile(rf'[(\[]\s*{_PAIR}\s*[)\]]')
# Two numbers are a point only where the words say so: "0.5 and 0.3 m to the right" speaks of lengths.
_LOOSE = re.compile(
    rf'\b(?:(?:at|to|point)\s+(?:the\s+)?(?:point\s+)?|(?=x\s*[=:])){_PAIR}'
    r'(?!\s*[,;]?\s*(?:and\s+)?[-+]?\.?\d)(?!\s*(?:(?!(?:and|as|please|with)\b)[a-z]|%|\u00b0))'
)
_RANGE = re.compile(r'\b(?:between|from)\b')
# "left of (0.3, 0.9)" names another place than the point.
_RELATED = re.compile(
    r'\b(?:of|than|from|between|beyond|past|behind|above|below|before|outside)\s+(?:the\s+)?(?:point\s*)?$'
)
_FIGURE = re.compile(r'\d')
_COUNT = re.compile(r'(?<![\d.])\d+\s+(?:trials?|tries|attempts?|balls?|shots?|times)\b')
_NEGATED = re.compile(
    r"\b(?:not|never|avoid|without|except|instead|unless|away|opposite|don't|dont|neither|nor|less|no)\b"
)
# "far right" speaks of the side: its "far" must not be read as depth.
_FAR_SIDE = re.compile(r'\b(?:far(?:thest)?|furthest|very)\s+(?:(?:to|on)\s+)?(?:the\s+)?(?=right|left)')
_FAR_CORNER = re.compile(r'\bcorner\b')
_NEAR_CORNER = re.compile(r'\bnear\s+(?:right|left)\s+corner\b')
# The opponent's left is the robot's right, if that is what is meant: the language model may make sense of it.
_OTHERS_SIDE = re.compile(r"\b(?:opponent|player|enem(?:y|ies))(?:'s|s'|s)?\s+(?:right|left)\b")
# "as far from the left edge as possible" means the opposite of the place it names.
_RELATIVE = re.compile(r'\bfrom\b|\b(?:half|third|quarter)\b')
_RIGHT = re.compile(r'\bright(?:most|wards?)?\b')
_LEFT = re.compile(r'\bleft(?:most|wards?)?\b')
_SHORT = re.compile(
    r'\b(?:short|drop\s*shot|(?:near|close|next|nearest|closest|just)\s+(?:to\s+)?(?:the\s+)?(?:behind\s+(?:the\s+)?|over\s+(?:the\s+)?)?net'
    r'|behind\s+the\s+net)\b'
)
_DEEP = re.compile(
    r'\b(?:deep(?:est)?|far(?:thest)?|furthest|(?:far|back|end)\s+(?:end|edge|line)|baseline|end\s+of\s+the\s+table)\b'
)
# Rallies and pauses are long, too.
_LONG = re.compile(r'\blong(?:est)?\b')
_LONG_SHOT = re.compile(
    r'\blong(?:est)?\s+(?:shot|ball|return)\b|\b(?:shot|ball|return)\s+long\b|\bas\s+long\s+as\s+possible\b'
)
_RALLY = re.compile(r'\b(?:rall(?:y|ies)|game|match|play\s+on)\b')
# "right behind the net" is about depth alone; "the right over there" is the side.
_EXACTLY = re.compile(
    r'(?<!the )(?<!far )(?<!ther )(?<!more )(?<!deep )(?<!short )(?<!long )'
    r'\bright\s+(?=(?:on|in|at|behind|over|after|next|into|near|by)\b)'
)
_MIDDLE = re.compile(r'\b(?:middle|cent(?:er|re)|central)\b')
_HIGH = re.compile(r'\b(?:high(?:est)?|lob|loop(?:ing)?)\b')
_LOW = re.compile(r'\b(?:low(?:est)?|flat(?:test)?|skim(?:ming)?|shallow(?:est)?)\b')


def _point(text: str) -> tuple[Goal | None, str]:
    """The point that the text names, if any, and the text around it."""
    bracketed = _BRACKETED.search(text)
    found = bracketed or (None if _RANGE.search(text) else _LOOSE.search(text))
    if found is None:
        return None, text
    around = f'{text[: found.start()]} , {text[found.end() :]}'
    x, y = float(found[1]), float(found[2])
    if _FIGURE.search(around) or _RELATED.search(text[: found.start()]):
        return None, text
    if table.on_opponents_half(x, y):
        return Goal(x=x, y=y), around
    if bracketed is None:
        return None, text
    raise ObjectiveError(
        f"the point ({x:g}, {y:g}) m is not on the opponent's half of the table: x must be within "
        f'{-table.HALF_WIDTH:g} and {table.HALF_WIDTH:g}, y between 0 and {table.HALF_LENGTH:g}'
    )


def _goal(words: str) -> Goal | None:
    text = words.lower().replace('\u2019', "'").replace('\u2212', '-')
    text = _COUNT.sub('', re.sub(r'\bright\s+now\b', '', text))
    if _NEGATED.search(text):
        return None
    point, text = _point(text)
    high, low = bool(_HIGH.search(text)), bool(_LOW.search(text))
    if high and low:
        return None
    height = Goal(peak_height=HIGH_ARC if high else None, net_clearance=0.0 if low else None)
    if point is not None:
        return replace(height, x=point.x, y=point.y)
    # Other numbers are lengths, ranges, angles: none of the places known here.
    if _FIGURE.search(text) or _OTHERS_SIDE.search(text) or _RELATIVE.search(text):
        return None
    if (long := _LONG.search(text)) and _RALLY.search(text):
        return None
    text = _EXACTLY.sub('just ', text)
    text = _FAR_SIDE.sub('', text)
    short = bool(_SHORT.search(text) or _NEAR_CORNER.search(text))
    right, left = bool(_RIGHT.search(text)), bool(_LEFT.search(text))
    deep = bool(
        _DEEP.search(re.sub(r'as\s+far\s+(?:as\s+possible\s+)?(?:to\s+the\s+)?(?=right|left)', '', text))
    )
    if long and not deep:
        if not _LONG_SHOT.search(text):
            return None
        deep = True
    middle = bool(_MIDDLE.search(text))
    if _FAR_CORNER.search(text) and not short:
        if right == left:
            return None
        deep = True
    if (right and left) or (short and deep):
        return None
    x = table.HALF_WIDTH if right else -table.HALF_WIDTH if left else None
    y = table.HALF_LENGTH if deep else 0.0 if short else None
    if middle:
        x = 0.0 if x is None else x
        y = table.HALF_LENGTH / 2 if y is None else y
    goal = replace(height, x=x, y=y)
    return None if goal == Goal() else goal


def parse_objective(words: str) -> Objective:
    """Read the person's words; the objective has a goal only where they clearly name a measurable one.

    Of the words, what cannot be stored or shown is left out or replaced: see `clean_text`.

    Raises:
        ObjectiveError: the words are empty, longer than `MAX_CHARACTERS`, or name a point beside the
            opponent's half of the table.
    """
    # Spaces first: cleaning would join the words between which a line feed stands.
    words = ' '.join(clean_text(' '.join(words.split())).split())
    if not words:
        raise ObjectiveError(
            'the objective is empty: say in plain words where the ball should go, e.g. "as far right as possible"'
        )
    if len(words) > MAX_CHARACTERS:
        raise ObjectiveError(
            f'the objective has {len(words):,} characters, expected at most {MAX_CHARACTERS:,}: say in a few plain '
            'words where the ball should go'
        )
    return Objective(words, _goal(words))


def require_measurable(objective: Objective, why: str) -> None:
    """Raise `ObjectiveError`, listing what can be measured, where the objective has no measure."""
    if objective.goal is None:
        raise ObjectiveError(
            f'"{objective.words}" names nothing that can be measured, and {why}. Measurable are: {MEASURABLE}'
        )
