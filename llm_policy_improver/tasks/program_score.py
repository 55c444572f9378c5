"""What a program is worth: its mean return over episodes that were not used to choose it.

On a board of NoiseWorld a few episodes say next to nothing. There the expected return is computed from the rules of the
board, for a program whose action depends on the observation alone: in all episodes that are played it must act as it
does when asked about each observation by itself.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.environment import Observation
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.policy import Program
from llm_policy_improver.sandbox.errors import SandboxError
from llm_policy_improver.tasks.actions import choice
from llm_policy_improver.tasks.noise_world.boards import Board
from llm_policy_improver.tasks.noise_world.exact import expected_return
from llm_policy_improver.tasks.program_task import ProgramTask

FIRST_UNSEEN: Final = 2**31
"""Seeds from here on are for scores alone; no trial is ever played with one."""


@dataclass(frozen=True, slots=True)
class Score:
    """Attributes:
    mean: return, expected or over episodes.
    standard_error: of it; 0 where it was computed.
    exact: whether it was computed.
    """

    mean: float
    standard_error: float
    exact: bool = False


class ScoreError(Exception):
    """A program fails in an episode that it is scored in; the message is what is told of that, traceback and all."""


def unseen(episodes: int) -> Sequence[int]:
    """The seeds of this many episodes for scores."""
    return range(FIRST_UNSEEN, FIRST_UNSEEN + episodes)


def score(task: ProgramTask, program: Program, episodes: int, board: Board | None = None) -> Score:
    """What a program is worth.

    Args:
        task: it is for.
        program: to be scored.
        episodes: to play, at least 2.
        board: of NoiseWorld that the task is played on; None for any other task.

    Raises:
        ScoreError: it fails in one of the episodes.
    """
    trial = task.play(program, unseen(episodes))
    if not trial.succeeded:
        raise ScoreError(trial.note)
    if board is not None and (expected := _expected(task, program, board, trial.samples)) is not None:
        return Score(expected, 0.0, exact=True)
    returns = [episode.total for episode in trial.samples]
    return Score(statistics.fmean(returns), statistics.stdev(returns) / math.sqrt(len(returns)))


def _expected(task: ProgramTask, program: Program, board: Board, played: Sequence[Episode]) -> float | None:
    """The expected return; None where the program remembers something, or cannot be asked about every observation."""
    asked: dict[Observation, int] = {}
    try:
        with task.acting(program) as act:

            def decide(seen: Observation) -> int:
                asked[seen] = choice(act(seen), task.brief.choices)
                return asked[seen]

            expected = expected_return(board, decide)
    except (SandboxError, ValueError):
        return None
    for episode in played:
        before = (episode.first, *(step.observation for step in episode.transitions))
        if any(asked.get(seen, action) != action for seen, action in zip(before, episode.actions, strict=False)):
            return None
    return expected
