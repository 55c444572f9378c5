"""Reads the proposals and the explanation out of what a language model wrote, whatever it wrapped them in.

The last JSON object with parameters, or a candidate to take, decides. Around it anything is allowed: thinking, prose,
tables, code fences. Work grows linearly with the length of the reply.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from llm_policy_improver.core.text import clean_text
from llm_policy_improver.llm.json_objects import JsonObject, json_objects, without_thinking
from llm_policy_improver.llm.reply_vectors import ReplyError, VectorReader, number_in

__all__ = ['Reply', 'ReplyError', 'parse_reply']

LONGEST_TEXT: Final = 4_000
"""Characters kept of each part of the explanation."""
MOST_CANDIDATES: Final = 32
"""Proposals looked at in one reply."""
MOST_NAMED: Final = 100
"""Parameters, or measures, looked at in what it says of effects and expectations."""
LONGEST_WORD: Final = 80
"""Characters of the name of a parameter or measure, and of the word for an effect."""

STEPS: Final = ('summary', 'analysis', 'synthesis', 'reason')
SINGLE: Final = ('parameters', 'attenuation')
"""Keys of one proposal, the first of them that is there counts, or of a list of them."""
SEVERAL: Final = 'candidates'
"""Key of a list of proposals; one beside it comes first."""

TAKE: Final = 'take'
"""Key of the letter of a candidate that was computed for the model."""
MISREAD: Final = 'misread'
"""Key of what the person asked, where that is not what is measured."""
NOTHING: Final = frozenset({'', 'none', 'null', 'no', 'false', 'n/a', 'own', '-'})
"""Words, in small letters and without a full stop, by which a model leaves one of these two empty."""

Vector = tuple[float, ...]

_BESIDES: Final = frozenset({*STEPS, 'nearest', 'expected', 'effects', TAKE, MISREAD})

# "trial 12", "in Trial #12: ...", "12", "12.0", "12 (far right)"; not "0.12 m".
_TRIAL = re.compile(
    r'trial\W{0,3}([0-9]{1,9})(?![0-9])|\A[^\w.-]{0,3}([0-9]{1,9})(?:\.0{1,9})?(?![0-9.])', re.IGNORECASE
)

# "B", "candidate B", "B (bold)"; two of them are none.
_LETTER = re.compile(r'\b[A-Z]\b')
_BEGUN = re.compile(rf'"({"|".join((*SINGLE, SEVERAL))})"\s{{0,20}}:')


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says.

    Attributes:
        candidates: all usable proposals, in the reply's order, at least one unless the words were misread: each (n,)
            finite numbers in the order of the names asked for; not yet checked further.
        summary, analysis, synthesis: the steps, in the model's words; empty where it left them out.
        reason: one sentence; empty where it left it out.
        nearest: number of the trial that it says fulfils the objective best so far; 0 where it names none.
        expected: the measures that it expects, by name; empty where it names none.
        effects: what raising a parameter does to a measure, by their names, in its words; empty where it says none.
        notes: on each proposal that was dropped, why.
        taken: letter of the computed candidate that the first proposal is, or was made from; empty where of none.
        misread: what the person asked for, where the model says that something else is measured; else empty.
    """

    candidates: tuple[Vector, ...]
    summary: str = ''
    analysis: str = ''
    synthesis: str = ''
    reason: str = ''
    nearest: int = 0
    expected: Mapping[str, float] = field(default_factory=dict)
    effects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    taken: str = ''
    misread: str = ''

    @property
    def parameters(self) -> Vector:
        """(n,) the first proposal."""
        return self.candidates[0]


def parse_reply(
    text: str,
    names: Sequence[str],
    others: Sequence[str] = (),
    computed: Mapping[str, Vector] = MappingProxyType({}),
) -> Reply:
    """Read a reply.

    Args:
        text: all that the model wrote.
        names: of the parameters.
        others: (n,) other names of the same, which are understood, too; or none.
        computed: (n,) each, candidates by capital letters, any of which a reply may take; parameters that it names
            beside are in place of the candidate's. Letters may stand in a list of proposals, too.

    Raises:
        ReplyError: no JSON object with a finite number for each name, or a letter to take, is in it; nothing else is
            ever raised for what the text is.
        ValueError: ``names`` are none or not all different.
    """
    reader = VectorReader(names, others, ignored=_BESIDES)
    answer = without_thinking(text)
    if not answer.strip():
        raise ReplyError(
            'the reply is empty' if not text.strip() else 'the reply holds only thinking, no answer'
        )
    candidates: tuple[Vector, ...]
    notes: tuple[str, ...]
    for found in json_objects(answer):
        misread = _said(found.get(MISREAD))
        taken = _taken(found, computed)
        if taken:
            changed = next((found[key] for key in SINGLE if found.get(key)), JsonObject([]))
            candidates, notes = (reader.read(changed, computed[taken]),), ()
        elif proposed := _proposed_in(found, reader):
            candidates, notes = _candidates(proposed, reader, computed)
        elif misread:
            candidates, notes = (), ()
        else:
            continue
        return Reply(
            candidates,
            **{step: _text(found.get(step)) for step in STEPS},
            nearest=_nearest(found.get('nearest')),
            expected=_expected(found.get('expected')),
            effects=_effects(found.get('effects')),
            notes=notes,
            taken=taken,
            misread=misread,
        )
    if begun := _BEGUN.search(answer):
        raise ReplyError(f'the JSON object with "{begun[1]}" is cut off or is no valid JSON')
    raise ReplyError('the reply holds no JSON object with "parameters"')


