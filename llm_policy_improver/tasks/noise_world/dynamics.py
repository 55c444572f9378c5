"""The rules of NoiseWorld: the only place that says what may come of an action, how probable it is and what it pays.

Read from the paper on PromptPO (arXiv 2605.30719) and its public code; this reading gives the published optima:

- A step into a wall or off the board leaves the walker where it is, for certain.
- Otherwise the region of the cell that is left decides: the step comes off, or it stays, or it is back at the start.
- Every step pays -1. In the goal the episode ends with n^3 more on a board of n x n cells; with keys, only if both have
  been visited in their order, and without them the episode ends all the same. In the bad cell it ends with -n^5 more.
- A key counts when its cell is entered, the second only after the first. Steps off a key always come off.
"""

from typing import Final, NamedTuple

from llm_policy_improver.tasks.noise_world.boards import (
    BAD,
    FIRST_KEY,
    SECOND_KEY,
    START,
    WALL,
    Board,
    Cell,
    Chance,
)

DIRECTIONS: Final[tuple[Cell, ...]] = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Rows and columns that actions 0 to 3 ask for."""

STEP_REWARD: Final = -1.0


class State(NamedTuple):
    """Where the walker is, and how many keys it has."""

    cell: Cell
    keys: int = 0


class Outcome(NamedTuple):
    """What may come of an action."""

    probability: float
    state: State
    reward: float
    terminated: bool


FIRST: Final = State(START)
"""Every episode begins here."""


def outcomes(board: Board, state: State, action: int) -> tuple[Outcome, ...]:
    """All that may come of an action in a state in which the episode is not over; the probabilities add up to 1."""
    row, column = (here + ahead for here, ahead in zip(state.cell, DIRECTIONS[action], strict=True))
    on_board = 0 <= row < board.size and 0 <= column < board.size
    if not on_board or board.at((row, column)) == WALL:
        return (_arrival(board, state, state.cell, 1.0),)
    region = board.region(state.cell)
    ahead = _arrival(board, state, (row, column), region.success)
    if region.chance is Chance.NONE:
        return (ahead,)
    otherwise = state.cell if region.chance is Chance.STAY else START
    return ahead, _arrival(board, state, otherwise, 1.0 - region.success)


def succeeded(board: Board, state: State) -> bool:
    """Whether the walker is in the goal with all keys that there are."""
    return state.cell == board.goal and state.keys == (2 if board.has_keys else 0)


def _arrival(board: Board, before: State, cell: Cell, probability: float) -> Outcome:
    """What it comes to that the walker is in a cell after a step."""
    keys = before.keys
    if (board.at(cell), keys) in ((FIRST_KEY, 0), (SECOND_KEY, 1)):
        keys += 1
    state = State(cell, keys)
    if cell == board.goal:
        bonus = float(board.size**3) if succeeded(board, state) else 0.0
        return Outcome(probability, state, STEP_REWARD + bonus, True)
    if board.at(cell) == BAD:
        return Outcome(probability, state, STEP_REWARD - float(board.size**5), True)
    return Outcome(probability, state, STEP_REWARD, False)
