"""What the examples are asked: the parameters to change, and what they left to be wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.icpi.examples import Examples, measured, outcomes

Array = NDArray[np.float64]


class Told(StrEnum):
    """How what is left to be wanted is told."""

    ERROR = 'error'
    """Outcome less goal, as in the paper."""
    STATE_AND_GOAL = 'state_and_goal'
    """Both apart, as in the paper's ablation."""

    def columns(self, outcome: Array, goal: Array) -> Array:
        """(k, c) what is told, of outcomes and goals (k, m)."""
        return outcome - goal if self is Told.ERROR else np.hstack([outcome, goal])


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """Attributes:
    trial: whose parameters are to be changed.
    values: (n,) its parameters.
    outcome, goal: (m,) what it reached, and what is wanted.
    """

    trial: Trial
    values: Array
    outcome: Array
    goal: Array

    @property
    def error(self) -> Array:
        """(m,) outcome less goal."""
        return self.outcome - self.goal

    def columns(self, told: Told) -> Array:
        """(n + c,) its parameters, and what is told beside them."""
        return np.concatenate([self.values, told.columns(self.outcome[None], self.goal[None])[0]])


def goal_of(objective: Objective, outcome: Array) -> Array:
    """(m,) the wanted values: of a wanted range the value nearest to the outcome (m,), of an extreme the end."""
    low, high = np.array([term.target for term in objective.terms]).T
    return np.clip(outcome, low, high)


def query_of(trial: Trial, objective: Objective, space: ParameterSpace) -> Query:
    """Of a trial that has all measures of the objective."""
    outcome = outcomes([trial], objective)[0]
    return Query(trial, np.array(space.values(trial)), outcome, goal_of(objective, outcome))


def number_of(trial: Trial, history: Sequence[Trial]) -> int:
    """What a trial of the history is called: its number in the store, or its place in the history from 1."""
    return trial.number or next(place for place, each in enumerate(history, start=1) if each is trial)


def query_for(history: Sequence[Trial], objective: Objective, space: ParameterSpace, name: str) -> Query:
    """The last trial where this method proposed it and it can be measured; else the best one.

    Raises:
        ProposalError: there is none that can be measured; the message names the method.
    """
    best = objective.best(history)
    if best is None:
        raise ProposalError(f'{name} changes what was tried, and no trial could be measured yet')
    last = history[-1]
    own = last.proposed_by == name and measured([last], objective)
    return query_of(last if own else best, objective, space)


def nearest(examples: Examples, query: Query, count: int, told: Told = Told.ERROR) -> NDArray[np.intp]:
    """Indices of the ``count`` examples most like a query, the farthest first, by a k-d tree.

    Parameters and what is told each count by their standard deviation over the examples.
    """
    from scipy.spatial import KDTree  # takes long to load

    rows = np.hstack([examples.values, told.columns(examples.outcomes, examples.goals)])
    asked = query.columns(told)
    scale = np.maximum(rows.std(axis=0), 1e-12)
    _, indices = KDTree(rows / scale).query(asked / scale, k=range(1, min(count, len(examples)) + 1))
    return np.asarray(indices, dtype=np.intp)[::-1]
