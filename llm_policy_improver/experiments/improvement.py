"""``bench improvement``: ten objectives, given first trials on the wrong side, and improvements from there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.experiments import first_trials, improvement_summary, plots
from llm_policy_improver.experiments.improvement_run import (
    COLUMNS,
    ImprovementRun,
    own_trials,
    run_model,
    run_numeric,
)
from llm_policy_improver.experiments.kept_model import KeptModel, exchanges_file
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.experiments.rows import Row, RowFile, open_folder
from llm_policy_improver.experiments.table_tennis import Given
from llm_policy_improver.experiments.work import Job, run_everywhere, run_here
from llm_policy_improver.methods.sas.sas import DEFAULT_OPTIONS
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.bench.reachable import OBJECTIVES
from llm_policy_improver.table_tennis.objectives import parse_objective

WITH_MODEL: Final = ('sas', 'hybrid')

Options = Callable[[ImprovementRun], SasOptions]


@dataclass(frozen=True, slots=True)
class ImprovementPlan:
    """What to run.

    Attributes:
        objectives: short names, of `OBJECTIVES`.
        seeds: how many, from 0.
        caches: given trials, each of these numbers.
        improvements: trials that the method proposes.
        noisy: whether cameras have noise and everything has delays.
        after: an objective that is improved before each; empty: none.
        variants: of SAS-Prompt; one empty name: the usual one.
        parameters: which are searched.
    """

    objectives: tuple[str, ...]
    seeds: int
    caches: tuple[int, ...]
    improvements: int
    noisy: bool = False
    after: str = ''
    variants: tuple[str, ...] = ('',)
    parameters: str = 'attenuation'

    def runs(self, method: str, model: str = '') -> list[ImprovementRun]:
        """All runs of one method; those with the same first trials one after the other."""
        return [
            ImprovementRun(
                method,
                model,
                objective,
                seed,
                cache,
                self.improvements,
                self.noisy,
                self.after,
                variant,
                self.parameters,
            )
            for seed in range(self.seeds)
            for objective in self.objectives
            for cache in self.caches
            for variant in self.variants
        ]

    def before(self) -> 'ImprovementPlan | None':
        """The runs whose trials these begin with."""
        return replace(self, objectives=(self.after,), after='') if self.after else None


class Campaign:
    """The rows, first trials and prompts of improvements in one folder.

    Args:
        name: of the experiment.
        folder: where all is kept.
        plan: what to run; another plan may add to the same folder later.
        processes: for numeric methods; all cores where None.
        progress: told what is done.

    Raises:
        ExperimentError: the folder holds rows of other settings, or cannot be used.
    """

    def __init__(
        self, name: str, folder: Path, plan: ImprovementPlan, processes: int | None, progress: Step
    ) -> None:
        settings = {'experiment': name, 'improvements': plan.improvements, 'noisy': plan.noisy}
        open_folder(folder, settings)
        self.folder = folder
        self.rows = RowFile(folder / 'rows.jsonl', COLUMNS)
        self._first = RowFile(folder / 'first_trials.jsonl', first_trials.COLUMNS)
        self._plan, self._processes, self._progress = plan, processes, progress

    @property
    def notes(self) -> list[str]:
        """What people should know of the folder."""
        dropped = 'A torn last line of an interrupted run was dropped and its row computed anew.'
        return [dropped] if self.rows.dropped or self._first.dropped else []

    def report(
        self,
        draw: Callable[[list[Row], Path], None],
        plot: Path,
        drawn: Sequence[Path] = (),
        notes: Sequence[str] = (),
    ) -> Report:
        """On all that the folder holds.

        Args:
            draw: draws the summary.
            plot: where to.
            drawn: further plots, to be named before it.
            notes: to be told before those of the folder.
        """
        rows = self.rows.rows
        summary = improvement_summary.summarize(rows, self._plan.improvements)
        draw(summary, plot)
        tables = improvement_summary.tables(summary)
        return Report(self.folder, rows, summary, tables, [*drawn, plot], [*notes, *self.notes])

    def run(self, who: Participants, options: Options = lambda run: DEFAULT_OPTIONS) -> None:
        """Run what is missing.

        Raises:
            ExperimentError: the endpoint or a process is gone.
            EndpointError: the endpoint cannot be reached at the start.
            StoreError: a run cannot be stored.
        """
        endpoint = who.model.connect() if who.with_model else None
        for plan in filter(None, (self._plan.before(), self._plan)):
            self._find_first(plan)
            numeric = [
                Job((run.key,), partial(run_numeric, run, self._given(plan, run)))
                for together in zip(*(plan.runs(name) for name in who.numeric), strict=True)
                for run in together
            ]
            run_everywhere(_title(plan), numeric, self.rows, self._processes, self._progress)
            if endpoint is None:
                continue
            kept = exchanges_file(self.folder)
            asked = [
                Job((run.key,), partial(self._ask, plan, run, endpoint, kept, options))
                for together in zip(
                    *(plan.runs(name, who.model.name) for name in who.with_model), strict=True
                )
                for run in together
            ]
            run_here(f'{_title(plan)}, {who.model.name}', asked, self.rows, self._progress)

    def _ask(
        self, plan: ImprovementPlan, run: ImprovementRun, endpoint: Any, kept: RowFile, options: Options
    ) -> list[Row]:
        model = KeptModel(endpoint, kept, '/'.join(str(part) for part in run.key))
        folder = _new_folder(self.folder / 'runs', run)
        description = {
            'objective': OBJECTIVES[run.objective], 'proposed_by': f'{run.method}:{run.model}',
            'experiment': dict(zip(COLUMNS, run.key, strict=True)),
        }  # fmt: skip
        with RunStore.create(folder, description) as store:
            rows = run_model(run, self._given(plan, run), model, options(run), store)
        return [row | {'run': str(folder.relative_to(self.folder))} for row in rows]

    def _find_first(self, plan: ImprovementPlan) -> None:
        # Of the objective improved before, where there is one: its run's trials are those given.
        names = (plan.after,) if plan.after else plan.objectives
        sides = dict.fromkeys(_side(name) for name in names)
        count = max(plan.caches)
        jobs = [
            Job(
                ((side, seed, count, plan.parameters),),
                partial(first_trials.find_first_trials, side, seed, count, plan.noisy, plan.parameters),
            )
            for seed in range(plan.seeds)
            for side in sides
        ]
        run_everywhere('first trials', jobs, self._first, self._processes, self._progress)

    def _given(self, plan: ImprovementPlan, run: ImprovementRun) -> list[Given]:
        side = _side(run.after or run.objective)
        row = self._first[(side, run.seed, max(plan.caches), plan.parameters)]
        given = first_trials.trials_of(row, run.cache)
        if not run.after:
            return given
        before = replace(run, objective=run.after, after='')
        return given + own_trials(before, self.rows[before.key])


def _title(plan: ImprovementPlan) -> str:
    return f'after {plan.after}' if plan.after else 'improvements'


def _side(objective: str) -> str:
    return first_trials.side_away(parse_objective(OBJECTIVES[objective]))


def _new_folder(root: Path, run: ImprovementRun) -> Path:
    """A folder for a run's store; a run that was interrupted leaves its own behind and gets another."""
    words = [run.method, run.model, run.variant, run.objective, f'seed {run.seed}', f'cache {run.cache}']
    words += [f'after {run.after}'] if run.after else []
    name = '-'.join(''.join(c if c.isalnum() or c in '._' else '-' for c in word) for word in words if word)
    folder, again = root / name, 1
    while folder.exists():
        again += 1
        folder = root / f'{name}.{again}'
    return folder


def run(
    plan: ImprovementPlan, who: Participants, folder: Path, processes: int | None, progress: Step
) -> Report:
    """Run what is missing, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or a process is gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    campaign = Campaign('improvement', folder, plan, processes, progress)
    campaign.run(who)
    curves, regrets = folder / 'improvement.png', folder / 'regret.png'
    plots.draw_improvement(campaign.rows.rows, curves)
    return campaign.report(plots.draw_regrets, regrets, (curves,), who.missing)
