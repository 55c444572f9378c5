"""What a person asked: their words, and terms over measures that say how well a trial fulfils them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from llm_policy_improver.core.chat import Ending, Exchange
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.term import Term
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.core.trial import Trial

MAX_CHARACTERS: Final = 1000
"""Of an objective."""

REACHED: Final = 0.01
"""Distance beyond what the margins leave within which an objective counts as reached; metres for places."""


class ObjectiveError(ValueError):
    """The objective is empty or too long, or cannot be measured where a measure is needed."""


@dataclass(frozen=True, slots=True)
class Objective:
    """The person's words and, where they are understood, what is wanted.

    Attributes:
        words: as the person said them.
        terms: over measures; empty where nothing measures the words.
        sentence: what will be aimed at, for people; empty without terms.
        exchanges: the requests to a language model that read the words; none where none was needed.
    """

    words: str
    terms: tuple[Term, ...] = ()
    sentence: str = ''
    exchanges: tuple[Exchange, ...] = ()

    @property
    def measurable(self) -> bool:
        """Whether a program can tell how well a trial fulfils it."""
        return bool(self.terms)

    def distance(self, trial: Trial) -> float | None:
        """What is missing to the objective: root of the summed squares of the terms' gaps.

        In the unit of the measures (metres for places); None of a trial that did not succeed, or without terms.
        """
        if not self.terms or not trial.succeeded:
            return None
        values = [trial.measures.get(term.measure.name) for term in self.terms]
        gaps = [
            math.inf if value is None else term.gap(value)
            for value, term in zip(values, self.terms, strict=True)
        ]
        distance = math.hypot(*gaps)
        return distance if math.isfinite(distance) else None

    def reached_within(self, noise: float = 0.0) -> float:
        """Distance from which on it counts as reached: what the margins leave, and what cannot be told apart.

        Args:
            noise: spread of the measures of repeated trials, in their unit.
        """
        gaps = [min((term.gap(end) for end in term.aim), key=abs) for term in self.terms]
        return math.hypot(*gaps) + max(REACHED, noise)

    def best(self, trials: Iterable[Trial]) -> Trial | None:
        """The trial nearest to the objective, the earlier one of equals; None where none can be ranked."""
        ranked = [(distance, trial) for trial in trials if (distance := self.distance(trial)) is not None]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def as_json(self) -> dict[str, Any]:
        """Plain data, with the requests that it was read by; `from_json` reads it."""
        return {
            'words': self.words,
            'sentence': self.sentence,
            'terms': [term.as_json() for term in self.terms],
            'exchanges': [asdict(exchange) for exchange in self.exchanges],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], measures: Sequence[Measure]) -> 'Objective':
        """Of what `as_json` gave.

        Raises:
            TermError: a term makes no sense, e.g. as its measure is none of these.
        """
        exchanges = tuple(
            Exchange(
                **{
                    **each,
                    'messages': tuple((role, text) for role, text in each['messages']),
                    'ending': Ending(each['ending']),
                }
            )
            for each in data['exchanges']
        )
        terms = tuple(Term.from_json(term, measures) for term in data['terms'])
        return Objective(data['words'], terms, data['sentence'], exchanges)


def cleaned_words(words: str) -> str:
    """The words of an objective as they can be stored, sent and shown; see `clean_line`.

    Raises:
        ObjectiveError: they are empty, or longer than `MAX_CHARACTERS`.
    """
    words = clean_line(words)
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
