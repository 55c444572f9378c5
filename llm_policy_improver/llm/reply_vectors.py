"""Reads one vector of named numbers, an object or a list, out of a reply's JSON."""

import json
import math
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from llm_policy_improver.core.text import clean_text
from llm_policy_improver.llm.json_objects import JsonObject

LONGEST_KEY: Final = 80
"""Characters of a key that may name a parameter."""
MOST_LISTED: Final = 12
"""Names written out in a message."""

_NUMBER = re.compile(r'[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?')
_NOT_FINITE = re.compile(r'[-+]?(?:nan|inf|infinity)', re.IGNORECASE)
_WORD = re.compile(r'\w+')


class ReplyError(ValueError):
    """The reply holds no usable parameters; the message says why, in one sentence, for model and person."""


def number_in(value: object) -> float | None:
    """A number, also one written as text, finite or not; None where it is none."""
    if isinstance(value, str):
        word = value.strip()
        if len(word) <= LONGEST_KEY and (_NUMBER.fullmatch(word) or _NOT_FINITE.fullmatch(word)):
            return float(word)
    return value if isinstance(value, float) else None


class VectorReader:
    """Reads vectors of named numbers.

    Args:
        names: (n,) what the numbers are called.
        others: (n,) other names of the same; or none.
        ignored: keys that an object may hold besides.

    Raises:
        ValueError: there are no names, or two that differ in nothing but their case.
    """

    def __init__(
        self, names: Sequence[str], others: Sequence[str] = (), *, ignored: Collection[str] = ()
    ) -> None:
        self.names = tuple(names)
        self._ignored = ignored
        self._index = {name.lower(): i for spelled in (self.names, others) for i, name in enumerate(spelled)}
        if not self.names or len(self._index) != len(self.names) + len(others):
            raise ValueError(f'the names of the parameters must all be different; got {", ".join(names)}')

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return len(self.names)

    def index(self, key: str) -> int | None:
        """Which parameter a key names, e.g. 'a' or 'A (slide_y)'; None where it names none, or two."""
        if len(key) > LONGEST_KEY:
            return None
        key = key.strip().lower()
        if key in self._index:
            return self._index[key]
        found = {self._index.get(word) for word in _WORD.findall(key)}
        return found.pop() if len(found) == 1 else None

    def read(self, value: Any, otherwise: Sequence[float] = ()) -> tuple[float, ...]:
        """The numbers (n,) in the order of the names.

        Args:
            value: as it stands in the reply.
            otherwise: (n,) what holds where an object does not name a parameter, or null for it; empty: it must
                name all.

        Raises:
            ReplyError: a number is missing, not finite, unknown or contradicted.
        """
        if isinstance(value, list):
            if len(value) != self.count:
                raise ReplyError(
                    f'"parameters" must hold {self._wanted}, and a list of {len(value)} was given'
                )
            return tuple(_finite(name, item) for name, item in zip(self.names, value, strict=True))
        if not isinstance(value, JsonObject):
            raise ReplyError(f'"parameters" must be an object with {self._wanted}')
        given: dict[int, float] = {}
        held = dict(enumerate(otherwise))
        for key, item in value.items():
            index = self.index(key)
            if index is None:
                if key in self._ignored:
                    continue
                raise ReplyError(f'"parameters" holds {_shown(key)}, which is none of {_listed(self.names)}')
            if item is None and otherwise:
                continue
            number = _finite(self.names[index], item)
            if key in value.contradicted or given.get(index, number) != number:
                raise ReplyError(
                    f'parameter {self.names[index]} is given more than once, with different values'
                )
            given[index] = number
        given = held | given
        missing = [name for i, name in enumerate(self.names) if i not in given]
        if missing:
            raise ReplyError(f'"parameters" must hold {self._wanted}; missing: {_listed(missing)}')
        return tuple(given[i] for i in range(self.count))

    @property
    def _wanted(self) -> str:
        if self.count == 1:
            return f'a number, {self.names[0]}'
        last = ' and ' if self.count == 2 else ' to '
        return f'{self.count} numbers, {self.names[0]}{last}{self.names[-1]}'


def _finite(name: str, value: object) -> float:
    number = number_in(value)
    if number is None:
        raise ReplyError(f'parameter {name} must be a number; got {_shown(value)}')
    if not math.isfinite(number):
        raise ReplyError(f'parameter {name} must be a finite number; got {number}')
    return number


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - MOST_LISTED} more' if len(names) > MOST_LISTED else ''
    return ', '.join(names[:MOST_LISTED]) + more


def _shown(value: object) -> str:
    if isinstance(value, str):
        return clean_text(repr(value[:40]))
    # Writing out a deeply nested value would recurse; its kind is enough.
    return (
        'a list' if isinstance(value, list) else 'an object' if isinstance(value, dict) else json.dumps(value)
    )
