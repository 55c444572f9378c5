"""Episodes of a policy in an environment, and what they pay on average."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.environment import Action, Environment, Observation, Transition
from llm_policy_improver.core.episode import Episode

Act = Callable[[Observation], Action]
"""A policy at work in an episode; it may remember what it has seen in it."""


@dataclass(frozen=True, slots=True)
class MeanReturn:
    """An estimate from episodes.

    Attributes:
        mean: of the returns.
        standard_error: of the mean.
        episodes: how many.
    """

    mean: float
    standard_error: float
    episodes: int


def play(environment: Environment, act: Act, seed: int) -> Episode:
    """One episode, from its seed to its end."""
    first = observation = environment.reset(seed)
    actions: list[Action] = []
    transitions: list[Transition] = []
    while not transitions or not (transitions[-1].terminated or transitions[-1].truncated):
        actions.append(act(observation))
        transitions.append(environment.step(actions[-1]))
        observation = transitions[-1].observation
    return Episode(first, tuple(actions), tuple(transitions))


def mean_return(environment: Environment, make_act: Callable[[], Act], seeds: Iterable[int]) -> MeanReturn:
    """What a policy's episodes of these seeds pay; each gets a policy of its own, so that none remembers another.

    Raises:
        ValueError: fewer than two seeds, of which no standard error could be told.
    """
    returns = np.array([play(environment, make_act(), seed).total for seed in seeds])
    if len(returns) < 2:
        raise ValueError(f'a mean return needs at least 2 episodes; got {len(returns)}')
    spread = float(returns.std(ddof=1))
    return MeanReturn(float(returns.mean()), spread / math.sqrt(len(returns)), len(returns))
