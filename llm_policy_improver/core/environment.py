"""Episodic tasks: what a program acts in, one step at a time, and what the program may be told of it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of an observation or an action.

    Attributes:
        name: a Python identifier, e.g. ``'pole_angle'``.
        meaning: a noun phrase for people and prompts.
        low, high: its range; infinite where an end is open.
        unit: e.g. ``'rad'``; empty for none.
    """

    name: str
    meaning: str
    low: float
    high: float
    unit: str = ''


@dataclass(frozen=True, slots=True)
class EpisodeBrief:
    """What a method may know of an episodic task; nothing of it is hidden from the policy.

    Attributes:
        text: the task in plain words, the aim included.
        observation: (n,) the numbers of an observation, in their order.
        action: (m,) the numbers of an action, in their order; empty where actions are `choices`.
        choices: what each action 0, 1, ... does, where one of a few is chosen.
        observation_code: Python that shows what an observation is: constants, and a function ``describe(obs)`` that
            gives its parts by name.
        action_code: Python that shows what an action is: constants, and a function ``is_valid(action) -> bool``.
        reward_code: Python that defines ``reward(obs, action, next_obs) -> float``, as far as it can be told from
            what is observed.
        horizon: steps after which an episode ends at the latest.
    """

    text: str
    observation: tuple[Quantity, ...]
    action: tuple[Quantity, ...]
    choices: tuple[str, ...]
    observation_code: str
    action_code: str
    reward_code: str
    horizon: int


Observation = tuple[float, ...]
Action = int | tuple[float, ...]
"""The number of a choice, or the values (m,) of a continuous action."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What a step came to.

    Attributes:
        observation: (n,) after it.
        reward: of it.
        terminated: whether the episode is over by the task's own rules.
        truncated: whether it is over because the horizon is reached.
        success: whether what the task is about is achieved at this moment; None where the task draws no such line.
    """

    observation: Observation
    reward: float
    terminated: bool = False
    truncated: bool = False
    success: bool | None = None


class Environment(Protocol):
    """Runs episodes, one after the other. Everything random in an episode is drawn from its seed."""

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""

    def reset(self, seed: int) -> Observation:
        """Begin an episode; the first observation (n,)."""

    def step(self, action: Action) -> Transition:
        """Act once.

        Raises:
            ValueError: the action is none of this task; the message says what was expected.
            RuntimeError: no episode has begun, or the last one is over.
        """

    def close(self) -> None:
        """Let go of what it holds, e.g. a simulator."""
