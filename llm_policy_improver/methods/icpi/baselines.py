"""The numeric peers of ICPI: they read the same examples, by arithmetic.

KNN-5 and linear KNN-20 are the paper's (arXiv 2508.15021). It leaves out the one that uses the same examples as what
they are, trials with outcomes: a linear model of the outcome near the parameters, and the least change that it says
leads to the goal.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.icpi.examples import Examples, measured, outcomes
from llm_policy_improver.methods.icpi.experience import Experience
from llm_policy_improver.methods.icpi.query import Query, nearest, query_for
from llm_policy_improver.methods.numeric.untried import require_terms

Array = NDArray[np.float64]

PENALTY: Final = 1e-3
"""Ridge penalty of the regressions, a sample, on columns of unit deviation."""


class _FromExamples(ABC):
    """Changes the last parameters by what a rule makes of the examples."""

    name: ClassVar[str]
    how: ClassVar[str]

    def __init__(self, experience: Experience) -> None:
        self.experience = experience
        self.space = experience.space

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The last parameters, changed; within the bounds.

        Raises:
            ProposalError: there are no examples, or no trial could be measured.
        """
        require_terms(objective, self.name)
        query = query_for(history, objective, self.space, self.name)
        examples = self.experience.examples(history, objective)
        if not len(examples):
            raise ProposalError(f'{self.name} needs solved examples, and there are none of this task')
        change = self._change(query, examples, measured(history, objective), objective)
        values = self.space.rounded(query.values + change)
        reason = f'{self.name}: the last parameters, changed by {self.how}.'
        return Proposal(self.space.at(values), self.name, synthesis=reason, reason=reason)

    @abstractmethod
    def _change(self, query: Query, examples: Examples, own: Sequence[Trial], objective: Objective) -> Array:
        """(n,) of the parameters; ``own`` are the trials of the run that could be measured."""


class ExampleKnn(_FromExamples):
    """KNN-5."""

    name = 'example_knn'
    how = 'the mean of the changes of the 5 examples most like them'

    def _change(self, query: Query, examples: Examples, own: Sequence[Trial], objective: Objective) -> Array:
        near = nearest(examples, query, 5, self.experience.told)
        change: Array = examples.changes[near].mean(axis=0)
        return change


class ExampleLinearKnn(_FromExamples):
    """Linear KNN-20."""

    name = 'example_linear_knn'
    how = 'a linear regression of the changes on parameters and error, over the 20 examples most like them'

    def _change(self, query: Query, examples: Examples, own: Sequence[Trial], objective: Objective) -> Array:
        told = self.experience.told
        near = nearest(examples, query, 20, told)
        rows = np.hstack([examples.values, told.columns(examples.outcomes, examples.goals)])[near]
        _, change = _regression(rows - query.columns(told), examples.changes[near])
        return change


class OutcomeLinear(_FromExamples):
    """Local linear on outcomes."""

    name = 'outcome_linear'
    how = 'the least change that a linear model of the outcome, over the 20 trials nearest to them, says is enough'

    def _change(self, query: Query, examples: Examples, own: Sequence[Trial], objective: Objective) -> Array:
        scale = 0.5 * (np.array(self.space.high) - np.array(self.space.low))
        tried = np.vstack([examples.values, [self.space.values(trial) for trial in own]])
        reached = np.vstack([examples.outcomes, outcomes(own, objective)])
        # One trial may stand in many examples.
        values, places = np.unique(tried, axis=0, return_index=True)
        steps = (values - query.values) / scale
        near = np.argsort(np.linalg.norm(steps, axis=1), kind='stable')[:20]
        slopes, _ = _regression(steps[near], reached[places[near]])
        from scipy.optimize import lsq_linear  # takes long to load

        damping = 1e-3 * float(np.linalg.norm(slopes)) * np.eye(self.space.dimension)
        low, high = (np.array(ends) - query.values for ends in (self.space.low, self.space.high))
        wanted = np.concatenate([-query.error, np.zeros(self.space.dimension)])
        found = lsq_linear(
            np.vstack([slopes.T, damping]), wanted, bounds=(low / scale - 1e-9, high / scale + 1e-9)
        )
        return np.asarray(found.x * scale)


def _regression(rows: Array, targets: Array) -> tuple[Array, Array]:
    """Slopes (c, t) and value (t,) at 0 of a ridge regression of targets (k, t) on rows (k, c)."""
    middle, level = rows.mean(axis=0), targets.mean(axis=0)
    scale = np.maximum(rows.std(axis=0), 1e-12)
    centred = (rows - middle) / scale
    gram = centred.T @ centred + PENALTY * len(rows) * np.eye(rows.shape[1])
    slopes = np.linalg.solve(gram, centred.T @ (targets - level)) / scale[:, None]
    return slopes, level - middle @ slopes
