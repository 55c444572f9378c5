"""Solved examples: parameters, what they left to be wanted, and the change that took it away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial

Array = NDArray[np.float64]

SAME_OUTCOME: Final = 0.05
"""Two outcomes count as alike within this share of the outcomes' spread, where the smaller change is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Of one task, in the units of its space and its measures.

    Attributes:
        values: (k, n) parameters that were tried.
        outcomes: (k, m) measures that came of them.
        goals: (k, m) measures that were wanted.
        changes: (k, n) of the parameters, which bring the outcome to the goal.

    Raises:
        ValueError: lengths that do not fit together.
    """

    values: Array
    outcomes: Array
    goals: Array
    changes: Array

    def __post_init__(self) -> None:
        if self.values.shape != self.changes.shape or self.outcomes.shape != self.goals.shape:
            raise ValueError(
                'examples need values and changes (k, n), outcomes and goals (k, m); got '
                f'{self.values.shape}, {self.changes.shape}, {self.outcomes.shape} and {self.goals.shape}'
            )
        if len(self.values) != len(self.outcomes):
            raise ValueError(f'{len(self.values)} parameters need as many outcomes; got {len(self.outcomes)}')

    @property
    def errors(self) -> Array:
        """(k, m) outcome less goal."""
        return self.outcomes - self.goals

    def __len__(self) -> int:
        return len(self.values)

    def __add__(self, other: 'Examples') -> 'Examples':
        return Examples(
            np.vstack([self.values, other.values]),
            np.vstack([self.outcomes, other.outcomes]),
            np.vstack([self.goals, other.goals]),
            np.vstack([self.changes, other.changes]),
        )

    def first(self, count: int) -> 'Examples':
        """The first ``count`` of them."""
        return Examples(self.values[:count], self.outcomes[:count], self.goals[:count], self.changes[:count])

    @classmethod
    def none(cls, parameters: int, measures: int) -> 'Examples':
        """No examples, of ``parameters`` and ``measures`` numbers."""
        return cls(
            np.empty((0, parameters)),
            np.empty((0, measures)),
            np.empty((0, measures)),
            np.empty((0, parameters)),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data; `from_json` reads it."""
        return {
            name: [[float(f'{number:.6g}') for number in row] for row in getattr(self, name)]
            for name in ('values', 'outcomes', 'goals', 'changes')
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> 'Examples':
        """Of what `as_json` gave."""
        return cls(
            np.asarray(data['values'], dtype=float),
            np.asarray(data['outcomes'], dtype=float),
            np.asarray(data['goals'], dtype=float),
            np.asarray(data['changes'], dtype=float),
        )


def measured(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """The trials that succeeded and have all measures of an objective."""
    names = [term.measure.name for term in objective.terms]
    return [trial for trial in trials if trial.succeeded and all(name in trial.measures for name in names)]


def outcomes(trials: Sequence[Trial], objective: Objective) -> Array:
    """(k, m) the measures of an objective, of trials that have them."""
    rows = [[trial.measures[term.measure.name] for term in objective.terms] for trial in trials]
    return np.array(rows).reshape(len(rows), len(objective.terms))


def hindsight(
    trials: Sequence[Trial], objective: Objective, space: ParameterSpace, count: int, seed: int
) -> Examples:
    """Examples out of trials: what another trial reached is taken for the goal of this one, with hindsight.

    Nothing has to be solved for it, so a robot can make them. Many parameters may lead to one outcome; among the
    trials that reached about the same one, the goal is the one with the least change.

    Args:
        trials: any; those without the measures of the objective are left out.
        objective: says which measures.
        space: of the parameters; changes are compared in shares of its ranges.
        count: of examples, at most; no pair of trials comes twice.
        seed: draws the pairs.
    """
    usable = measured(trials, objective)
    if len(usable) < 2:
        return Examples.none(space.dimension, len(objective.terms))
    values = np.array([space.values(trial) for trial in usable])
    reached = outcomes(usable, objective)
    units = np.array([space.unit(trial) for trial in usable])
    spread = np.maximum(reached.std(axis=0), 1e-12)
    generator = np.random.default_rng(seed)
    chosen: dict[tuple[int, int], None] = {}
    for start, goal in generator.integers(len(usable), size=(4 * count, 2)):
        alike = np.abs((reached - reached[goal]) / spread).max(axis=1) <= SAME_OUTCOME
        alike[start] = False
        if alike.any():
            ways = np.where(alike, np.linalg.norm(units - units[start], axis=1), np.inf)
            chosen[int(start), int(np.argmin(ways))] = None
        if len(chosen) == count:
            break
    starts, goals = np.array(list(chosen), dtype=int).reshape(-1, 2).T
    return Examples(values[starts], reached[starts], reached[goals], values[goals] - values[starts])
