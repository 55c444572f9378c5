"""Text from outside as it may be shown, logged, stored and sent: without characters that do what nobody sees.

Text from outside is whatever a person, a language model, an endpoint, a program of a model or another node wrote. A
terminal obeys control characters in it, characters of direction show it in another order than it is stored in, and
invisible ones hide text from whoever approves it. `clean_text` is applied where such text enters, so that logs,
terminal, reports, database and messages need no cleaning of their own.
"""

import re
from typing import Final

_LINE_END: Final = re.compile('\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]')
"""As `str.splitlines` knows them, but the newline itself."""

_UNSEEN: Final = re.compile(
    '[\x00-\x08\x0e-\x1f\x7f-\x9f'  # C0 and C1, e.g. U+009B, which begins commands to a terminal as ESC [ does
    '\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069'  # direction of writing
    '\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0'
    '\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
)
"""Control characters, and what Unicode calls Default_Ignorable_Code_Point (version 16, DerivedCoreProperties.txt), with
the interlinear annotations U+FFF9 to U+FFFB; without the two joiners and the two selectors that honest text needs."""

_PICTURES: Final = (
    '\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff'
)
"""Emoji, skin tones among them, and what else a selector of presentation may follow; in wide ranges."""
_SELECTOR: Final = re.compile(
    f'((?<=[{_PICTURES}])[\ufe0e\ufe0f]|(?<=[#*0-9])\ufe0f(?=\u20e3))|[\ufe0e\ufe0f]'
)

_JOINING: Final = '\u0600-\u1aff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc'
"""Scripts whose letters join, from Arabic to those of South-East Asia; in wide ranges."""
_JOINER: Final = re.compile(
    f'((?<=[\ufe0f{_PICTURES}])\u200d(?=[{_PICTURES}])|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}]))|[\u200c\u200d]'
)


def clean_text(text: str, longest: int | None = None) -> str:
    """The text, of one line or more, without control characters and invisible ones.

    Newlines and tabs stay; all other ends of lines become newlines; lone surrogates become question marks. Two kinds of
    invisible characters carry meaning in honest text, and stay where they can have it:

    - The zero-width joiner and non-joiner (U+200D, U+200C) between two letters of scripts that join, e.g. in Persian,
      and the joiner between two pictures, which makes one emoji of them. Within Latin words they would only hide that
      two words differ.
    - One selector of presentation (U+FE0E, U+FE0F) after a picture, and that of a keycap.

    All else that cannot be seen is left out. To honest text that does little: right-to-left text is shown by the
    direction of its letters, the flag of a region without its emblem, a variant of an ideograph as the usual one. Text
    without such characters comes back as it is, and cleaning twice changes nothing more.

    Args:
        text: from outside.
        longest: characters of it that are looked at; all where None.
    """
    text = text[:longest].encode('utf-8', errors='replace').decode('utf-8')
    text = _UNSEEN.sub('', _LINE_END.sub('\n', text))
    return _JOINER.sub(_kept, _SELECTOR.sub(_kept, text))


def clean_line(text: str, longest: int | None = None) -> str:
    """The same in one line: each run of white space is one space.

    Args:
        text: from outside.
        longest: characters that are returned at most.
    """
    return ' '.join(clean_text(text).split())[:longest]


def _kept(match: re.Match[str]) -> str:
    return match[1] or ''
