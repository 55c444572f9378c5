"""Reads out of an explanation in words what raising each parameter is said to do.

No grammar of English: a clause is opened by a parameter ("g: ...", "raising g ...", "g moves ...", "g +x"), and
in it words of direction and signed axes are claims. What is negated, unclear or contradicts itself is none.
Work grows linearly with the length of the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from llm_policy_improver.core.parameters import JOINTS, LETTERS
from llm_policy_improver.methods.sas.claim_words import (
    ADVERBS,
    AFTER_LONG,
    AFTER_RIGHT,
    AXES,
    BALL,
    BOUNDS,
    CONDITIONS,
    CONNECTORS,
    DIRECTIONS,
    ENDS,
    FLIGHT,
    KNOWN,
    LABELS,
    LITTLE,
    MOST_ADVERBS,
    MOVERS,
    NONE,
    NOT,
    PARTS,
    SETTINGS,
    SKIPPED,
    TURNED,
    TURNED_UP,
    TURNING,
    UNCLEAR,
    UP,
    UP_OR_DOWN,
    WEAK,
    sign_of,
    split,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What raising one parameter is said to do.

    Attributes:
        index: which parameter, in the order of `core.parameters.JOINTS`.
        quantity: ``'x'``, ``'y'``, ``'peak_height'`` or ``'net_clearance'``, as in `landing_model.QUANTITIES`.
        sign: +1 for more of it, -1 for less, 0 for no effect worth mentioning.
        name: what the parameter is called in the text.
    """

    index: int
    quantity: str
    sign: int
    name: str = field(default='', compare=False)


@dataclass(slots=True)
class _Part:
    """What is known halfway through a part of a clause, that is up to the next comma."""

    effects: list[tuple[str, int]] = field(default_factory=list)
    axes: list[str] = field(default_factory=list)
    sign: int | None = None
    dropped: bool = False
    none: bool = False
    weak: bool = False


class _Clause:
    """What is said about one or more parameters."""

    def __init__(self, indices: list[int], turned: int) -> None:
        self.indices = indices
        self._turned = turned
        self._part = _Part()
        self._claimed: dict[str, set[int]] = {}
        self._no_effect = False
        self.empty = True

    def read(self, tokens: Sequence[str], at: int) -> None:
        """Take in one token; its neighbours decide what it means."""
        token, part = tokens[at], self._part
        ahead = _ahead(tokens, at)
        after = tokens[at + 1] if at + 1 < len(tokens) else ''
        before = tokens[at - 1] if at else ''
        self.empty = False
        if after in BOUNDS:
            return  # "at its lower bound" is about the parameter
        if token in PARTS:
            self._end_part()
        elif token in UNCLEAR or _denied(token, after):
            part.dropped = True
        elif token in NONE or token in NOT or (token == 'little' and before != 'a'):
            part.none = True
            self._settle(0)
        elif token in WEAK:
            part.weak = True
        elif token in AXES:
            self._axis(AXES[token])
        elif token in TURNED and (
            after in SETTINGS or (token in TURNING and ahead not in AXES and ahead not in FLIGHT)
        ):
            self._turned = 1 if token in TURNED_UP else -1
        elif (effect := self._direction(token, before, after, ahead, tokens, at)) is not None:
            self._emit(*effect)
            part.axes.clear()
        elif (sign := sign_of(token)) is not None:
            self._settle(sign)
        elif token in UP_OR_DOWN:
            self._settle(1 if token in UP else -1)

    def _direction(
        self, token: str, before: str, after: str, ahead: str, tokens: Sequence[str], at: int
    ) -> tuple[str, int] | None:
        up = 1 if token in UP else -1
        if token in UP_OR_DOWN:
            if self._part.axes or ahead in AXES:
                return None
            if ahead in BALL and token not in ('more', 'less', 'up', 'down'):
                return 'peak_height', up
        if after in ('over', 'above') and token in ('higher', 'lower', 'further', 'more', 'less'):
            return 'net_clearance', up if token != 'further' else 1
        if token in ('nearer', 'closer') and 'net' in tokens[at + 1 : at + 4]:
            return 'y', -1
        if token in ('further', 'farther') and ahead in ('right', 'left'):
            return None
        if token in ('right', 'left') and (
            after in AFTER_RIGHT or 'from' in tokens[max(at - 2, 0) : at] or before == 'all'
        ):
            return None
        if token in ('long', 'deep', 'short') and (after in AFTER_LONG or before in ('as', 'so')):
            return None
        return DIRECTIONS.get(token)

    def _axis(self, quantity: str) -> None:
        part = self._part
        if part.none or part.sign is not None:
            self._emit(quantity, 0 if part.sign is None else part.sign)
            part.sign = None
        else:
            part.axes.append(quantity)

    def _settle(self, sign: int) -> None:
        """A sign belongs to the axes just named, or to the one that will be."""
        part = self._part
        for quantity in part.axes:
            self._emit(quantity, sign)
        if not part.axes and not part.none:
            part.sign = sign
        part.axes.clear()

    def _emit(self, quantity: str, sign: int) -> None:
        self._part.effects.append((quantity, 0 if self._part.none else sign * self._turned))

    def _end_part(self) -> None:
        part, self._part = self._part, _Part()
        if part.dropped:
            return
        for quantity, sign in part.effects:
            self._claimed.setdefault(quantity, set()).add(sign)
        if not part.effects and (part.none or part.weak):
            self._no_effect = True

    def claims(self) -> list[tuple[str, int]]:
        """Quantity and sign of what is claimed; what contradicts itself is left out."""
        self._end_part()
        if self._no_effect:
            for quantity in ('x', 'y'):
                self._claimed.setdefault(quantity, {0})
        return [(quantity, min(signs)) for quantity, signs in self._claimed.items() if len(signs) == 1]


