"""What a person's words were understood to mean, in terms over measures that people can check before a run."""

from dataclasses import dataclass
from typing import Any

from llm_policy_improver.core.chat import clean_text
from llm_policy_improver.core.objective import MAX_CHARACTERS, ObjectiveError
from llm_policy_improver.core.term import Term


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was made of the words.

    Attributes:
        words: as the person said them, cleaned.
        terms: what is wanted of which measure; none where the words name nothing that is measured.
        sentence: for people: what will be aimed at, or why nothing will.
        not_understood: what of the words was not understood, or is not measured.
    """

    words: str
    terms: tuple[Term, ...]
    sentence: str
    not_understood: tuple[str, ...] = ()

    @property
    def understood(self) -> bool:
        """Whether the terms are all that the words ask for."""
        return bool(self.terms) and not self.not_understood

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'understood': self.understood,
            'sentence': self.sentence,
            'terms': [term.as_json() for term in self.terms],
            'not_understood': list(self.not_understood),
        }


def cleaned_words(words: str) -> str:
    """The words in one line, without what cannot be stored or shown.

    Raises:
        ObjectiveError: they are empty or longer than `MAX_CHARACTERS`.
    """
    # Spaces first: cleaning would join the words between which a line feed stands.
    words = ' '.join(clean_text(' '.join(words.split())).split())
    if not words:
        raise ObjectiveError(
            'the objective is empty: say in plain words where the ball should go, e.g. "as far right as possible"'
        )
    if len(words) > MAX_CHARACTERS:
        raise ObjectiveError(
            f'the objective has {len(words):,} characters, expected at most {MAX_CHARACTERS:,}: say in a few plain '
            'words where the ball should go'
        )
    return words
