"""What may cross between us and a program: JSON-like data, and arrays of floats on the way in."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

_SCALARS: Final = frozenset((float, int, str, bool, type(None)))
_DEEPEST: Final = 32
"""Levels of lists and dicts, one within the other."""
_LARGEST_INTEGER: Final = 2**63 - 1


class Outgoing:
    """Makes values ready for the way to a program.

    Attributes:
        arrays: whether one of them was an array.
    """

    def __init__(self) -> None:
        self.arrays = False

    def arguments(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of a call; scalars, and flat lists and tuples of them, quickly."""
        for each in given:
            kind = type(each)
            if kind not in _SCALARS and not (
                (kind is tuple or kind is list) and _SCALARS.issuperset(map(type, each))
            ):
                return tuple(self.value(one) for one in given)
        return given

    def keywords(self, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call that are given by name."""
        return {name: self.value(each) for name, each in given.items()} if given else given

    def value(self, value: Any, depth: int = 0) -> Any:
        """One value.

        Raises:
            TypeError: it is not JSON-like data or an array of real numbers.
            ValueError: it is nested too deeply.
        """
        if depth > _DEEPEST:
            raise ValueError(f'a value for a program may be nested {_DEEPEST} levels deep, no deeper')
        if type(value) in _SCALARS:
            return value
        if isinstance(value, np.ndarray) and value.dtype.kind in 'fiub':
            self.arrays = True
            return (..., value.shape, np.ascontiguousarray(value, float).tobytes())
        if isinstance(value, np.generic) and value.dtype.kind in 'fiub':
            return value.item()
        if isinstance(value, tuple | list):
            return [self.value(each, depth + 1) for each in value]
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise TypeError('a mapping for a program needs text as keys')
            return {str(key): self.value(each, depth + 1) for key, each in value.items()}
        for kind in (bool, int, float, str):
            if isinstance(value, kind):
                return kind(value)
        raise TypeError(
            f'a {type(value).__name__} cannot be given to a program: only numbers, text, lists, dicts and arrays of '
            'real numbers can'
        )


def require_plain(value: Any, depth: int = 0) -> None:
    """Check what a program returned, decoded from JSON.

    Raises:
        ValueError: it holds what has no place in our process; the message says what.
    """
    kind = type(value)
    if kind is float:
        if not math.isfinite(value):
            raise ValueError('it holds a number that is not finite')
    elif kind is int:
        if not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
            raise ValueError('it holds an integer of more than 64 bits')
    elif kind is str:
        if not value.isascii():
            _require_unicode(value)
    elif kind is list or kind is dict:
        if depth >= _DEEPEST:
            raise ValueError(f'it is nested more than {_DEEPEST} levels deep')
        for each in value if kind is list else value.values():
            require_plain(each, depth + 1)
        for key in value if kind is dict else ():
            require_plain(key)


def _require_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError('it holds text that is not valid Unicode') from None
