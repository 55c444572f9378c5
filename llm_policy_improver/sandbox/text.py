"""Text from a program, as it can be shown on a terminal, stored and sent."""

import re
from typing import Final

from llm_policy_improver.core.chat import clean_text

_MISLEADING: Final = re.compile('[\x80-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]')
"""Further control characters, and those that turn the direction of writing."""


def shown(text: str, longest: int) -> str:
    """The text without what could play tricks on a terminal, cut to a number of characters."""
    return _MISLEADING.sub('', clean_text(text[:longest]))
