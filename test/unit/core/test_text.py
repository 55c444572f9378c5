import random
import sys

import pytest

from llm_policy_improver.core.text import clean_line, clean_text

FAMILY = '\U0001f468\u200d\U0001f469\u200d\U0001f467'


@pytest.mark.parametrize(
    'text',
    [
        'hit the ball as far right as possible',
        'two lines\n\tand a tab',
        'é ß 球 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 1.05 ± 0.1 –',
        '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u062a\u0648\u067e',  # Persian: "I want the ball"
        '\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937',  # Devanagari with both joiners
        f'like {FAMILY} and \U0001f3f3\ufe0f\u200d\U0001f308, \u2764\ufe0f, 1\ufe0f\u20e3, \U0001f44d\U0001f3fd',
    ],
)
def test_honest_text_comes_back_as_it_is(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ('text', 'clean'),
    [
        ('a\x1b[2J\x07\x00\x7fb', 'a[2Jb'),
        ('a\x9b2J\x90\x9d0;t\x9cb', 'a2J0;tb'),  # C1: what ESC [ , ESC P and ESC ] do in one character
        ('\u202eabc\u2066d\u2069\u202c', 'abcd'),
        ('a\u200eb\u200fc\u061cd', 'abcd'),
        ('ig\u200bno\u2060re\ufeff\u00ad', 'ignore'),
        ('pass\u200cwo\u200drd', 'password'),  # joiners join nothing in Latin
        ('a' + ''.join(chr(0xE0000 + ord(letter)) for letter in 'hidden'), 'a'),  # tags
        ('\U0001f3f4\U000e0067\U000e007f', '\U0001f3f4'),
        ('a\ufe0fb\U000e0100\ufe01', 'ab'),
        ('\u2764' + '\ufe0f\ufe0e' * 9, '\u2764\ufe0f'),  # bits that are told by selectors
        (FAMILY + '\u200d' * 9 + 'x', FAMILY + 'x'),
        ('a\r\nb\rc\x85d\u2028e\u2029f\x0bg\x0ch', 'a\nb\nc\nd\ne\nf\ng\nh'),
        ('a\ud800b', 'a?b'),
    ],
)
def test_what_does_something_that_nobody_sees_is_left_out(text: str, clean: str) -> None:
    assert clean_text(text) == clean


def test_text_is_cut_before_it_is_looked_at() -> None:
    assert clean_text('abcdef', 3) == 'abc'
    assert clean_text('\ud800', 3) == '?'


def test_line_is_one_line() -> None:
    assert clean_line(' a\n b\x0b\tc\u2028d ') == 'a b c d'
    assert clean_line('abc def', 5) == 'abc d'


def test_cleaning_twice_changes_nothing_and_leaves_no_control() -> None:
    draw = random.Random(7)
    odd = [
        *map(
            chr, (*range(0xA0), 0xAD, 0x61C, 0x200B, 0x200C, 0x200D, 0x202E, 0x2066, 0xFE0E, 0xFE0F, 0xE0041)
        ),
        *'aé1#\u0645\u0915\u2764\u20e3\U0001f468\ud800',
    ]
    for _ in range(5_000):
        text = ''.join(draw.choices(odd, k=12))
        clean = clean_text(text)
        assert clean_text(clean) == clean, ascii(text)
        assert clean_line(text).isprintable() or set(clean) & set('\u200c\u200d'), ascii(text)


def test_no_control_of_any_plane_gets_through() -> None:
    import unicodedata

    left = clean_text(''.join(f'{chr(code)}a' for code in range(sys.maxunicode + 1)))
    kinds = {unicodedata.category(character) for character in left} - {'Co', 'Cn'}
    assert {character for character in left if unicodedata.category(character) == 'Cc'} == {'\n', '\t'}
    # What is left of Cf is seen: Arabic signs of numbers, Kaithi and hieroglyphic ones.
    assert not {hex(ord(c)) for c in left if unicodedata.category(c) == 'Cf' and not _is_seen(c)}
    assert 'Cs' not in kinds


def _is_seen(character: str) -> bool:
    code = ord(character)
    return (
        code in (0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)
        or 0x600 <= code <= 0x605
        or 0x13430 <= code <= 0x1345F
    )
