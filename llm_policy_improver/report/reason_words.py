"""What a reason, which is free text, says of parameters in so many words: which is raised or lowered, to which value.

Little of it is read: a word of direction, or a number, right beside the name of a parameter. Clauses that deny,
suppose, or tell of earlier trials are passed over, and so is a reason that takes back what it says first.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from llm_policy_improver.core.space import ParameterSpace

_LONGEST: Final = 1000
"""Characters of a reason that are read: it should be one sentence."""
_RAISED: Final = r'rais(?:e|es|ed|ing)|increas(?:e|es|ed|ing)|speed(?:s|ing)?\s+up|sped\s+up|more|higher|faster|larger'
_LOWERED: Final = (
    r'lower(?:s|ed|ing)?|reduc(?:e|es|ed|ing)|decreas(?:e|es|ed|ing)|slow(?:s|ed|ing)?(?:\s+down)?|less|slower|smaller'
)
_AMOUNT: Final = r'(?:(?:a\s+(?:little|bit|touch|trace)|slightly|somewhat|much|clearly|further)\s+)?'
_VALUE: Final = r'-?\d+\.\d+'
_LEVEL: Final = re.compile(r'more|less|.*er')
_SPEED: Final = re.compile(r'spe|slow|fast')
"""Words that mean the size of what a residual adds, not its sign."""
_ASIDE: Final = re.compile(
    r"\b(?:not|never|no|nor|without|instead|rather|than|would|could|might|had|if|when|was|were|did|last|earlier|previous|"
    r"before|brought|went|gave|sent|made|moved|came|twice|again|back|already)\b|n't\b"
)
_TAKEN_BACK: Final = re.compile(r'\b(?:opposite|other way|revers\w+|undo\w*|(?:more|less) of it|one is)\b')
_CLAUSES: Final = re.compile(r'[;:]|[.,!?](?=\s|$)|\b(?:so|but|while|because|as|which|although|whereas|since|that)\b')
_SENTENCES: Final = re.compile(r'[;:]|[.,!?](?=\s|$)')
_AXES: Final = re.compile(r'\baxes\s+\d(?:,\s+\d)*\s+and\s+\d', re.IGNORECASE)
_TRIAL: Final = re.compile(r'\btrials?\s+(\d+)', re.IGNORECASE)


def trials_named(reason: str) -> set[int]:
    """Numbers of the trials that a reason names."""
    return {int(number) for number in _TRIAL.findall(reason[:_LONGEST])}


class ReasonWords:
    """Reads reasons about the parameters of a space; `of` makes each once."""

    def __init__(self, space: ParameterSpace) -> None:
        self._adds = [bool(each.unit) for each in space.parameters]
        meant = [each.meaning.split()[0].lower() for each in space.parameters]
        self._indices = {name: index for index, name in enumerate(meant) if meant.count(name) == 1}
        self._indices |= {each.name: index for index, each in enumerate(space.parameters)}
        # A bare "a" is an article, but before what follows no article.
        article = r'a(?=\s+\(|\s+and\s+(?:the\s+)?[b-z]\b|\s+(?:is|are|to|from)\b|\s*[,;.]|\s*$)'
        names = '|'.join(
            article if each == 'a' else re.escape(each).replace('_', r'[\s_-]')
            for each in sorted(self._indices, key=len, reverse=True)
        )
        one = rf"(?<![\w.'-])(?<!\d\s)(?:{names})(?![\w'-]|\.\w)(?:\s+\([\w\s]+\))?"
        several = rf'{one}(?:(?:,\s+|,?\s+and\s+)(?:the\s+)?{one})*'
        self._one = re.compile(one, re.IGNORECASE)
        self._several = re.compile(several, re.IGNORECASE)
        self._stated = re.compile(rf'({one})\s+(?:from\s+)?(?:{_VALUE}\s+)?(?:to|→|->)\s+({_VALUE})', re.IGNORECASE)
        before = r'\b(?P<word>{})\s+(?:of\s+)?(?:the\s+)?(?:(?:joints?|axes|parameters?)\s+)?(?P<names>' + several + ')'
        becomes = r'\s+(?:(?:is|are|goes|go)\s+)?' + _AMOUNT
        behind = '(?P<names>' + several + ')' + becomes + r'(?P<word>(?!more|less)(?:{}))\b'
        self._patterns = [
            (sign, re.compile(pattern.replace('{}', words), re.IGNORECASE))
            for sign, words in ((1, _RAISED), (-1, _LOWERED))
            for pattern in (before, behind)
        ]

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, space: ParameterSpace) -> 'ReasonWords':
        """For the parameters of this space."""
        return cls(space)

    def directions(self, reason: str) -> Iterator[tuple[int, int, bool]]:
        """Parameter, +1 or -1 for raised or lowered, and whether that may be meant beside the neutral value."""
        reason = reason[:_LONGEST]
        if _TAKEN_BACK.search(reason):
            return
        for clause in _CLAUSES.split(self._joined(reason)):
            if _ASIDE.search(clause):
                continue
            for sign, pattern in self._patterns:
                for match in pattern.finditer(clause):
                    word = match['word'].lower()
                    for index in self._named(match['names']):
                        if not (self._adds[index] and _SPEED.match(word)):
                            yield index, sign, _LEVEL.fullmatch(word) is not None

    def values(self, reason: str) -> dict[int, list[float]]:
        """The values that the reason says a parameter gets, by its index."""
        found: dict[int, list[float]] = {}
        for clause in _SENTENCES.split(reason[:_LONGEST]):
            if not _ASIDE.search(clause):
                for match in self._stated.finditer(clause):
                    for index in self._named(match[1]):
                        found.setdefault(index, []).append(float(match[2]))
        return found

    def _joined(self, reason: str) -> str:
        """With "axes 1 and 4" by their names, and "and" for the commas in lists of names, where no clause ends."""
        text = _AXES.sub(lambda found: ' and '.join(f'axis_{number}' for number in re.findall(r'\d', found[0])), reason)
        return self._several.sub(lambda found: re.sub(r',\s+(?:and\s+)?', ' and ', found[0]), text)

    def _named(self, said: str) -> list[int]:
        bare = (re.sub(r'\s+\(.*\)', '', name).lower() for name in self._one.findall(said))
        return [self._indices[key] for name in bare if (key := re.sub(r'[\s-]', '_', name)) in self._indices]
