"""What happened in an episode."""

import math
from dataclasses import dataclass

from llm_policy_improver.core.environment import Action, Observation, Transition


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode.

    Attributes:
        first: what is seen before the first step.
        actions: (T,) one for each step.
        transitions: (T,) what came of them.
    """

    first: Observation
    actions: tuple[Action, ...]
    transitions: tuple[Transition, ...]

    @property
    def total(self) -> float:
        """The return: the sum of all rewards, none discounted."""
        return math.fsum(transition.reward for transition in self.transitions)

    @property
    def succeeded(self) -> bool:
        """Whether the task was achieved at any moment, as Meta-World and PromptPO count."""
        return any(transition.success for transition in self.transitions)
