"""A Gymnasium environment as an `Environment`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.environment import Action, EpisodeBrief, Observation, Transition
from llm_policy_improver.tasks.actions import choice, values


class GymnasiumEnvironment:
    """Speaks Gymnasium's interface on one side and ours on the other.

    An action outside its range is refused, where most of these simulators would clip it and go on.
    """

    def __init__(self, simulated: Any, brief: EpisodeBrief, parts: Sequence[str] = ()) -> None:
        """From a `gymnasium.Env`, which it closes in the end.

        ``parts``: the entries of its dict observation that are looked at, in the order of the brief.
        """
        self._simulated = simulated
        self._brief = brief
        self._parts = tuple(parts)
        self._under_way = False

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""
        return self._brief

    def reset(self, seed: int) -> Observation:
        """Begin an episode; the first observation (n,)."""
        observation, _ = self._simulated.reset(seed=seed)
        self._under_way = True
        return self._flat(observation)

    def step(self, action: Action) -> Transition:
        """Act once.

        Raises:
            ValueError: it is none of the brief's actions.
            RuntimeError: no episode has begun, or the last one is over.
        """
        if not self._under_way:
            raise RuntimeError('no episode is under way; reset begins one')
        observation, reward, terminated, truncated, info = self._simulated.step(self._theirs(action))
        self._under_way = not (terminated or truncated)
        success = info.get('success')
        return Transition(
            self._flat(observation),
            float(reward),
            bool(terminated),
            bool(truncated and not terminated),
            None if success is None else bool(success),
        )

    def close(self) -> None:
        """Let go of the simulator."""
        self._simulated.close()

    def _theirs(self, action: Action) -> int | NDArray[np.float64]:
        """As the simulator takes it."""
        if self._brief.choices:
            return choice(action, self._brief.choices)
        return np.array(values(action, self._brief.action), dtype=np.float64)

    def _flat(self, observation: NDArray[Any] | Mapping[str, NDArray[Any]]) -> Observation:
        """The numbers in the brief's order."""
        entries = (
            [observation[part] for part in self._parts] if isinstance(observation, Mapping) else [observation]
        )
        return tuple(float(number) for entry in entries for number in np.ravel(entry))
