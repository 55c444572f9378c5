"""The words in which effects of parameters are claimed, and how a text is split into them."""

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


AXES: Final = {
    'x': 'x', 'sideways': 'x', 'y': 'y', 'depth': 'y', 'length': 'y', 'height': 'peak_height',
    'peak': 'peak_height', 'peak_height': 'peak_height', 'arc': 'peak_height', 'apex': 'peak_height',
    'clearance': 'net_clearance', 'net_clearance': 'net_clearance',
}  # fmt: skip
DIRECTIONS: Final = {
    word: effect
    for effect, words in {
        ('x', 1): 'right rightward rightwards',
        ('x', -1): 'left leftward leftwards',
        ('y', 1): 'longer deeper further farther lengthens deepens lengthen deepen long deep',
        ('y', -1): 'shorter shallower shortens shorten short',
        ('peak_height', 1): 'higher lifts lift',
        ('peak_height', -1): 'lower flatter flattens',
    }.items()
    for word in words.split()
}
UP: Final = _words(
    '+ ↑ up more larger greater bigger higher positive plus increase increases increased raise raises raised rises '
    'grows gains adds increasing raising'
)
DOWN: Final = _words(
    '- ↓ down less smaller lower negative minus decrease decreases decreased reduce reduces reduced lowers lowered '
    'drops falls loses decreasing lowering reducing'
)
UP_OR_DOWN: Final = UP | DOWN
# Before a parameter these say which way it is turned; the same words about an axis say what happens to it.
TURNED_UP: Final = _words('raising raise increasing increase higher more larger greater')
TURNED_DOWN: Final = _words('lowering lower decreasing decrease reducing reduce less smaller')
TURNED: Final = TURNED_UP | TURNED_DOWN
TURNING: Final = _words('raising increasing lowering decreasing reducing')
BOUNDS: Final = _words('bound bounds limit limits')
CONDITIONS: Final = _words('with without at low high small large')
"""Before a parameter they make it a condition of what is said of another one."""
SETTINGS: Final = _words('value values setting settings is means gives = →')
CONNECTORS: Final = _words(': → = , moves gives pushes shifts makes sends then')
LABELS: Final = _words(': = → | – —')
MOVERS: Final = _words(
    'moves pushes shifts sends makes drives turns pulls steers brings carries lengthens shortens deepens raises lowers '
    'lifts increases decreases reduces has have gives adds affects changes does move push shift make send'
)
ADVERBS: Final = _words(
    'slightly strongly clearly mainly mostly also very much weakly only again probably likely always a little bit'
)
SKIPPED: Final = _words('the its of in on to by m a about parameter joint')
FLIGHT: Final = _words('ball trajectory flight shot')
BALL: Final = FLIGHT | {'it', 'return', 'landing'}
LITTLE: Final = _words('little bit lot small slight few touch tad bigger smaller larger good step')
UNCLEAR: Final = _words(
    "unclear uncertain unknown ambiguous unsure inconclusive undetermined cannot can't cant ? mixed inconsistent"
)
NOT: Final = _words("not neither nor never without instead rather isn't doesn't don't didn't won't")
KNOWN: Final = _words(
    'clear clearly obvious consistent certain sure known visible discernible distinguishable resolved'
)
NONE: Final = _words(
    'no none negligible hardly barely unchanged nothing zero minimal insensitive irrelevant unaffected'
)
WEAK: Final = _words('small weak minor tiny slight limited')
PARTS: Final = _words(', ( ) but while whereas although though } |')
ENDS: Final = _words('; . \n')
AFTER_RIGHT: Final = _words('behind over away now after at about')
AFTER_LONG: Final = _words('as of step steps term run enough')

MOST_ADVERBS: Final = 4
"""Between a parameter and its verb."""

_TOKEN: Final = re.compile(
    r"""(?:±|\+/-|\+-)\s?[0-9.]+        # a spread is no sign
      | (?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)) | (?P<arrow>[-=]{1,2}>|[→⇒⟶])
      | (?P<word>[^\W\d_]\w*(?:'[a-z]+)?) | (?P<mark>[;.,:()|=/&+↑↓?}\n–—-])""",
    re.VERBOSE,
)


def split(text: str) -> list[str]:
    """The words, signed numbers and marks of a text, in lower case; all else is left out."""
    lowered = text.lower().replace('\u2212', '-').replace('\u2019', "'")
    found = []
    joined = -1
    for match in _TOKEN.finditer(lowered):
        if match['arrow']:
            found.append('→')
        elif match[0] == '-' and match.start() == joined and lowered[match.end() : match.end() + 1].isalpha():
            # The hyphen of "x-direction" is no minus.
            continue
        elif match.lastgroup is not None:
            found.append(match[0])
        joined = match.end() if match['word'] else -1
    return found


def sign_of(token: str) -> int | None:
    """The sign of a signed number, 0 where it is zero; None for all else."""
    if len(token) < 2 or token[0] not in '+-':
        return None
    return 0 if not token.strip('+-0.') else 1 if token[0] == '+' else -1
