"""Understanding an objective by a language model: one request, its answer checked, nothing taken on trust.

The sentence that people see is made from the terms and not by the model, so that it says what will be aimed at.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.core.chat import Completer, Exchange, Message
from llm_policy_improver.core.objective import cleaned_words
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.term import Term, TermError
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.core.understanding import Understanding
from llm_policy_improver.llm.asking import Answer, ask
from llm_policy_improver.llm.json_objects import json_objects, without_thinking
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.llm.schema import object_schema
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures import MEASURES
from llm_policy_improver.table_tennis.wording import wording

LONGEST_PART: Final = 200
"""Characters kept of each part that the model says it did not understand."""
MOST_PARTS: Final = 20

_PROMPT: Final = prompt(__package__, 'understanding')
_REPAIR: Final = prompt(__package__, 'understanding_repair')


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood.

    Attributes:
        understanding: without terms where no reply could be used.
        exchanges: all that was asked and answered for it, none where the vocabulary read the words;
            `llm.recorded.RecordedModel` replays them.
        failed: whether the endpoint failed, so that it says nothing about the words.
    """

    understanding: Understanding
    exchanges: tuple[Exchange, ...] = ()
    failed: bool = False

    @property
    def by(self) -> str:
        """Who read the words, for people."""
        return f'the language model {self.exchanges[-1].model}' if self.exchanges else 'the vocabulary'


@dataclass(frozen=True, slots=True)
class _Reply:
    terms: tuple[Term, ...]
    not_understood: tuple[str, ...]


def read(words: str, model: Completer) -> Reading:
    """Ask a language model what the words mean; a reply that cannot be used is asked for once more.

    Raises:
        ObjectiveError: the words are empty or too long.
    """
    words = cleaned_words(words)
    answer = ask(
        model,
        messages(words),
        reply_schema(),
        lambda reply: (_parsed(reply), 'accepted'),
        lambda problem: _REPAIR.substitute(problem=problem),
    )
    return Reading(_understanding(words, answer), answer.exchanges, answer.failed)


def messages(words: str) -> tuple[Message, ...]:
    """The request for these words."""
    places = {
        'left': -table.HALF_WIDTH, 'right': table.HALF_WIDTH, 'inside': table.HALF_WIDTH - 0.1,
        'far': table.HALF_LENGTH, 'middle': table.HALF_LENGTH / 2, 'last_quarter': table.HALF_LENGTH * 3 / 4,
        'ball': 2 * table.BALL_RADIUS, 'net': table.NET_HEIGHT,
    }  # fmt: skip
    numbers = {name: f'{metres:.6g}' for name, metres in places.items()}
    listed = '\n'.join(
        f'- {each.name} ({each.unit}), {each.low:g} to {each.high:g}: {each.meaning}; '
        f'less is {each.less}, more is {each.more}'
        for each in MEASURES
    )
    # In JSON the words stay one quoted line, whatever they are.
    quoted = json.dumps(words, ensure_ascii=False)
    return (('user', _PROMPT.substitute(numbers, measures=listed, words=quoted)),)


def reply_schema() -> dict[str, Any]:
    """JSON schema of the reply, for endpoints that hold a model to one."""
    number = {'type': 'number'}
    end = {'anyOf': [number, {'type': 'null'}]}
    want = {
        'anyOf': [number, {'type': 'string', 'enum': ['min', 'max']}, {'type': 'array', 'items': end}],
        'description': 'A value, "min" or "max", or a range [low, high].',
    }
    name = {'type': 'string', 'enum': [measure.name for measure in MEASURES]}
    text = {'type': 'string'}
    return object_schema(
        {
            'meaning': text | {'description': 'What each part of the words asks for.'},
            'terms': {
                'type': 'array', 'items': object_schema({'measure': name, 'want': want, 'weight': number}),
            },
            'not_understood': {
                'type': 'array', 'items': text, 'description': 'Parts of the words that the terms do not cover.',
            },
        }
    )  # fmt: skip


def _understanding(words: str, answer: Answer[_Reply]) -> Understanding:
    if answer.value is None:
        return Understanding(words, (), f'Nothing is aimed at: {answer.problem}.', (words,))
    terms, left_out = answer.value.terms, answer.value.not_understood
    if not terms:
        return Understanding(
            words,
            (),
            f'Nothing is aimed at: {_listed(left_out)} was not understood or is not measured.',
            left_out,
        )
    sentence = wording(terms)
    if left_out:
        sentence += f'; not covered: {_listed(left_out)}'
    return Understanding(words, terms, sentence, left_out)


def _listed(parts: tuple[str, ...]) -> str:
    return ', '.join(f'"{part}"' for part in parts)


def _parsed(reply: str) -> _Reply:
    """Raises `ReplyError` where the reply is not of the form asked for."""
    found = next((each for each in json_objects(without_thinking(reply)) if 'terms' in each), None)
    if found is None:
        raise ReplyError('it holds no JSON object with the key "terms"')
    if found.contradicted:
        raise ReplyError(f'it gives {", ".join(sorted(found.contradicted))} more than once')
    terms = _terms(found['terms'])
    left_out = found.get('not_understood')
    if not isinstance(left_out, list) or not all(isinstance(part, str) for part in left_out):
        raise ReplyError('"not_understood" must be a list of texts')
    parts = tuple(clean_line(part, LONGEST_PART) for part in left_out[:MOST_PARTS])
    parts = tuple(part for part in parts if part)
    if not terms and not parts:
        raise ReplyError(
            '"terms" and "not_understood" are both empty: say what is wanted or what is not understood'
        )
    return _Reply(terms, parts)


def _terms(listed: object) -> tuple[Term, ...]:
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise ReplyError('"terms" must be a list of objects')
    try:
        terms = tuple(Term.from_json(each, MEASURES) for each in listed)
    except TermError as error:
        raise ReplyError(str(error)) from None
    names = [term.measure.name for term in terms]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ReplyError(f'{", ".join(sorted(twice))} has more than one term')
    if boundless := [term.measure.name for term in terms if term.want == (-math.inf, math.inf)]:
        raise ReplyError(f'{boundless[0]}: a range without ends wants nothing; leave the term out')
    return terms
