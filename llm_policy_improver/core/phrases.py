"""A small grammar of phrases: which readings a sentence has, or the word at which it cannot be read on.

The whole of a sentence must be read; every way of doing so is found, so that the caller can tell a clear sentence
from one with several meanings.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.phrase_rules import (
    NUMBER,
    Choice,
    InOrder,
    Node,
    Repeated,
    Rule,
    Rules,
    Tag,
    Word,
)

Values = tuple[Hashable, ...]
"""What a phrase means: its tags and numbers, in their order."""
Action = Callable[[Values], Values | None]
"""Makes the values of a rule out of those of its parts; None where together they mean nothing."""

MOST_READINGS: Final = 40
"""Of one phrase; a sentence with more is given up as ambiguous."""

_TOKEN = re.compile(
    r"(?P<number>(?:(?<![\w.)])[-+])?(?:\d+(?:\.\d+)?|\.\d+))|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*'?)|(?P<mark>\S)"
)
_HYPHEN = re.compile(r'(?<=[^\W\d_])-(?=[^\W\d_])')
_SAME: Final = str.maketrans(
    {'\u2019': "'", '\u2018': "'", '\u2212': '-', '\u2013': '-', '\u2014': '-', '\u00a0': ' '}
)


class AmbiguityError(ValueError):
    """A phrase has more readings than anybody could mean."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark.

    Attributes:
        text: in lower case.
        number: its value; None where it is none.
        start, end: of its characters in the sentence.
    """

    text: str
    number: float | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Parse:
    """What came of reading a sentence.

    Attributes:
        readings: the values of every way to read all of it.
        furthest: index of the first token that could not be read in any way; the number of tokens where it ended
            too early.
    """

    readings: frozenset[Values]
    furthest: int


def tokens(sentence: str) -> list[Token]:
    """The words, numbers and marks of a sentence; words joined by a hyphen are two."""
    text = _HYPHEN.sub(' ', sentence.translate(_SAME))
    return [
        Token(found[0].casefold(), float(found[0]) if found['number'] else None, *found.span())
        for found in _TOKEN.finditer(text)
    ]


class Grammar:
    """Reads sentences by rules.

    Args:
        text: the rules, in the notation of `phrase_rules`.
        tags: value of each tag.
        actions: by the name of the rule whose values they make.

    Raises:
        ValueError: a rule is not well formed, given twice or missing.
    """

    def __init__(self, text: str, tags: Mapping[str, Hashable], actions: Mapping[str, Action]) -> None:
        self._rules, self._actions = Rules(text, tags, actions), actions

    @property
    def words(self) -> Set[str]:
        """All that some rule can read."""
        return self._rules.words

    def parse(self, sentence: Sequence[Token], rule: str) -> Parse:
        """All readings of a whole sentence as this rule.

        Raises:
            AmbiguityError: a part of it has more than `MOST_READINGS`.
        """
        reader = _Reader(self._rules, self._actions, sentence)
        found = reader.rule(rule, 0)
        readings = frozenset(values for end, values in found if end == len(sentence))
        return Parse(readings, reader.furthest)


_Found = frozenset[tuple[int, Values]]


def _acted(action: Action, found: _Found) -> _Found:
    made = ((end, action(values)) for end, values in found)
    return frozenset((end, values) for end, values in made if values is not None)


class _Reader:
    """Reads one sentence; every rule is read at most once from each of its words."""

    def __init__(self, rules: Rules, actions: Mapping[str, Action], sentence: Sequence[Token]) -> None:
        self._rules, self._actions, self._sentence = rules, actions, sentence
        self._known: dict[tuple[str, int], _Found] = {}
        self.furthest = 0

    def rule(self, name: str, at: int) -> _Found:
        """Where this rule, read from here, can end, and what it means then."""
        if (name, at) not in self._known:
            found = self._node(self._rules.nodes[name], at)
            action = self._actions.get(name)
            self._known[name, at] = _acted(action, found) if action else found
        return self._known[name, at]

    def _node(self, node: Node, at: int) -> _Found:
        match node:
            case Word(text):
                return self._token(at, self._text(at) == text, ())
            case Tag(value):
                return frozenset({(at, (value,))})
            case Rule(name) if name == NUMBER:
                number = self._sentence[at].number if at < len(self._sentence) else None
                return self._token(at, number is not None, (number,))
            case Rule(name):
                return self.rule(name, at)
            case InOrder(parts):
                found: _Found = frozenset({(at, ())})
                for part in parts:
                    found = self._continued(found, part)
                return found
            case Choice(options):
                return frozenset().union(
                    *(self._node(each, at) for each in options if self._begins(each, at))
                )
            case Repeated(part):
                found = frozenset({(at, ())})
                latest = found
                while latest := self._continued(latest, part) - found:
                    found |= latest
                return found

    def _continued(self, found: _Found, part: Node) -> _Found:
        continued = frozenset(
            (end, values + more) for middle, values in found for end, more in self._node(part, middle)
        )
        if len(continued) > MOST_READINGS:
            raise AmbiguityError(f'more than {MOST_READINGS} readings')
        return continued

    def _begins(self, node: Node, at: int) -> bool:
        """Whether the node can be read from here at all, as far as the next word tells."""
        starts = self._rules.starts[id(node)]
        if starts.empty:
            return True
        token = self._sentence[at] if at < len(self._sentence) else None
        return token is not None and (
            token.text in starts.words or (starts.number and token.number is not None)
        )

    def _text(self, at: int) -> str:
        return self._sentence[at].text if at < len(self._sentence) else ''

    def _token(self, at: int, fits: bool, values: Values) -> _Found:
        if not fits:
            return frozenset()
        self.furthest = max(self.furthest, at + 1)
        return frozenset({(at + 1, values)})
