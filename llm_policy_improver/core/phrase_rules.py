"""The rules of a small grammar, read from text.

One rule a line, indented lines continue it, a line that begins with # is a comment::

    side = left {left} | right {right}
    place = [to] the <side> (edge | line)

``[ ]`` may be left out, ``( )`` groups, ``( )*`` repeats, ``<rule>`` is another rule, ``<number>`` any number, and
``{tag}`` adds a value to the reading. A mark of the notation itself is written in quotes: ``'('``. No rule may begin
with itself.
"""

import re
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_SYNTAX = re.compile(r"'.'|\{[^}]*\}|<\w+>|\)\*|[\[\]()|]|[^\s\[\](){}<>|]+")


@dataclass(frozen=True, slots=True)
class Word:
    """Reads this word or mark."""

    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Reads nothing and adds a value."""

    value: Hashable


@dataclass(frozen=True, slots=True)
class Rule:
    """Reads what the rule of this name reads."""

    name: str


@dataclass(frozen=True, slots=True)
class InOrder:
    """Reads its parts one after the other."""

    parts: 'tuple[Node, ...]'


@dataclass(frozen=True, slots=True)
class Choice:
    """Reads any of its options."""

    options: 'tuple[Node, ...]'


@dataclass(frozen=True, slots=True)
class Repeated:
    """Reads its part any number of times."""

    part: 'Node'


@dataclass(frozen=True, slots=True)
class Starts:
    """What a phrase can begin with: these words, a number; or whether it can be empty."""

    words: frozenset[str] = frozenset()
    number: bool = False
    empty: bool = False

    @classmethod
    def either(cls, starts: 'Sequence[Starts]') -> 'Starts':
        """Any of these."""
        return cls(
            frozenset().union(*(each.words for each in starts)),
            any(each.number for each in starts),
            any(each.empty for each in starts),
        )


Node = Word | Tag | Rule | InOrder | Choice | Repeated
NUMBER: Final = 'number'
"""The rule that reads any number."""


class Rules:
    """Rules by their names.

    Args:
        text: in the notation above.
        tags: value of each tag.
        named: further names that must be among the rules.

    Attributes:
        nodes: what each rule is made of.
        words: all that some rule can read.
        starts: what each node can begin with, by its identity: hashing whole rules would take long.

    Raises:
        ValueError: a rule is not well formed, given twice or missing.
        KeyError: a tag is unknown.
    """

    def __init__(self, text: str, tags: Mapping[str, Hashable], named: Collection[str] = ()) -> None:
        self.nodes: dict[str, Node] = {}
        self.words: set[str] = set()
        self.starts: dict[int, Starts] = {}
        self._tags, self._named = tags, set(named)
        for line in _lines(text):
            name, _, pattern = (part.strip() for part in line.partition(' = '))
            if name in self.nodes:
                raise ValueError(f'rule {name} is given twice')
            marks = _SYNTAX.findall(pattern)[::-1]
            self.nodes[name] = self._choice(marks)
            if marks:
                raise ValueError(f'rule {name}: {marks[-1]!r} closes nothing')
        if missing := self._named - {*self.nodes, NUMBER}:
            raise ValueError(f'no such rule: {", ".join(sorted(missing))}')
        for node in self.nodes.values():
            self._start(node)

    def _start(self, node: Node) -> Starts:
        if id(node) not in self.starts:
            self.starts[id(node)] = self._made_start(node)
        return self.starts[id(node)]

    def _made_start(self, node: Node) -> Starts:
        match node:
            case Word(text):
                return Starts(frozenset({text}))
            case Tag():
                return Starts(empty=True)
            case Rule(name):
                return Starts(number=True) if name == NUMBER else self._start(self.nodes[name])
            case Repeated(part):
                return Starts.either([self._start(part), Starts(empty=True)])
            case Choice(options):
                return Starts.either([self._start(option) for option in options])
            case InOrder(parts):
                # All parts, so that those behind the first are known, too.
                starts = [self._start(part) for part in parts]
                first = next((place for place, start in enumerate(starts) if not start.empty), len(parts))
                joined = Starts.either(starts[: first + 1])
                return Starts(joined.words, joined.number, empty=first == len(parts))

    def _choice(self, marks: list[str]) -> Node:
        options = [self._sequence(marks)]
        while marks and marks[-1] == '|':
            marks.pop()
            options.append(self._sequence(marks))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, marks: list[str]) -> Node:
        parts: list[Node] = []
        while marks and marks[-1] not in ('|', ')', ')*', ']'):
            parts.append(self._part(marks))
        return parts[0] if len(parts) == 1 else InOrder(tuple(parts))

    def _part(self, marks: list[str]) -> Node:
        mark = marks.pop()
        if mark in ('[', '('):
            inner = self._choice(marks)
            closing = marks.pop() if marks else ''
            if closing not in {'[': (']',), '(': (')', ')*')}[mark]:
                raise ValueError(f'{mark} is closed by {closing or "nothing"}')
            if mark == '[':
                return Choice((inner, InOrder(())))
            return Repeated(inner) if closing == ')*' else inner
        if mark.startswith('{'):
            return Tag(self._tags[mark[1:-1]])
        if mark.startswith('<'):
            self._named.add(mark[1:-1])
            return Rule(mark[1:-1])
        word = mark[1:-1] if len(mark) == 3 and mark[0] == mark[-1] == "'" else mark
        self.words.add(word)
        return Word(word)


def _lines(text: str) -> Iterator[str]:
    """The rules, each in one line; what follows a # at the start of a line is a comment."""
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith('#')]
    yield from re.sub(r'\n\s+', ' ', '\n'.join(kept)).splitlines()
