"""What the person asked, in their words, and a measure of progress where the words allow one.

The words always reach the language model as they are. The measure serves the numeric optimizers, the
progress lines and the ranking of trials.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from llm_policy_improver import table
from llm_policy_improver.trace import ExecutionTrace

HIGH_ARC: Final = 1.0
"""m above the table: the peak that "as high as possible" is measured against."""

MEASURABLE: Final = (
    'far right, far left, far end, near the net, a corner ("far left corner"), middle of the table, '
    'combinations ("right and short"), a point in metres ("at (0.3, 0.9)"), highest arc, lowest over the net'
)
"""For people: the objectives that can be measured."""


class ObjectiveError(ValueError):
    """The objective is empty, or cannot be measured where a measure is needed."""


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
        named = {
            'right edge of the table': self.x == table.HALF_WIDTH,
            'left edge of the table': self.x == -table.HALF_WIDTH,
            'far end of the table': self.y == table.HALF_LENGTH,
            'net': self.y == 0.0,
        }
        places = [name for name, true in named.items() if true]
        if self.x is not None and self.y is not None:
            return f'distance of the landing to the point ({self.x:.2f}, {self.y:.2f}) m'
        if places:
            return f'distance of the landing to the {places[0]}'
        if self.x is not None:
            return f'sideways distance of the landing to x = {self.x:.2f} m'
        if self.y is not None:
            return f'distance of the landing to y = {self.y:.2f} m'
        if self.peak_height is not None:
            return f'height missing to a peak of {self.peak_height:.2f} m above the table'
        return 'clearance over the net'


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


_POINT = re.compile(
    r'\(?\s*(?:x\s*=\s*)?([-+]?\d*\.?\d+)\s*(?:m\b)?\s*[,;]?\s+(?:and\s+)?(?:y\s*=\s*)?([-+]?\d*\.?\d+)\s*(?:m\b)?\s*\)?'
)
_POINT_TIGHT = re.compile(r'\(\s*([-+]?\d*\.?\d+)\s*m?\s*[,;]\s*([-+]?\d*\.?\d+)\s*m?\s*\)')
_NEGATED = re.compile(
    r"\b(?:not|never|avoid|without|except|instead|unless|away|opposite|don't|dont|neither|nor|less|no)\b"
)
# "far right" speaks of the side: its "far" must not be read as depth.
_FAR_SIDE = re.compile(r'\b(?:far(?:thest)?|furthest|very)\s+(?:(?:to|on)\s+)?(?:the\s+)?(?=right|left)')
_FAR_CORNER = re.compile(r'\bcorner\b')
_NEAR_CORNER = re.compile(r'\bnear\s+(?:right|left)\s+corner\b')
# The opponent's left is the robot's right, if that is what is meant; and "30 cm from the right edge" is none
# of the places known here. The language model may make sense of them.
_OTHERS_SIDE = re.compile(r"\b(?:opponent|player|enem(?:y|ies))(?:'s|s'|s)?\s+(?:right|left)\b")
_LENGTH = re.compile(r'\d\s*(?:mm|cm|m|met(?:er|re)s?|centimet(?:er|re)s?|inch(?:es)?|in|ft|foot|feet)\b')
# "as far from the left edge as possible" means the opposite of the place it names.
_RELATIVE = re.compile(r'\bfrom\b|\b(?:half|third|quarter)\b')
_RIGHT = re.compile(r'\bright(?:most|wards?)?\b')
_LEFT = re.compile(r'\bleft(?:most|wards?)?\b')
_SHORT = re.compile(
    r'\b(?:short|drop\s*shot|(?:near|close|next|nearest|closest|just|right)\s+(?:to\s+)?(?:the\s+)?(?:behind\s+(?:the\s+)?|over\s+(?:the\s+)?)?net'
    r'|behind\s+the\s+net)\b'
)
_DEEP = re.compile(
    r'\b(?:deep(?:est)?|long(?:est)?|far(?:thest)?|furthest|(?:far|back|end)\s+(?:end|edge|line)|baseline|end\s+of\s+the\s+table)\b'
)
_MIDDLE = re.compile(r'\b(?:middle|cent(?:er|re)|central)\b')
_HIGH = re.compile(r'\b(?:high(?:est)?|lob|loop(?:ing)?)\b')
_LOW = re.compile(r'\b(?:low(?:est)?|flat(?:test)?|skim(?:ming)?|shallow(?:est)?)\b')


def _point(text: str) -> Goal | None:
    found = _POINT_TIGHT.search(text) or _POINT.search(text)
    if found is None:
        return None
    x, y = float(found[1]), float(found[2])
    if not table.on_opponents_half(x, y):
        raise ObjectiveError(
            f"the point ({x:g}, {y:g}) m is not on the opponent's half of the table: x must be within "
            f'{-table.HALF_WIDTH:g} and {table.HALF_WIDTH:g}, y between 0 and {table.HALF_LENGTH:g}'
        )
    return Goal(x=x, y=y)


def _goal(words: str) -> Goal | None:
    text = words.lower().replace('\u2019', "'")
    text = re.sub(r'\bright\s+now\b', '', text)
    if _NEGATED.search(text):
        return None
    if (point := _point(text)) is not None:
        return point
    if _OTHERS_SIDE.search(text) or _LENGTH.search(text) or _RELATIVE.search(text):
        return None
    text = _FAR_SIDE.sub('', text)
    # "right behind the net" is about depth alone.
    short = bool(_SHORT.search(text) or _NEAR_CORNER.search(text))
    sides = re.sub(r'\bright\s+(?=behind|over|at|after|next|in\b|into)', '', text)
    right, left = bool(_RIGHT.search(sides)), bool(_LEFT.search(sides))
    deep = bool(
        _DEEP.search(re.sub(r'as\s+far\s+(?:as\s+possible\s+)?(?:to\s+the\s+)?(?=right|left)', '', text))
    )
    middle, high, low = (bool(pattern.search(text)) for pattern in (_MIDDLE, _HIGH, _LOW))
    if _FAR_CORNER.search(text) and not short:
        if right == left:
            return None
        deep = True
    if (right and left) or (short and deep) or (high and low):
        return None
    x = table.HALF_WIDTH if right else -table.HALF_WIDTH if left else None
    y = table.HALF_LENGTH if deep else 0.0 if short else None
    if middle:
        x = 0.0 if x is None else x
        y = table.HALF_LENGTH / 2 if y is None else y
    goal = Goal(x=x, y=y, peak_height=HIGH_ARC if high else None, net_clearance=0.0 if low else None)
    return None if goal == Goal() else goal


def parse_objective(words: str) -> Objective:
    """Read the person's words; the objective has a goal only where they clearly name a measurable one.

    Raises:
        ObjectiveError: the words are empty, or name a point beside the opponent's half of the table.
    """
    words = ' '.join(words.split())
    if not words:
        raise ObjectiveError(
            'the objective is empty: say in plain words where the ball should go, e.g. "as far right as possible"'
        )
    return Objective(words, _goal(words))


def require_measurable(objective: Objective, why: str) -> None:
    """Raise `ObjectiveError`, listing what can be measured, where the objective has no measure."""
    if objective.goal is None:
        raise ObjectiveError(
            f'"{objective.words}" names nothing that can be measured, and {why}. Measurable are: {MEASURABLE}'
        )
