"""An episodic task as a Gymnasium environment, for libraries of reinforcement learning."""

from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from llm_policy_improver.core.environment import Environment, Quantity
from llm_policy_improver.tasks.actions import clipped

SEEDS: Final = (2**30, 2**31)
"""Between which the episodes' seeds are drawn: no trial and no score has one of them."""


class Learnable(gymnasium.Env):
    """Speaks Gymnasium's interface for an `Environment`, which it closes in the end.

    Values of an action that are outside their ranges are clipped.
    """

    def __init__(self, environment: Environment) -> None:
        brief = environment.brief
        self.observation_space = _box(brief.observation)
        self.action_space = spaces.Discrete(len(brief.choices)) if brief.choices else _box(brief.action)
        self._environment = environment

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; the first observation (n,)."""
        super().reset(seed=seed)
        first = self._environment.reset(int(self.np_random.integers(*SEEDS)))
        return np.array(first, dtype=np.float32), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Act once: the number of a choice, or values (m,)."""
        brief = self._environment.brief
        done = self._environment.step(int(action) if brief.choices else clipped(action, brief.action))
        return np.array(done.observation, dtype=np.float32), done.reward, done.terminated, done.truncated, {}

    def close(self) -> None:
        """Let go of the simulator."""
        self._environment.close()


def _box(quantities: tuple[Quantity, ...]) -> spaces.Box:
    ends = np.array([(each.low, each.high) for each in quantities], dtype=np.float32)
    return spaces.Box(ends[:, 0], ends[:, 1], dtype=np.float32)
