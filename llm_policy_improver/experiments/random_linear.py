"""Random search over linear policies, written as programs: what a method that asks a language model has to beat."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial

SCALES: Final = (0.1, 10.0)
"""Between which the size of a policy's weights is drawn, by its logarithm."""

_SOURCE: Final = '''\
WEIGHTS = (
{rows}
)
"""A row for each {what}: weights of the numbers of an observation, then a constant."""


def linear(obs):
    return [sum(w * x for w, x in zip(row, (*obs, 1.0))) for row in WEIGHTS]


class Policy:
    def act(self, obs):
        values = linear(obs)
        return {answer}
'''


class RandomLinear:
    """Proposes linear policies, each drawn anew: the choice of largest value, or the values of an action.

    An observed number counts by half the width of its range, an action from the middle of its own, where they are
    finite.

    Args:
        brief: of the task.
        seed: draws them.

    Attributes:
        space: a class ``Policy`` with ``act(self, obs)``.
    """

    name = 'random_linear'

    def __init__(self, brief: EpisodeBrief, seed: int = 0) -> None:
        self.space = ProgramSpace('Policy', longest=200_000)
        self._brief = brief
        self._seed = seed

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Another one."""
        generator = np.random.default_rng((self._seed, len(history)))
        source = linear_source(self._brief, generator)
        return Proposal(self.space.of(source), self.name, reason='Another random linear policy.')


def linear_source(brief: EpisodeBrief, generator: np.random.Generator) -> str:
    """The source of a linear policy drawn for a task."""
    half = np.array([(each.high - each.low) / 2.0 for each in brief.observation] + [1.0])
    width = np.where(np.isfinite(half) & (half > 0.0), half, 1.0)
    count = len(brief.choices) or len(brief.action)
    scale = np.exp(generator.uniform(*np.log(SCALES)))
    weights = scale * generator.standard_normal((count, len(width))) / width
    if brief.choices:
        what, answer = 'choice', 'values.index(max(values))'
    else:
        ends = np.array([(each.low, each.high) for each in brief.action])
        weights *= (ends[:, 1:] - ends[:, :1]) / 2.0
        weights[:, -1] += ends.mean(axis=1)
        what, answer = 'value of an action', 'tuple(values)'
    rows = '\n'.join(f'    ({", ".join(f"{value:.4g}" for value in row)}),' for row in weights)
    return _SOURCE.format(rows=rows, what=what, answer=answer)
