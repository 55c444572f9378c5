"""``bench methods``: every method on every task, with the same budgets, goals and seeds."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments import method_plots, statistics
from llm_policy_improver.experiments.cells import Cell, Shard, cell_name, open_cells
from llm_policy_improver.experiments.example_variants import AS_USUAL, EXAMPLE_VARIANTS
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.kept_model import EXCHANGES, KeptModel
from llm_policy_improver.experiments.learning_cells import LEARNERS, STEPS, LearningRun, run_learning
from llm_policy_improver.experiments.method_tables import LeftOut, needs, tables
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.program_cells import (
    EPISODES,
    RANDOM_LINEAR,
    ProgramRun,
    protection,
    run_program,
)
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.experiments.rows import ExperimentError, Key, Row, require_rows
from llm_policy_improver.experiments.side_by_side import converse
from llm_policy_improver.experiments.vector_cells import VectorRun, learns_by_examples, run_vector
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods import registry
from llm_policy_improver.methods.prompt_po.options import CANDIDATES
from llm_policy_improver.methods.registry import BY_EXAMPLES, NUMERIC, PROGRAMS
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.tasks.registry import TASKS, require_packages

COLUMNS: Final = ('task', 'method', 'model', 'seed')

WITHOUT_MODEL: Final = (*NUMERIC, *BY_EXAMPLES, RANDOM_LINEAR, *LEARNERS)
WITH_MODEL: Final = (*registry.WITH_MODEL, *PROGRAMS)
"""Methods that ask a language model."""

Run = VectorRun | ProgramRun | LearningRun


@dataclass(frozen=True, slots=True)
class MethodsPlan:
    """What to run.

    Attributes:
        tasks: names, of `tasks.problems.PROBLEMS`, whose policies are numbers, and of `tasks.registry.TASKS`, whose
            policies are programs.
        seeds: how many, from 0.
        evaluations: trials of a run; as each task says where 0.
        conversations: with a language model, side by side.
        unseen: episodes that score a program in the end.
        variants: of the examples, names of `EXAMPLE_VARIANTS`; methods that read none run as usual alone.
        training_steps: of a method of reinforcement learning.
        candidates: programs that PromptPO asks for in a round.
        episodes: that a program is tried in.
    """

    tasks: tuple[str, ...]
    seeds: int
    evaluations: int = 0
    conversations: int = 4
    unseen: int = 100
    variants: tuple[str, ...] = (AS_USUAL,)
    training_steps: int = STEPS
    candidates: int = CANDIDATES
    episodes: int = EPISODES

    @property
    def settings(self) -> dict[str, Any]:
        """All that changes what a row means, and is no part of its key.

        What came later is named where it is not as usual: folders of earlier versions have no word of it.
        """
        usual = {'candidates': (self.candidates, CANDIDATES), 'episodes': (self.episodes, EPISODES)}
        changed = {name: value for name, (value, default) in usual.items() if value != default}
        return {'experiment': 'methods', 'evaluations': self.evaluations, 'unseen': self.unseen, **changed}

    def runs(self, methods: Sequence[str], model: str = '') -> list[Run]:
        """All runs of these methods on the tasks that they are for, seed after seed."""
        return [
            run
            for seed in range(self.seeds)
            for task in self.tasks
            for method in methods
            if needs(method, task, task in TASKS) is None
            for run in self._runs(task, method, model, seed)
        ]

    def _runs(self, task: str, method: str, model: str, seed: int) -> list[Run]:
        if method in LEARNERS:
            return [
                LearningRun(
                    task, method, seed, self.training_steps, self.evaluations, self.episodes, self.unseen
                )
            ]
        if task in TASKS:
            return [
                ProgramRun(
                    task, method, model, seed, self.evaluations, self.episodes, self.unseen, self.candidates
                )
            ]
        return [
            VectorRun(task, method, model, seed, self.evaluations, variant)
            for variant in (self.variants if learns_by_examples(method) else (AS_USUAL,))
            if EXAMPLE_VARIANTS[variant].fits(task)
        ]

    def left_out(self) -> dict[str, MissingPackageError]:
        """Tasks whose packages are not installed."""
        found = {}
        for task in self.tasks:
            if task in TASKS:
                try:
                    require_packages(task)
                except MissingPackageError as error:
                    found[task] = error
        return found


def run(
    plan: MethodsPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Run what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or a worker is gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    cells = open_cells(folder, plan.settings, COLUMNS)
    missing = plan.left_out()
    here = replace(plan, tasks=tuple(task for task in plan.tasks if task not in missing))
    _require_runs(here, (*who.numeric, *who.with_model), missing.values())
    numeric = [
        Cell(one.key, partial(make_row, one))
        for one in shard.share(plan.runs(who.numeric_anywhere), _key)
        if one.method in who.numeric and one.task in here.tasks
    ]
    run_cells('methods', numeric, cells, executor, progress)
    if who.with_model:
        endpoint = who.model.connect()
        talks = [
            Cell(one.key, partial(_ask, one, endpoint, folder / EXCHANGES))
            for one in shard.share(plan.runs(who.with_model, who.model.name), _key)
            if one.task in here.tasks
        ]
        converse(who.model.name, talks, cells, progress, plan.conversations)
    played = any(isinstance(one, ProgramRun) for one in here.runs((*who.numeric, *who.with_model)))
    held = (protection(),) if played else ()
    notes = (*held, *who.missing, *dict.fromkeys(f'Left out: {error}.' for error in missing.values()))
    left_out = LeftOut({task: error.extra for task, error in missing.items()}, who.without_model, who.extras)
    return report(folder, cells.rows(), notes, left_out)


def _require_runs(plan: MethodsPlan, methods: Sequence[str], missing: Iterable[MissingPackageError]) -> None:
    """Raise `ExperimentError` where no method is for any task, with the packages that are missing."""
    if plan.runs(methods):
        return
    for error in missing:
        raise ExperimentError(str(error))
    raise ExperimentError(
        f'{", ".join(methods)} cannot be tried on {", ".join(plan.tasks)}: name methods that improve programs for '
        'tasks of programs, and methods that improve parameters for tasks of parameters'
    )


def _key(run: Run) -> Key:
    return run.key


def make_row(run: Run, model: Completer | None = None) -> Row:
    """The row of a run.

    Raises:
        ExperimentError: the method has a fault.
    """
    if isinstance(run, LearningRun):
        return run_learning(run)
    return run_program(run, model) if isinstance(run, ProgramRun) else run_vector(run, model)


def _ask(run: Run, endpoint: Endpoint, folder: Path) -> Row:
    """The row of a run with a language model.

    Raises:
        ExperimentError: the endpoint is gone.
    """
    model = KeptModel(endpoint, folder, cell_name(run.key))
    row = make_row(run, model)
    model.require()
    return row


def report(
    folder: Path, rows: Sequence[Row], notes: Sequence[str] = (), left_out: LeftOut | None = None
) -> Report:
    """Sum up the rows."""
    require_rows(folder, rows)
    summary = summarize(rows)
    drawn = method_plots.draw_methods(rows, folder)
    return Report(folder, rows, summary, tables(summary, left_out or LeftOut()), drawn, notes)


def summarize(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Medians and intervals for each task and method, mean costs, and how often each kind of policy came out."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row['task'], row['method'], row['model'], row.get('variant', AS_USUAL)].append(row)
    return [
        {'task': task, 'method': method, 'model': model, 'variant': variant, 'n': len(found)}
        | {'higher_is_better': _higher(found[0]), 'unit': found[0].get('unit', '')}
        | {name: _median([row[name] for row in found], _higher(found[0])) for name in ('best', 'final')}
        | {
            name: sum(row[name] for row in found) / len(found)
            for name in ('interactions', 'tokens', 'requests', 'seconds')
        }
        | {'kinds': dict(Counter(row['kind'] for row in found if row.get('kind')).most_common())}
        for (task, method, model, variant), found in groups.items()
    ]


def _higher(row: Row) -> bool:
    """Whether more is better in it; rows of earlier versions are regrets."""
    return bool(row.get('higher_is_better', False))


def _median(values: Sequence[float | None], higher: bool) -> dict[str, Any]:
    """With its interval; what failed counts as worse than all else."""
    if not higher:
        return statistics.median(values, never=math.inf).as_json()
    found = statistics.median([None if value is None else -value for value in values], never=math.inf)

    def turned(value: float | None) -> float | None:
        return None if value is None else -value

    return statistics.Interval(turned(found.value), turned(found.high), turned(found.low), found.n).as_json()
