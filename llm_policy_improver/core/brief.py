"""What a method may know of a task: what can be changed, what is measured, and how a person would describe it."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace


@dataclass(frozen=True, slots=True)
class Risk:
    """What makes a trial of another kind: measures that are too far from 0 together.

    Beyond it a trial that succeeds does so by accident, and its other measures say nothing of its neighbours'.

    Attributes:
        parts: the measures, of one unit; no objective is about them.
        limit: of the root of the sum of their squares.
    """

    parts: tuple[Measure, ...]
    limit: float


@dataclass(frozen=True, slots=True)
class Brief:
    """Of one task.

    Attributes:
        space: what can be changed.
        measures: what is measured.
        text: the task for a language model: frame, extents, words for places, what must hold.
        outcomes: of trials that did not succeed, the one nearest to it first; all others are worse and alike.
        risks: of trials of another kind.
        success: what a trial that succeeds did, as a past participle phrase: ``"landed on the opponent's half"``.
    """

    space: ParameterSpace
    measures: tuple[Measure, ...]
    text: str = ''
    outcomes: tuple[str, ...] = ()
    success: str = 'succeeded'
    risks: tuple[Risk, ...] = ()

    def told(self, objective: Objective) -> tuple[Measure, ...]:
        """The measures to look at for an objective: the usual ones, and those that it is about."""
        wanted = {term.measure.name for term in objective.terms}
        return tuple(each for each in self.measures if each.usual or each.name in wanted)

    @property
    def modelled(self) -> tuple[Measure, ...]:
        """The measures, and those that risks are about."""
        return (*self.measures, *(part for risk in self.risks for part in risk.parts))

    @property
    def planned(self) -> Sequence[Measure]:
        """The measures with margins, which decide whether a trial succeeds."""
        return [each for each in self.measures if any(each.margins)]
