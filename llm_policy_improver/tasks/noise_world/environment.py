"""NoiseWorld as an environment."""

from dataclasses import dataclass

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
        self._seen: dict[State, Observation] = {}

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""
        return self._brief

    def reset(self, seed: int) -> Observation:
        """Begin an episode at the start; the first observation."""
        self._generator = np.random.default_rng(seed)
        self._state = FIRST
        self._steps = 0
        return self._observed(FIRST)

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
            self._observed(outcome.state),
            outcome.reward,
            outcome.terminated,
            truncated,
            succeeded(self._board, outcome.state),
        )

    def close(self) -> None:
        """It holds nothing."""

    def _observed(self, state: State) -> Observation:
        """What is seen there, laid out once for each state."""
        if state not in self._seen:
            self._seen[state] = observe(self._board, state)
        return self._seen[state]


@dataclass(frozen=True, slots=True)
class NoiseWorldTask:
    """Calling it makes the environment.

    Attributes:
        board: which.
        keys_told: whether the brief explains the keys of a board that has some.
    """

    board: Board
    keys_told: bool = False

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""
        return make_brief(self.board, self.keys_told)

    def __call__(self) -> NoiseWorld:
        """The environment."""
        return NoiseWorld(self.board, self.keys_told)


BOARD_0, BOARD_1, BOARD_2, BOARD_3, BOARD_4, BOARD_5, BOARD_6 = map(NoiseWorldTask, BOARDS)
BOARD_4_KEYS_TOLD, BOARD_5_KEYS_TOLD, BOARD_6_KEYS_TOLD = (
    NoiseWorldTask(board, True) for board in BOARDS[4:]
)