def _denied(token: str, after: str) -> bool:
    """Whether what is said here is taken back: "not clear", "does not move", "no longer", but not "not much"."""
    if token == 'no':
        return after in KNOWN or after == 'longer'
    return token in NOT and after not in ('much', 'really')


def _ahead(tokens: Sequence[str], at: int) -> str:
    """The next token that is no filler, within a few."""
    return next((token for token in tokens[at + 1 : at + 4] if token not in SKIPPED), '')


class _Openers:
    """Finds where a clause about parameters begins."""

    def __init__(self, names: Sequence[str]) -> None:
        self._most = len(names)
        self.index = {name.lower(): i for i, name in enumerate(names)}
        if len(names) == len(JOINTS):
            self.index = {joint: i for i, joint in enumerate(JOINTS)} | self.index

    def at(self, tokens: Sequence[str], at: int) -> tuple[list[int], int, int] | None:
        """The parameters, which way they are turned, and where the clause goes on; None where none begins."""
        start, turned = at, 0
        if tokens[at] in TURNED:
            turned = 1 if tokens[at] in TURNED_UP else -1
            start += 1
            while start < len(tokens) and start < at + 4 and tokens[start] in SKIPPED - self.index.keys():
                start += 1
        found, end = self._names(tokens, start)
        if not found or (at and tokens[at - 1] in CONDITIONS and ':' not in tokens[end : end + 1]):
            return None
        after, then = ([*tokens[end : end + 2], '', ''])[:2]
        article = found == [self.index.get('a')]
        if article and after in LITTLE:
            return None
        if turned:
            return found, turned, end + (after in LABELS)
        if after in LABELS:
            return found, 1, end + 1
        if after in ('is', 'goes', 'when'):
            end, after, then = end + 1, then, tokens[end + 2] if end + 2 < len(tokens) else ''
        if (after in UP_OR_DOWN or sign_of(after)) and (
            then in CONNECTORS or (sign_of(after) and then == '(')
        ):
            return found, 1 if after in UP or sign_of(after) == 1 else -1, end + 1 + (then in LABELS)
        if sign_of(after) is not None or (after in '+-' and then in AXES):
            return found, 1, end
        if after == '-' and then:
            return found, 1, end + 1
        for word in tokens[end : end + MOST_ADVERBS]:
            if word not in ADVERBS:
                break
            end, after = end + 1, then
            then = tokens[end + 1] if end + 1 < len(tokens) else ''
        said = after in MOVERS or (
            not article and (after in DIRECTIONS or after in NONE or after in UNCLEAR or after in NOT)
        )
        return (found, 1, end) if said else None

    def _names(self, tokens: Sequence[str], start: int) -> tuple[list[int], int]:
        """Parameters listed from here, "a, b and c", and where the list ends."""
        found: list[int] = []
        end = start
        # No more than there are, so that a long text of names is not read again from each of them.
        while end < len(tokens) and len(found) < self._most and tokens[end] in self.index:
            found.append(self.index[tokens[end]])
            end += 1
            if tokens[end : end + 1] == ['('] and tokens[end + 2 : end + 3] == [')']:
                end += 3
            elif end < len(tokens) and tokens[end] in JOINTS and self.index.get(tokens[end]) == found[-1]:
                end += 1
            joiners = 0
            while (
                joiners < 2
                and end + joiners < len(tokens)
                and tokens[end + joiners] in (',', 'and', '/', '&')
            ):
                joiners += 1
            if joiners and end + joiners < len(tokens) and tokens[end + joiners] in self.index:
                end += joiners
            else:
                break
        return found, end


def parse_claims(text: str, names: Sequence[str] = LETTERS) -> tuple[Claim, ...]:
    """The claims of a text, in the order of the parameters; what is said last about an effect counts.

    Args:
        text: e.g. the analysis of a reply; any text at all, this never raises.
        names: (8,) what the parameters are called in it.
    """
    tokens, openers = split(text), _Openers(names)
    claimed: dict[tuple[int, str], int] = {}
    clause: _Clause | None = None

    def close() -> None:
        if clause is not None:
            for quantity, sign in clause.claims():
                claimed.update({(index, quantity): sign for index in clause.indices})

    at = 0
    while at < len(tokens):
        opened = openers.at(tokens, at)
        if opened is not None:
            close()
            indices, turned, at = opened
            clause = None if _is_setting(tokens, at) else _Clause(indices, turned)
            continue
        if tokens[at] in ENDS and not (tokens[at] == '\n' and clause is not None and clause.empty):
            close()
            clause = None
        elif clause is not None and tokens[at] != '\n':
            clause.read(tokens, at)
        at += 1
    close()
    return tuple(
        Claim(index, quantity, sign, names[index])
        for (index, quantity), sign in sorted(claimed.items(), key=lambda item: item[0][0])
    )


def _is_setting(tokens: Sequence[str], at: int) -> bool:
    """Whether values of the parameter follow, "1.09 to 0.65": which way they turn it is not worth guessing."""
    first, joint, second = ([*tokens[at : at + 3], '', '', ''])[:3]
    return first[:1].isdigit() and joint in ('→', 'to', '-') and second[:1].isdigit()
