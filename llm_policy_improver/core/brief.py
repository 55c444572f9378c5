"""What a method may know of a task: what can be changed, what is measured, and how a person would describe it."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace


@dataclass(frozen=True, slots=True)
class Brief:
    """Of one task.

    Attributes:
        space: what can be changed.
        measures: what is measured.
        text: the task for a language model: frame, extents, words for places, what must hold.
        outcomes: of trials that did not succeed, the one nearest to it first; all others are worse and alike.
        success: what a trial that succeeds did, as a past participle phrase: ``"landed on the opponent's half"``.
    """

    space: ParameterSpace
    measures: tuple[Measure, ...]
    text: str = ''
    outcomes: tuple[str, ...] = ()
    success: str = 'succeeded'

    def told(self, objective: Objective) -> tuple[Measure, ...]:
        """The measures to look at for an objective: the usual ones, and those that it is about."""
        wanted = {term.measure.name for term in objective.terms}
        return tuple(each for each in self.measures if each.usual or each.name in wanted)

    @property
    def planned(self) -> Sequence[Measure]:
        """The measures with margins, which decide whether a trial succeeds."""
        return [each for each in self.measures if any(each.margins)]
