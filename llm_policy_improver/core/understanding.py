"""What a person's words were understood to mean, in terms over measures that people can check before a run."""

from dataclasses import dataclass
from typing import Any

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
