"""One method that writes programs on one episodic task: a cell of ``bench methods``."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.faults import require_sound
from llm_policy_improver.experiments.policy_kind import kind_of
from llm_policy_improver.experiments.random_linear import RandomLinear
from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.llm.asking import costs
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.programs.attempts import REPAIR
from llm_policy_improver.methods.prompt_po.options import CANDIDATES, PromptPoOptions
from llm_policy_improver.methods.registry import PROGRAMS, ProgramMethod, make_program_method
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.noise_world.boards import Board
from llm_policy_improver.tasks.noise_world.environment import NoiseWorldTask
from llm_policy_improver.tasks.program_score import Score, ScoreError, score
from llm_policy_improver.tasks.program_task import RETURN, STEPS, ProgramTask
from llm_policy_improver.tasks.registry import episodic_task

RANDOM_LINEAR: Final = RandomLinear.name
METHODS: Final = (RANDOM_LINEAR, *PROGRAMS)
"""That take part; the first asks no language model."""
EVALUATIONS: Final = 20
"""Programs tried in a run, where nobody says otherwise; the paper on PromptPO (arXiv 2605.30719) tries 100."""
EPISODES: Final = 5
"""That each of them is tried in, where nobody says otherwise; as in that paper."""
UNIT: Final = 'sum of rewards'
OBJECTIVE: Final = Objective(
    'the largest mean return', (Term(RETURN, Extreme.LARGEST),), 'return as large as possible'
)

SEEDS_A_RUN: Final = 100_000
"""Trials of two runs never have a seed in common."""
CURVE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """Attributes:
    task: name, of `tasks.registry.TASKS`.
    method: name, of `METHODS`.
    model: of the language model; empty without one.
    seed: of the run: draws its episodes.
    evaluations: programs tried, those that fail and are mended included; `EVALUATIONS` where 0.
    episodes: that each is tried in.
    unseen: episodes for the scores.
    candidates: programs that PromptPO asks for in a round.
    """

    task: str
    method: str
    model: str
    seed: int
    evaluations: int = 0
    episodes: int = EPISODES
    unseen: int = 100
    candidates: int = CANDIDATES

    @property
    def key(self) -> tuple[str | int, ...]:
        """Of its cell."""
        return (self.task, self.method, self.model, self.seed)


def make_method(
    run: ProgramRun, brief: EpisodeBrief, sandbox: Sandbox, model: Completer | None
) -> ProgramMethod:
    """The method of a run.

    Raises:
        ValueError: it asks a language model, and there is none.
    """
    if run.method == RANDOM_LINEAR:
        return RandomLinear(brief, run.seed)
    if model is None:
        raise ValueError(f'{run.method} asks a language model, and none is given')
    options = PromptPoOptions(candidates=run.candidates)
    return make_program_method(run.method, ProgramSetup(model, brief, sandbox, options))


def run_program(run: ProgramRun, model: Completer | None = None) -> Row:
    """The row: what the best-kept and the last program are worth in unseen episodes, and what they cost.

    Raises:
        ExperimentError: the method has a fault, which the loop would bear, but a comparison must not; or this machine
            cannot confine programs.
        MissingPackageError: the task rests on a package that is not installed.
    """
    made = episodic_task(run.task)
    board = made.board if isinstance(made, NoiseWorldTask) else None
    with closing(made()) as environment, _sandbox() as sandbox:
        task = ProgramTask(environment, sandbox, run.episodes)
        method = make_method(run, made.brief, sandbox, model)
        improvement = Improvement(
            OBJECTIVE,
            method,
            method.space,
            trials=run.evaluations or EVALUATIONS,
            first_trials=0,
            ball_seed=run.seed * SEEDS_A_RUN,
            vary_balls=True,
            in_force=constant(made.brief, method.space),
        )
        began = time.perf_counter()
        curve = [_told(result.best) for result in run_improvement(improvement, task)]
        seconds = time.perf_counter() - began
        require_sound(improvement, run.method, run.task, run.seed)
        best, last = improvement.best, improvement.history[-1]
        kept, tried = None if best is None else method.space.kept(best), method.space.kept(last)
        scores = [_score(task, each, run.unseen, board) for each in (kept, tried)]
    return {
        'task': run.task, 'method': run.method, 'model': run.model, 'seed': run.seed,
        **_scored('best', scores[0]), **_scored('final', scores[1]),
        'higher_is_better': True, 'unit': UNIT, 'exact': isinstance(scores[0], Score) and scores[0].exact,
        'kind': None if kept is None else kind_of(kept.source).value,
        **_cost(improvement), 'seconds': round(seconds, 3), 'curve': curve,
    }  # fmt: skip


def protection() -> str:
    """What holds programs on this machine, or why none can be run here; a sentence."""
    try:
        with _sandbox() as sandbox:
            return sandbox.sentence
    except ExperimentError as error:
        return f'No program can be played here: {error}.'


def _sandbox() -> Sandbox:
    try:
        return Sandbox()
    except SandboxUnavailableError as error:
        raise ExperimentError(f'programs cannot be run here: {error}') from None


def constant(brief: EpisodeBrief, space: ProgramSpace) -> Proposal:
    """The program that is in force before the first one: the first choice, or the middle of each value."""
    action: Any = 0 if brief.choices else tuple((each.low + each.high) / 2.0 for each in brief.action)
    if space.entry == 'get_action':
        source = f'def get_action(**observed):\n    return {action!r}\n'
    else:
        source = f'class {space.entry}:\n    def act(self, obs):\n        return {action!r}\n'
    return Proposal(space.of(source), 'constant')


def _told(best: Trial | None) -> float | None:
    """Mean return of the best so far, as its own trial told it."""
    return None if best is None else float(f'{best.measures[RETURN.name]:.{CURVE_DIGITS}g}')


def _score(task: ProgramTask, program: Program | None, episodes: int, board: Board | None) -> Score | str:
    """What a program is worth, or why there is no telling."""
    if program is None:
        return 'no program of the run played its episodes to their end'
    try:
        return score(task, program, episodes, board)
    except ScoreError as error:
        return str(error)


def _scored(name: str, found: Score | str) -> dict[str, float | str | None]:
    if isinstance(found, str):
        return {name: None, f'{name}_standard_error': None, f'{name}_failed': found}
    return {name: found.mean, f'{name}_standard_error': found.standard_error}


def _cost(improvement: Improvement) -> dict[str, int]:
    """Environment steps, requests, tokens, and how often something was mended, or left as it was."""
    steps = improvement.steps
    spent = costs([exchange for step in steps for exchange in step.proposal.exchanges])
    return {
        'interactions': _interactions(improvement.history),
        'tokens': spent['prompt_tokens'] + spent['completion_tokens'],
        'requests': spent['requests'], 'refused': spent['refused'],
        'repairs': sum(step.proposal.memos.get(REPAIR, '0') != '0' for step in steps),
        'unchanged': sum(step.unchanged for step in steps),
    }  # fmt: skip


def _interactions(trials: Sequence[Trial]) -> int:
    return round(sum(trial.measures[STEPS.name] for trial in trials))
