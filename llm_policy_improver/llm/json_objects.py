"""Finds the JSON objects in what a language model wrote, whatever is around them.

Thinking, prose, tables, code fences, stray quotes and braces are passed over. Work grows linearly with the
length of the text, and nothing is raised, whatever the text is.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

LONGEST: Final = 400_000
"""Characters looked at, from the end of the text."""
LONGEST_OBJECT: Final = 60_000
"""Characters of an object that is looked into."""
MOST_OBJECTS: Final = 40
"""Objects looked into, from the end."""

_TOKEN = re.compile(r'\\.|["{}]', re.DOTALL)
_BRACE = re.compile(r'[{}]')
_TRAILING_COMMA = re.compile(r',(?=\s{0,100}[}\]])')


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which keys were given more than once, with different values.

    All its numbers are floats.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self.contradicted: set[str] = set()
        for key, value in pairs:
            # Comparing containers could take long; given twice, they count as different.
            if key in self and (isinstance(value, dict | list) or self[key] != value):
                self.contradicted.add(key)
            self[key] = value


def without_thinking(text: str) -> str:
    """The text after its thinking, at most its last `LONGEST` characters."""
    _, closed, after = text.rpartition('</think>')
    # An opened, never closed thought is a reply that was cut off before its answer.
    return (after if closed else text.partition('<think>')[0])[-LONGEST:]


def json_objects(text: str) -> Iterator[JsonObject]:
    """The JSON objects in a text, the one that ends last first, outer ones before inner ones."""
    spans = set(_spans(text, _TOKEN)) | set(_spans(text, _BRACE))
    ordered = sorted(spans, key=lambda span: (-span[1], span[0]))
    short = [span for span in ordered if span[1] - span[0] <= LONGEST_OBJECT]
    for start, end in short[:MOST_OBJECTS]:
        found = _decoded(text[start:end])
        if found is not None:
            yield found


def _spans(text: str, token: re.Pattern[str]) -> list[tuple[int, int]]:
    # With quotes among the tokens, braces in strings do not count; without them, a stray quote does not hurt.
    opened: list[int] = []
    spans = []
    quoted = False
    for found in token.finditer(text):
        mark = found[0]
        if mark == '"':
            quoted = bool(opened) and not quoted
        elif quoted:
            continue
        elif mark == '{':
            opened.append(found.start())
        elif mark == '}' and opened:
            spans.append((opened.pop(), found.end()))
    return spans[-4 * MOST_OBJECTS :]


def _decoded(text: str) -> JsonObject | None:
    for variant in (text, _TRAILING_COMMA.sub('', text)):
        try:
            found = json.loads(variant, strict=False, object_pairs_hook=JsonObject, parse_int=float)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, JsonObject) else None
    return None
