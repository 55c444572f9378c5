"""One method on one problem of parameters: a cell of ``bench methods``."""

import time
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.method import Method
from llm_policy_improver.experiments.example_variants import AS_USUAL, EXAMPLE_VARIANTS
from llm_policy_improver.experiments.faults import require_sound
from llm_policy_improver.experiments.rows import Row
from llm_policy_improver.llm.asking import costs
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.registry import METHODS, WITH_MODEL, Kind, make_numeric, make_with_model
from llm_policy_improver.methods.setup import MethodSetup
from llm_policy_improver.tasks.problem import Problem
from llm_policy_improver.tasks.problems import make_problem

_CURVE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class VectorRun:
    """Attributes:
    task: name of the problem.
    method: name.
    model: of the language model; empty without one.
    seed: of problem and method.
    evaluations: trials; as the problem says where 0.
    variant: of the examples, a name of `EXAMPLE_VARIANTS`.
    """

    task: str
    method: str
    model: str
    seed: int
    evaluations: int = 0
    variant: str = AS_USUAL

    @property
    def key(self) -> tuple[str | int, ...]:
        """Of its cell."""
        usual = (self.task, self.method, self.model, self.seed)
        return usual if self.variant == AS_USUAL else (*usual, self.variant)


def make_method(run: VectorRun, problem: Problem, model: Completer | None) -> Method:
    """The method of a run.

    Raises:
        ValueError: it asks a language model, and there is none.
    """
    told = EXAMPLE_VARIANTS[run.variant].told
    if run.method not in WITH_MODEL:
        return make_numeric(run.method, problem.brief, run.seed, problem.examples, told)
    if model is None:
        raise ValueError(f'{run.method} asks a language model, and none is given')
    setup = MethodSetup(model, problem.brief, run.seed, examples=problem.examples, told=told)
    return make_with_model(run.method, setup)


def run_vector(run: VectorRun, model: Completer | None = None) -> Row:
    """The row: regrets of the best-kept and of the last parameters, and what they cost.

    Raises:
        ExperimentError: the method has a fault, which the loop would bear, but a comparison must not.
    """
    problem = EXAMPLE_VARIANTS[run.variant].applied(make_problem(run.task, run.seed), run.task)
    method = make_method(run, problem, model)
    evaluations = run.evaluations or problem.evaluations
    improvement = Improvement(
        problem.objective,
        method,
        problem.brief.space,
        trials=evaluations,
        first_trials=min(_first_trials(run.method, problem), evaluations),
        seed=run.seed,
        ball_seed=0,
        vary_balls=True,
        # A point that is tried again costs an evaluation, and that is all.
        repeats_allowed=evaluations,
    )
    began = time.perf_counter()
    best, regret, curve = None, None, []
    for result in run_improvement(improvement, problem.task):
        if result.best is not None and result.best is not best:
            best = result.best
            regret = problem.regret(best.parameters)
        curve.append(regret)
    seconds = time.perf_counter() - began
    require_sound(improvement, run.method, run.task, run.seed)
    played = improvement.history
    exchanges = [exchange for step in improvement.steps for exchange in step.proposal.exchanges]
    spent = costs(exchanges)
    return {
        'task': run.task, 'method': run.method, 'model': run.model, 'seed': run.seed, 'variant': run.variant,
        'best': curve[-1], 'final': problem.regret(played[-1].parameters),
        'higher_is_better': False, 'unit': problem.unit,
        'interactions': len(played), 'tokens': spent['prompt_tokens'] + spent['completion_tokens'],
        'requests': spent['requests'], 'refused': spent['refused'], 'seconds': round(seconds, 3),
        'unchanged': sum(step.unchanged for step in improvement.steps),
        'curve': [None if value is None else float(f'{value:.{_CURVE_DIGITS}g}') for value in curve],
    }  # fmt: skip


def learns_by_examples(method: str) -> bool:
    """Whether a method reads solved examples."""
    return method == 'icpi' or (method in METHODS and METHODS[method].kind is Kind.EXAMPLES)


def _first_trials(method: str, problem: Problem) -> int:
    return 1 if learns_by_examples(method) and problem.examples is not None else problem.first_trials
