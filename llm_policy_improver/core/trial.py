"""One trial as plain data: the policy that was tried, how it ended, and what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.policy import Parameters, Policy, require_parameters


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One evaluation of a policy.

    Attributes:
        policy: in force during the whole trial.
        outcome: how it ended, in the task's words.
        measures: value of each measure that is known, by its name.
        succeeded: whether what must hold did hold; only then the measures count towards an objective.
        tested: whether it says anything about the policy; False where the trial itself went wrong.
        version: under which the policy was published; 0 where it was not.
        proposed_by: who proposed the policy, e.g. ``'initial'``, ``'least_squares'``, ``'sas:gpt-4o'``.
        note: what happened, for people, in one sentence.
        number: in its store, from 1; 0 before it is stored.
        samples: the time series behind all this, in the task's own form.
    """

    policy: Policy
    outcome: str
    measures: Mapping[str, float] = field(default_factory=dict)
    succeeded: bool = False
    tested: bool = True
    version: int = 0
    proposed_by: str = ''
    note: str = ''
    number: int = 0
    samples: Any = field(default=None, repr=False)

    @property
    def parameters(self) -> Parameters:
        """The policy, where it is numbers.

        Raises:
            ParameterError: it is a program.
        """
        return require_parameters(self.policy)

    @property
    def plain(self) -> dict[str, Any]:
        """The policy as plain data: values by name, or source and entry of a program."""
        return self.policy.as_json()

    def told(self, measure: Measure) -> float | None:
        """The value of a measure where it tells what the policy does; None where it does not, or is not known."""
        return self.measures.get(measure.name) if self.outcome in measure.told_by else None
