"""Texts and values from outside as they stand in a sentence: on one line, printable and short."""

import reprlib
from typing import Any, Final

from llm_policy_improver.core.text import clean_line

LONGEST: Final = 290
"""Characters of a sentence about a file or a store, whatever is in that."""
LONGEST_PLACE: Final = 110
"""Characters of the path, or of what else says where something is."""
LONGEST_VALUE: Final = 60
"""Characters of a value."""

_GAP: Final = ' ... '


class _Shown(reprlib.Repr):
    """`repr` of the first entries, and never of all the digits of a number: Python refuses 5,000 of them."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxlong = self.maxother = LONGEST_VALUE

    def repr_int(self, number: int, level: int) -> str:
        return str(number) if abs(number) < 10**LONGEST_VALUE else 'a number of too many digits'


_SHOWN: Final = _Shown()


def shortened(text: str, most: int = LONGEST) -> str:
    """The text on one line, cleaned; its middle is left out where it is longer than ``most``."""
    if len(text) > 2 * most:  # before all of it is looked at
        text = text[:most] + text[-most:]
    line = clean_line(text)
    if len(line) <= most:
        return line
    end = (most - len(_GAP)) // 2
    return line[: most - len(_GAP) - end] + _GAP + line[-end:]


def shown(value: Any) -> str:
    """A value as Python writes it, on one line; of a long one the ends."""
    if isinstance(value, float):
        return f'{value:g}'
    return shortened(_SHOWN.repr(value), LONGEST_VALUE)
