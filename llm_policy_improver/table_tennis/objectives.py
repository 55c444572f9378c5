"""What the words of an objective mean on the table, where they clearly name places, points or arcs."""

import re
from dataclasses import dataclass, replace
from typing import Final

from llm_policy_improver.core.objective import Objective, ObjectiveError, cleaned_words
from llm_policy_improver.core.term import Extreme, Term, Want
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures import (
    HIGH_ARC,
    LANDING_X,
    LANDING_Y,
    NET_CLEARANCE,
    PEAK_HEIGHT,
)

MEASURABLE: Final = (
    'far right, far left, far end, near the net, a corner ("far left corner"), middle of the table, '
    'combinations ("right and short"), a point in metres ("at (0.3, 0.9)"), highest arc, lowest over the net'
)
"""For people: the objectives that can be measured."""


@dataclass(frozen=True, slots=True)
class _Places:
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

    def terms(self) -> tuple[Term, ...]:
        """The same as terms over measures."""
        pairs = (
            (LANDING_X, self.x),
            (LANDING_Y, self.y),
            (PEAK_HEIGHT, self.peak_height),
            (NET_CLEARANCE, self.net_clearance),
        )
        terms = []
        for measure, value in pairs:
            if value is not None:
                ends: dict[float, Want] = {measure.low: Extreme.SMALLEST, measure.high: Extreme.LARGEST}
                terms.append(Term(measure, ends.get(value, value)))
        return tuple(terms)


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


def _point(text: str) -> tuple[_Places | None, str]:
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
        return _Places(x=x, y=y), around
    if bracketed is None:
        return None, text
    raise ObjectiveError(
        f"the point ({x:g}, {y:g}) m is not on the opponent's half of the table: x must be within "
        f'{-table.HALF_WIDTH:g} and {table.HALF_WIDTH:g}, y between 0 and {table.HALF_LENGTH:g}'
    )


def _goal(words: str) -> _Places | None:
    text = words.lower().replace('\u2019', "'").replace('\u2212', '-')
    text = _COUNT.sub('', re.sub(r'\bright\s+now\b', '', text))
    if _NEGATED.search(text):
        return None
    point, text = _point(text)
    high, low = bool(_HIGH.search(text)), bool(_LOW.search(text))
    if high and low:
        return None
    height = _Places(peak_height=HIGH_ARC if high else None, net_clearance=0.0 if low else None)
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
    return None if goal == _Places() else goal


def parse_objective(words: str) -> Objective:
    """Read the person's words; the objective has terms only where they clearly name something measurable.

    Of the words, what cannot be stored or shown is left out or replaced: see `core.chat.clean_text`.

    Raises:
        ObjectiveError: the words are empty, too long, or name a point beside the opponent's half of the table.
    """
    words = cleaned_words(words)
    goal = _goal(words)
    return Objective(words) if goal is None else Objective(words, goal.terms(), goal.describe())


def require_measurable(objective: Objective, why: str) -> None:
    """Raise `ObjectiveError`, listing what can be measured, where the objective has no measure."""
    if not objective.measurable:
        raise ObjectiveError(
            f'"{objective.words}" names nothing that can be measured, and {why}. Measurable are: {MEASURABLE}'
        )
