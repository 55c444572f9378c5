"""The words of an objective read again from what a language model once replied, without an endpoint."""

from dataclasses import dataclass
from typing import Any

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.understanding import Understanding
from llm_policy_improver.llm.recorded import RecordedModel
from llm_policy_improver.table_tennis.reader import read


@dataclass(frozen=True, slots=True)
class ReplayedReading:
    """What the recorded replies come to now, beside what is stored.

    Attributes:
        step: number of the first step towards it in the stored run.
        stored: as it was understood then.
        now: as it is understood now.
        asked: requests made to the recorded model.
        differing: numbers of the recorded requests, from 1, whose messages were not those asked now.
    """

    step: int
    stored: Objective
    now: Understanding
    asked: int
    differing: tuple[int, ...]

    @property
    def difference(self) -> str:
        """In what the understanding differs from the stored one, as a clause; empty where it is the same."""
        if self.now.understood and self.now.terms == self.stored.terms:
            return ''
        return f'"{self.stored.words}" meant "{self.stored.sentence}", now "{self.now.sentence}"'

    @property
    def same_prompts(self) -> bool:
        """Whether it is asked for now as it was then."""
        return not self.differing and self.asked == len(self.stored.exchanges)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'step': self.step,
            'objective': self.stored.words,
            'stored': self.stored.sentence,
            'replayed': self.now.sentence,
            'identical': not self.difference,
            'requests': self.asked,
            'recorded_requests': len(self.stored.exchanges),
            'differing_exchanges': list(self.differing),
        }


def read_again(objective: Objective, step: int) -> ReplayedReading | None:
    """Read the words again as they were read then; None where no language model was asked.

    Args:
        objective: of single balls, as it was understood.
        step: number of the first step towards it.
    """
    if not objective.exchanges:
        return None
    model = RecordedModel(objective.exchanges[-1].model)
    model.load(objective.exchanges)
    now = read(objective.words, model).understanding
    return ReplayedReading(step, objective, now, len(model.asked), tuple(model.differing))
