"""NoiseWorld as an environment."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from llm_policy_improver.core.environment import Action, EpisodeBrief, Observation, Transition
from llm_policy_improver.tasks.actions import choice
from llm_policy_improver.tasks.noise_world.boards import BOARDS, Board
from llm_policy_improver.tasks.noise_world.dynamics import FIRST, State, outcomes, succeeded
from llm_policy_improver.tasks.noise_world.observing import make_brief, observe


class NoiseWorld:
    """A walk over a board, one action at a time."""

    def __init__(self, board: Board, keys_told: bool = False) -> None:
        """``keys_told``: whether the brief explains the keys of a board that has some."""
        self._board = board
        self._brief = make_brief(board, keys_told)
        self._state: State | None = None
        self._steps = 0

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""
        return self._brief

    def reset(self, seed: int) -> Observation:
        """Begin an episode at the start; the first observation."""
        self._generator = np.random.default_rng(seed)
        self._state = FIRST
        self._steps = 0
        return observe(self._board, FIRST)

    def step(self, action: Action) -> Transition:
        """Act once.

        Raises:
            ValueError: it is none of 0 to 3.
            RuntimeError: no episode has begun, or the last one is over.
        """
        if self._state is None:
            raise RuntimeError('no episode is under way; reset begins one')
        possible = outcomes(self._board, self._state, choice(action, self._brief.choices))
        # Certain steps draw nothing.
        first = len(possible) == 1 or self._generator.random() < possible[0].probability
        outcome = possible[0 if first else 1]
        self._steps += 1
        truncated = not outcome.terminated and self._steps >= self._board.horizon
        self._state = None if outcome.terminated or truncated else outcome.state
        return Transition(
            observe(self._board, outcome.state),
            outcome.reward,
            outcome.terminated,
            truncated,
            succeeded(self._board, outcome.state),
        )

    def close(self) -> None:
        """It holds nothing."""


def _maker(number: int, keys_told: bool = False) -> Callable[[], NoiseWorld]:
    return partial(NoiseWorld, BOARDS[number], keys_told)


board_0: Final = _maker(0)
board_1: Final = _maker(1)
board_2: Final = _maker(2)
board_3: Final = _maker(3)
board_4: Final = _maker(4)
board_5: Final = _maker(5)
board_6: Final = _maker(6)
board_4_keys_told: Final = _maker(4, keys_told=True)
board_5_keys_told: Final = _maker(5, keys_told=True)
board_6_keys_told: Final = _maker(6, keys_told=True)
