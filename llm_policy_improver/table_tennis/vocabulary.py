"""Understanding an objective without a language model: all of it is read by a small grammar, or none of it counts.

A word that the vocabulary does not know, words it knows in an order that it does not, two readings that differ, or
two wishes against each other: nothing is aimed at, and the person is told why. It never guesses.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from llm_policy_improver.core.objective import cleaned_words
from llm_policy_improver.core.phrases import Action, AmbiguityError, Grammar, Parse, Token, Values, tokens
from llm_policy_improver.core.term import Extreme, Term, TermError, Want
from llm_policy_improver.core.understanding import Understanding
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures import MEASURES
from llm_policy_improver.table_tennis.vocabulary_actions import NUMBER_ACTIONS
from llm_policy_improver.table_tennis.vocabulary_framing import FRAMING
from llm_policy_improver.table_tennis.vocabulary_numbers import CONVERTED, METRES_MEANT, NUMBERS, SPELT, UNITS
from llm_policy_improver.table_tennis.vocabulary_phrases import PHRASES
from llm_policy_improver.table_tennis.vocabulary_places import PLACES
from llm_policy_improver.table_tennis.wording import wording

CAN_BE_SAID: Final = (
    'Say where the ball should land or how it should fly, e.g. "far right corner", "just behind the net", '
    '"middle of the table", "at (0.3, 0.9)", "10 cm inside the left side line", "highest arc", '
    '"as low over the net as possible", or several of these joined by "and"'
)
"""For people: what the vocabulary understands."""
MOST_WORDS: Final = 60
"""Of an objective that the vocabulary reads."""
ASKING: Final = frozenset(('can', 'could', 'would', 'will', 'may', 'about'))
"""One of them is at the beginning of a question that asks for something to be done."""
TAILS: Final = frozenset(('please', 'ok', 'okay', 'you'))
"""Or one of these at its end."""
LONGEST_QUOTE: Final = 8
"""Words that are quoted where known words could not be read on."""

MIDDLE, CORNER, OF_WIDTH, SAME_SIDE, ANYWHERE, BUT = (
    'middle', 'corner', 'of_width', 'same_side', 'anywhere', 'but'
)  # fmt: skip
"""Tags whose meaning rests on what else is said."""
FREE: Final = {'free_x': 'landing_x', 'free_y': 'landing_y', 'free_height': 'peak_height'}
"""Tags of what does not matter, by their measures."""

_MIDWAY: Final = table.HALF_LENGTH / 2


def _deeper(part: float) -> tuple[str, Want]:
    return ('landing_y', (part * table.HALF_LENGTH, math.inf))


def _shorter(part: float) -> tuple[str, Want]:
    return ('landing_y', (-math.inf, part * table.HALF_LENGTH))


_TAGS: Final[Mapping[str, object]] = {
    **UNITS, **SPELT,
    'left': ('landing_x', Extreme.SMALLEST), 'right': ('landing_x', Extreme.LARGEST), 'centre': ('landing_x', 0.0),
    'near': ('landing_y', Extreme.SMALLEST), 'far': ('landing_y', Extreme.LARGEST),
    'high': ('peak_height', Extreme.LARGEST), 'flat': ('peak_height', Extreme.SMALLEST),
    'low': ('net_clearance', Extreme.SMALLEST), 'over': ('net_clearance', Extreme.LARGEST),
    'fast': ('hit_speed', Extreme.LARGEST), 'slow': ('hit_speed', Extreme.SMALLEST),
    'left_third': ('landing_x', (-math.inf, -table.WIDTH / 6)),
    'right_third': ('landing_x', (table.WIDTH / 6, math.inf)),
    'far_half': _deeper(1 / 2), 'far_third': _deeper(2 / 3), 'far_quarter': _deeper(3 / 4),
    'near_half': _shorter(1 / 2), 'near_third': _shorter(1 / 3), 'near_quarter': _shorter(1 / 4),
    **{mark: mark for mark in (MIDDLE, CORNER, OF_WIDTH, SAME_SIDE, ANYWHERE, BUT, METRES_MEANT, CONVERTED, *FREE)},
}  # fmt: skip


def _part(values: Values) -> Values:
    """The half beyond the centre line, where a side is that of a half."""
    if OF_WIDTH not in values:
        return values
    halves = {_TAGS['left']: ('landing_x', (-math.inf, 0.0)), _TAGS['right']: ('landing_x', (0.0, math.inf))}
    return tuple(halves.get(value, value) for value in values if value != OF_WIDTH)


def _middle_of_edge(values: Values) -> Values:
    sideways = any(isinstance(value, tuple) and value[0] == 'landing_x' for value in values)
    return (*values, ('landing_y', _MIDWAY) if sideways else _TAGS['centre'])


_ACTIONS: Final[Mapping[str, Action]] = {
    **NUMBER_ACTIONS, 'part': _part, 'middle_of_edge': _middle_of_edge, 'middle_of_net': _middle_of_edge,
}  # fmt: skip


@cache
def _grammar() -> Grammar:
    return Grammar(PLACES + NUMBERS + FRAMING + PHRASES, _TAGS, _ACTIONS)


class _UnclearError(ValueError):
    """All words are known, but together they name no wish that can be had; the message says why."""


_EXCLUDED: Final = 'the words ask for two things that exclude each other'


def understand(words: str) -> Understanding:
    """What the words ask for, if all of them are understood.

    Raises:
        ObjectiveError: they are empty or too long.
    """
    words = cleaned_words(words)
    grammar = _grammar()
    said = tokens(words)
    question = '?' in (each.text for each in said)
    read = said[:-1] if question and said[-1].text == '?' else said
    unknown = [each for each in read if each.number is None and each.text not in grammar.words]
    if unknown:
        quoted = dict.fromkeys(words[each.start : each.end] for each in unknown)
        return _nothing(words, f'{_quoted(quoted)} was not understood', quoted)
    if len(read) > MOST_WORDS:
        return _nothing(
            words, f'only up to {MOST_WORDS} words are understood without a language model', [words]
        )
    asks = ASKING & {each.text for each in read[:4]} or TAILS & {each.text for each in read[-1:]}
    if question and not asks:
        return _nothing(words, 'a question asks for nothing to be aimed at', [words])
    try:
        parse = grammar.parse(read, 'sentence')
        meanings = {
            _resolved(reading) for reading in parse.readings if not {METRES_MEANT, CONVERTED} <= {*reading}
        }
    except AmbiguityError:
        return _nothing(words, 'the words can be read in more than one way', [words])
    except _UnclearError as error:
        return _nothing(words, str(error), [words])
    if not meanings:
        rest = _rest(words, read, parse)
        return _nothing(words, f'"{rest}" was not understood', [rest])
    if len(meanings) > 1:
        return _nothing(words, 'the words can be read in more than one way', [words])
    try:
        terms = _terms(meanings.pop())
    except TermError as error:
        return _nothing(words, str(error), [words])
    return Understanding(words, terms, wording(terms))


def _nothing(words: str, why: str, not_understood: Iterable[str]) -> Understanding:
    return Understanding(words, (), f'Nothing is aimed at: {why}. {CAN_BE_SAID}.', tuple(not_understood))


def _quoted(texts: Iterable[str]) -> str:
    return ', '.join(f'"{text}"' for text in texts)


def _rest(words: str, read: list[Token], parse: Parse) -> str:
    """The words from the first one on that could not be read; all of them where they end too early."""
    rest = read[parse.furthest :][:LONGEST_QUOTE] or read[:LONGEST_QUOTE]
    return words[rest[0].start : rest[-1].end] if rest else words


def _resolved(reading: Values) -> frozenset[tuple[str, Want]]:
    """One wish a measure; what "corner" and "middle" leave open is filled in.

    Raises:
        _UnclearError: there are two for one measure, they cannot be had together, or a side is missing.
    """
    wants: dict[str, Want] = {}
    for value in reading:
        if isinstance(value, tuple) and isinstance(value[0], str):
            name, want = value
            if wants.setdefault(name, want) != want:
                raise _UnclearError(_EXCLUDED)
    if SAME_SIDE in reading and not isinstance(wants.get('landing_x'), Extreme):
        raise _UnclearError('it is not clear which line is meant')
    if {ANYWHERE, BUT} <= {*reading}:
        raise _UnclearError('it is not clear what is left out')
    if CORNER in reading:
        wants.setdefault('landing_y', Extreme.LARGEST)
        if not all(isinstance(wants.get(name), Extreme) for name in ('landing_x', 'landing_y')):
            raise _UnclearError('it is not clear which corner is meant')
    if MIDDLE in reading:
        # "In the middle" and a side is the middle of that side, or of the table and then to that side: unclear.
        # With the centre line it may be of any depth.
        line = 'landing_x' in wants and 'landing_y' not in wants
        if line or wants.setdefault('landing_x', 0.0) != 0.0 or CORNER in reading:
            raise _UnclearError('"the middle" together with a side or a corner is not clear')
        wants.setdefault('landing_y', _MIDWAY)
    freed = any(mark in reading and name in wants for mark, name in FREE.items())
    if freed or (
        wants.get('peak_height') is Extreme.LARGEST and wants.get('net_clearance') is Extreme.SMALLEST
    ):
        raise _UnclearError(_EXCLUDED)
    return frozenset(wants.items())


def _terms(wants: Iterable[tuple[str, Want]]) -> tuple[Term, ...]:
    wanted = dict(wants)
    return tuple(Term(measure, wanted[measure.name]) for measure in MEASURES if measure.name in wanted)
