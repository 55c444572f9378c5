"""Programs that choose for each ball, improved on the arm itself: each is tried on a round of some balls.

A round is one trial of the loop. What it is made of are the trials of single balls, as they are stored: what a program
observed and what was applied is among their measures (`table_tennis.ball_chooser`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.environment import Transition
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective, ObjectiveError
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import Carrier, ParameterSpace
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.prompt_po.options import PromptPoOptions
from llm_policy_improver.methods.registry import ProgramMethod, make_program_method
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN, NEUTRAL_ATTENUATION, NEUTRAL_RESIDUAL
from llm_policy_improver.table_tennis.ball_choice import FALLBACK, HELD, NOT_PLAYED, OBSERVED, Fallback
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.tasks.arm_varied_balls import MISS, Target, make_brief, reward_of, told_of
from llm_policy_improver.tasks.program_task import CRASHED, PLAYED, RETURN

MEAN_DISTANCE: Final = Measure(
    'mean_distance', 'm', f'mean distance of the balls from what is aimed at, {MISS:g} m for one that does not land',
    0.0, MISS, told_by=frozenset({PLAYED}),
)  # fmt: skip

_FAULTS: Final = frozenset(1.0 + list(Fallback).index(each) for each in (Fallback.FAILED, Fallback.INVALID))
"""Fallbacks that are faults of the program itself, as they are measured."""
_NEUTRAL: Final = NEUTRAL_ATTENUATION + NEUTRAL_RESIDUAL


def target_of(objective: Objective) -> Target:
    """Where the balls are to land.

    Raises:
        ObjectiveError: it is about something else than one place, or line, of the landing.
    """
    found: dict[str, float] = {}
    for term in objective.terms:
        low, high = term.aim
        if low == high and term.measure.name in (LANDING_X.name, LANDING_Y.name):
            found[term.measure.name] = low
    if not found or len(found) != len(objective.terms):
        raise ObjectiveError(
            f'"{objective.words}": a program that chooses for each ball is told a place where balls are to land; say '
            'for instance "at (0.38, 0.68)" or "far right corner"'
        )
    return found.get(LANDING_X.name), found.get(LANDING_Y.name)


@dataclass(frozen=True, slots=True)
class RoundsObjective(Objective):
    """What the words ask for, of rounds.

    Attributes:
        balls: what they ask of single balls.
    """

    balls: Objective = field(kw_only=True)


def rounds_objective(balls: Objective) -> RoundsObjective:
    """Of rounds, from what is asked of single balls.

    Raises:
        ObjectiveError: it is about something else than where balls land.
    """
    target_of(balls)
    sentence = f'mean distance of all balls as small as possible; {balls.sentence}'
    nearest = (Term(MEAN_DISTANCE, Extreme.SMALLEST),)
    return RoundsObjective(balls.words, nearest, sentence, balls.exchanges, balls=balls)


def of_balls(objective: Objective) -> Objective:
    """What is asked of single balls, where the objective is one of rounds."""
    return objective.balls if isinstance(objective, RoundsObjective) else objective


def aimed_at(objective: Objective) -> Target:
    """Where the balls are to land, of an objective of rounds or of balls.

    Raises:
        ObjectiveError: it is about something else than one place, or line, of the landing.
    """
    return target_of(of_balls(objective))


def round_of(balls: Sequence[Trial], target: Target) -> Trial:
    """The trial of a round: its episodes, and what it is worth.

    Balls that met the constants say nothing of the program, and do not count; where most did, the round is a failure.

    Args:
        balls: trials of single balls under one version, at least one.
        target: where they were to land.
    """
    last = balls[-1]
    counted = [ball for ball in balls if ball.measures.get(FALLBACK) == HELD]
    failed = [ball for ball in balls if ball.measures.get(FALLBACK) in _FAULTS]
    if not failed and 2 * len(counted) <= len(balls):
        failed = [ball for ball in balls if ball not in counted]
    if failed:
        return Trial(
            last.policy, CRASHED, {}, version=last.version, proposed_by=last.proposed_by, note=failed[0].note,
            number=last.number,
        )  # fmt: skip
    episodes = tuple(_episode(ball, target) for ball in counted)
    mean = math.fsum(episode.total for episode in episodes) / len(episodes)
    landed = sum(bool(episode.succeeded) for episode in episodes)
    note = f'{landed} of {len(counted)} balls landed, {-mean:.3f} m from the target on average'
    if len(counted) < len(balls):
        note += f'; {len(balls) - len(counted)} more met the constants'
    return Trial(
        last.policy, PLAYED, {RETURN.name: mean, MEAN_DISTANCE.name: -mean}, succeeded=True, version=last.version,
        proposed_by=last.proposed_by, note=note, number=last.number, samples=episodes,
    )  # fmt: skip


def is_program(carrier: Carrier) -> bool:
    """Whether what was tried or proposed is a program."""
    return isinstance(carrier.policy, Program)


def _episode(ball: Trial, target: Target) -> Episode:
    seen = tuple(ball.measures.get(name, 0.0) for name in OBSERVED)
    applied = tuple(ball.measures.get(name, value) for name, value in zip(CHOSEN, _NEUTRAL, strict=True))
    told = told_of(ball)
    done = Transition(seen + told, reward_of(told, target), terminated=True, success=ball.succeeded)
    return Episode(seen + NOT_PLAYED, (applied,), (done,))


class BallPrograms:
    """A method that writes programs, told of the arm and of where balls are to land.

    Args:
        name: of the method, of `methods.registry.PROGRAMS`.
        model: answers the chats.
        sandbox: where it runs programs for itself, under the limits of the arm.
        space: the bounds of what is chosen.
        prompt_po: how PromptPO asks; as it does by default where None.

    Attributes:
        space: what its programs are.
    """

    def __init__(
        self,
        name: str,
        model: Completer,
        sandbox: Sandbox,
        space: ParameterSpace,
        prompt_po: PromptPoOptions | None = None,
    ) -> None:
        self._name = name
        self._model = model
        self._sandbox = sandbox
        self._chosen = space
        self._prompt_po = prompt_po or PromptPoOptions()
        self.space: ProgramSpace = self._method((0.0, None)).space

    @property
    def name(self) -> str:
        """Of the method, with the model."""
        return self._method((0.0, None)).name

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The next program; the history holds rounds."""
        return self._method(aimed_at(objective)).propose(history, objective, earlier)

    def close(self) -> None:
        """End its sandbox."""
        self._sandbox.close()

    def from_here(self, in_force: Proposal | None) -> Proposal:
        """What is in force, where that is a program, else one that changes nothing."""
        if in_force is not None and is_program(in_force):
            return in_force
        source = f'class {self.space.entry}:\n    def act(self, obs):\n        return {list(_NEUTRAL)}\n'
        return Proposal(Program(source, self.space.entry), 'neutral')

    def _method(self, target: Target) -> ProgramMethod:
        brief = make_brief(target, self._chosen)
        return make_program_method(
            self._name, ProgramSetup(self._model, brief, self._sandbox, self._prompt_po)
        )