def _said(value: object) -> str:
    """What a field that is empty as a rule says; empty where it says nothing."""
    said = _text(value) if isinstance(value, str) else ''
    return '' if said.rstrip('.').lower() in NOTHING else said


def _taken(found: JsonObject, computed: Mapping[str, Vector]) -> str:
    """The letter of the computed candidate that a reply takes; empty where it takes none.

    Raises:
        ReplyError: it names one that is not there, and no parameters of its own.
    """
    said = _said(found.get(TAKE))
    if not said or not computed:
        return ''
    named = {said.upper()} if len(said) == 1 else set(_LETTER.findall(said))
    if len(known := named & computed.keys()) == 1:
        return known.pop()
    if any(found.get(key) is not None for key in (*SINGLE, SEVERAL)):
        return ''
    raise ReplyError(f'"{TAKE}" must be one of {", ".join(computed)}, and {said[:40]!r} was given')


def _proposed_in(found: JsonObject, reader: VectorReader) -> list[Any]:
    """The proposals in an object, still to be read; empty where it holds none."""
    single = next((key for key in SINGLE if key in found), None)
    keys = [key for key in (single, SEVERAL) if key is not None and key in found]
    if not keys:
        # The bare names, without an object around them.
        known = sum(reader.index(key) is not None for key in found)
        return [found] if known >= max(reader.count // 2, min(reader.count, 2)) else []
    proposed: list[Any] = []
    for key in keys:
        if key in found.contradicted:
            raise ReplyError(f'"{key}" is given more than once')
        value = found[key]
        kinds = dict | list | str if key == SEVERAL else dict | list  # a letter is a candidate of several
        many = isinstance(value, list) and (not value or any(isinstance(v, kinds) for v in value))
        proposed += value if many else [value]
    if not proposed:
        raise ReplyError(f'"{keys[0]}" is empty: at least one proposal is needed')
    return proposed


def _candidates(
    proposed: list[Any], reader: VectorReader, computed: Mapping[str, Vector]
) -> tuple[tuple[Vector, ...], tuple[str, ...]]:
    """The usable proposals, each once, and notes on the others."""
    usable: dict[Vector, None] = {}
    problems: list[str] = []
    for number, value in enumerate(proposed[:MOST_CANDIDATES], start=1):
        try:
            letter = value.strip().upper() if isinstance(value, str) else ''
            usable[computed[letter] if letter in computed else reader.read(_unwrapped(value))] = None
        except ReplyError as error:
            if len(proposed) == 1:
                raise
            problems.append(f'candidate {number}: {error}')
    if not usable:
        raise ReplyError(f'none of the {len(proposed)} candidates can be used; {problems[0]}')
    if len(proposed) > MOST_CANDIDATES:
        problems.append(f'only the first {MOST_CANDIDATES} of {len(proposed)} candidates were read')
    return tuple(usable), tuple(problems)


def _unwrapped(value: Any) -> Any:
    """The parameters of a candidate that has an explanation of its own beside them."""
    if isinstance(value, JsonObject):
        for key in SINGLE:
            if key in value and key not in value.contradicted:
                return value[key]
    return value


def _nearest(value: object) -> int:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and 0 < value < 1e9:
        return int(value)
    found = _TRIAL.search(value[:LONGEST_TEXT]) if isinstance(value, str) else None
    return int(found[1] or found[2]) if found else 0


def _expected(value: object) -> dict[str, float]:
    """The finite numbers in it, by their names."""
    if not isinstance(value, JsonObject):
        return {}
    pairs = [(name, number_in(item)) for name, item in _named(value)]
    return {name: number for name, number in pairs if number is not None and math.isfinite(number)}


def _effects(value: object) -> dict[str, dict[str, str]]:
    """The words in it, by parameter and measure."""
    if not isinstance(value, JsonObject):
        return {}
    return {
        name: {
            measure: clean_text(word)
            for measure, word in _named(item)
            if isinstance(word, str) and len(word) <= LONGEST_WORD
        }
        for name, item in _named(value)
        if isinstance(item, JsonObject)
    }


def _named(value: JsonObject) -> list[tuple[str, Any]]:
    """Its first entries with short names that are given once."""
    known = [(name, item) for name, item in value.items() if len(name) <= LONGEST_WORD]
    return [(name, item) for name, item in known[:MOST_NAMED] if name not in value.contradicted]


def _text(value: object) -> str:
    if value is None:
        return ''
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError):
            return ''
    return clean_text(value.strip(), LONGEST_TEXT)
