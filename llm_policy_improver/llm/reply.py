"""Reads the parameters and the explanation out of what a language model wrote, whatever it wrapped them in.

The last JSON object with parameters decides. Around it anything is allowed: thinking, prose, tables, code
fences. Work grows linearly with the length of the reply.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.llm.chat import clean_text
from llm_policy_improver.parameters import JOINTS, LETTERS

LONGEST: Final = 400_000
"""Characters looked at, from the end of the reply."""
LONGEST_OBJECT: Final = 60_000
"""Characters of an object that is looked into."""
MOST_OBJECTS: Final = 40
"""Objects looked into, from the end."""
LONGEST_TEXT: Final = 4_000
"""Characters kept of each part of the explanation."""

STEPS: Final = ('summary', 'analysis', 'synthesis', 'reason')
CONTAINERS: Final = ('parameters', 'attenuation')

_TOKEN = re.compile(r'\\.|["{}]', re.DOTALL)
_BRACE = re.compile(r'[{}]')
_TRAILING_COMMA = re.compile(r',(?=\s{0,100}[}\]])')
_NUMBER = re.compile(r'[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?')
_NOT_FINITE = re.compile(r'[-+]?(?:nan|inf|infinity)', re.IGNORECASE)
_INDEX: Final = {name: i for names in (LETTERS, JOINTS) for i, name in enumerate(names)}
_WORD = re.compile(r'[a-z]+(?:_[a-z0-9]+)?')


class ReplyError(ValueError):
    """The reply holds no usable parameters; the message says why, in one sentence, for model and person."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says.

    Attributes:
        parameters: (8,) finite numbers in the order of `parameters.JOINTS`; not yet checked further.
        summary, analysis, synthesis: the steps, in the model's words; empty where it left them out.
        reason: one sentence; empty where it left it out.
    """

    parameters: tuple[float, ...]
    summary: str = ''
    analysis: str = ''
    synthesis: str = ''
    reason: str = ''


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys were given more than once, with different values."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self.contradicted: list[str] = []
        for key, value in pairs:
            # Comparing containers could take long; given twice, they count as different.
            if key in self and (isinstance(value, dict | list) or self[key] != value):
                self.contradicted.append(key)
            self[key] = value


def parse_reply(text: str) -> Reply:
    """Read a reply.

    Raises:
        ReplyError: no JSON object with eight finite numbers is in it; nothing else is ever raised.
    """
    answer = _without_thinking(text)[-LONGEST:]
    if not answer.strip():
        raise ReplyError(
            'the reply is empty' if not text.strip() else 'the reply holds only thinking, no answer'
        )
    for candidate in _objects(answer):
        found = _decoded(candidate)
        if found is None:
            continue
        holder, key = _parameters_in(found)
        if key is not None and holder is not None:
            if key in holder.contradicted:
                raise ReplyError(f'"{key}" is given more than once')
            parameters = _read(holder[key] if key else holder)
            return Reply(parameters, **{step: _text(found.get(step)) for step in STEPS})
    if '"parameters"' in answer:
        raise ReplyError('the JSON object with "parameters" is cut off or is no valid JSON')
    raise ReplyError('the reply holds no JSON object with "parameters"')


def _without_thinking(text: str) -> str:
    _, closed, after = text.rpartition('</think>')
    # An opened, never closed thought is a reply that was cut off before its answer.
    return after if closed else text.partition('<think>')[0]


def _objects(text: str) -> list[str]:
    """The balanced {...} of a text, the one that ends last first, outer ones before inner ones."""
    spans = set(_spans(text, _TOKEN)) | set(_spans(text, _BRACE))
    ordered = sorted(spans, key=lambda span: (-span[1], span[0]))
    return [text[start:end] for start, end in ordered if end - start <= LONGEST_OBJECT][:MOST_OBJECTS]


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


def _decoded(text: str) -> _Object | None:
    for variant in (text, _TRAILING_COMMA.sub('', text)):
        try:
            found = json.loads(variant, strict=False, object_pairs_hook=_Object, parse_int=float)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, _Object) else None
    return None


def _parameters_in(found: _Object) -> tuple[_Object | None, str | None]:
    """Where the parameters are: the object and the key in it, an empty key for the object itself."""
    for key in CONTAINERS:
        if key in found:
            return found, key
    # Eight bare names, without the object around them.
    return (found, '') if sum(_index(key) is not None for key in found) >= len(JOINTS) // 2 else (None, None)


def _index(key: str) -> int | None:
    """Which parameter a key names: 'a', 'slide_y' or 'a (slide_y)'; None where it names none, or two."""
    words = _WORD.findall(key.lower()) if len(key) <= 40 else []
    found = {_INDEX.get(word) for word in words}
    return found.pop() if len(found) == 1 else None


def _read(value: object) -> tuple[float, ...]:
    names = f'{len(JOINTS)} numbers, {LETTERS[0]} to {LETTERS[-1]}'
    if isinstance(value, list):
        if len(value) != len(JOINTS):
            raise ReplyError(f'"parameters" must hold {names}, and a list of {len(value)} was given')
        return tuple(_number(LETTERS[i], item) for i, item in enumerate(value))
    if not isinstance(value, _Object):
        raise ReplyError(f'"parameters" must be an object with {names}')
    given: dict[int, float] = {}
    for key, item in value.items():
        index = _index(key)
        if index is None:
            if key in STEPS:
                continue
            raise ReplyError(f'"parameters" holds {_shown(key)}, which is none of {", ".join(LETTERS)}')
        number = _number(LETTERS[index], item)
        if key in value.contradicted or given.get(index, number) != number:
            raise ReplyError(f'parameter {LETTERS[index]} is given more than once, with different values')
        given[index] = number
    missing = [letter for i, letter in enumerate(LETTERS) if i not in given]
    if missing:
        raise ReplyError(f'"parameters" must hold {names}; missing: {", ".join(missing)}')
    return tuple(given[i] for i in range(len(JOINTS)))


def _number(letter: str, value: object) -> float:
    if isinstance(value, str):
        word = value.strip()
        if _NUMBER.fullmatch(word) or _NOT_FINITE.fullmatch(word):
            value = float(word)
    if not isinstance(value, float):
        raise ReplyError(f'parameter {letter} must be a number; got {_shown(value)}')
    if not math.isfinite(value):
        raise ReplyError(f'parameter {letter} must be a finite number; got {value}')
    return value


def _shown(value: object) -> str:
    if isinstance(value, str):
        return clean_text(repr(value[:40]))
    # Writing out a deeply nested value would recurse; its kind is enough.
    return (
        'a list' if isinstance(value, list) else 'an object' if isinstance(value, dict) else json.dumps(value)
    )


def _text(value: object) -> str:
    if value is None:
        return ''
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError):
            return ''
    return clean_text(value.strip())[:LONGEST_TEXT]
