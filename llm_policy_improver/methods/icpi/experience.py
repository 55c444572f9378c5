"""Where solved examples come from: given ones, or the trials of the run itself with hindsight."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.icpi.examples import Examples, hindsight
from llm_policy_improver.methods.icpi.query import Told

MOST: Final = 300
"""Examples used at most, as in the paper."""

ExampleSource = Callable[[Objective], Examples]
"""Gives solved examples for an objective; an empty set where there are none."""


@dataclass(frozen=True, slots=True)
class Experience:
    """What a method of this room may learn from.

    Attributes:
        space: of the parameters.
        source: of given examples; None: there are none.
        most: examples used at most.
        seed: draws the pairs of trials that make examples with hindsight.
        told: how what an example left to be wanted is told.
    """

    space: ParameterSpace
    source: ExampleSource | None = None
    most: int = MOST
    seed: int = 0
    told: Told = Told.ERROR

    def examples(self, history: Sequence[Trial], objective: Objective) -> Examples:
        """Those given for an objective; where there are none, those that the run's own trials make."""
        if self.source is None:
            return hindsight(history, objective, self.space, self.most, self.seed)
        return self.source(objective).first(self.most)


def from_trials(trials: Sequence[Trial], space: ParameterSpace, seed: int = 0) -> ExampleSource:
    """Examples out of trials, e.g. simulated ones, with hindsight."""

    def source(objective: Objective) -> Examples:
        return hindsight(trials, objective, space, MOST, seed)

    return source
