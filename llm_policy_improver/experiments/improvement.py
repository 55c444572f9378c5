"""``bench improvement``: ten objectives, given first trials on the wrong side, and improvements from there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.experiments import first_trials, improvement_summary, plots
from llm_policy_improver.experiments.cells import Cell, CellFolder, Shard, cell_name, open_cells
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.improvement_run import (
    COLUMNS,
    ImprovementRun,
    own_trials,
    run_model,
    run_numeric,
)
from llm_policy_improver.experiments.kept_model import EXCHANGES, KeptModel
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.experiments.rows import Key, Row, require_rows
from llm_policy_improver.experiments.side_by_side import converse
from llm_policy_improver.experiments.table_tennis import Given
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods.sas.sas import DEFAULT_OPTIONS
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.runs.store import RunExistsError, RunStore
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES
from llm_policy_improver.table_tennis.objectives import parse_objective

WITH_MODEL: Final = ('sas', 'hybrid')
FIRST_TRIALS: Final = 'first_trials'
"""Folder of the first trials, cells too, in that of an experiment."""

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


class Campaign:
    """The cells, first trials and conversations of improvements in one folder.

    Args:
        name: of the experiment.
        folder: where all is kept.
        plan: what to run; another plan may add to the same folder later.
        executor: computes what asks no language model.
        shard: of the runs; what they begin with is found for it alone.
        progress: told what is done.

    Raises:
        ExperimentError: the folder holds rows of other settings, or cannot be used.
    """

    def __init__(
        self, name: str, folder: Path, plan: ImprovementPlan, executor: Executor, shard: Shard, progress: Step
    ) -> None:
        settings = {'experiment': name, 'improvements': plan.improvements, 'noisy': plan.noisy}
        self.folder = folder
        self._cells = open_cells(folder, settings, COLUMNS)
        self._first = CellFolder(folder / FIRST_TRIALS, first_trials.COLUMNS)
        self._first.take_over(folder / f'{FIRST_TRIALS}.jsonl')
        self._plan, self._executor, self._shard, self._progress = plan, executor, shard, progress

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
            notes: to be told.

        Raises:
            ExperimentError: it holds no rows.
        """
        rows = self._cells.rows()
        require_rows(self.folder, rows)
        summary = improvement_summary.summarize(rows, self._plan.improvements)
        draw(summary, plot)
        return Report(self.folder, rows, summary, improvement_summary.tables(summary), [*drawn, plot], notes)

    def run(self, who: Participants, options: Options = lambda run: DEFAULT_OPTIONS) -> None:
        """Run what is missing.

        Raises:
            ExperimentError: the endpoint or the workers are gone.
            EndpointError: the endpoint cannot be reached at the start.
            StoreError: a run cannot be stored.
        """
        endpoint = who.model.connect() if who.with_model else None
        numeric = [run for run in self._share(who.numeric_anywhere) if run.method in who.numeric]
        asked = self._share(who.with_model, who.model.name)
        before = (_before(numeric), _before(asked))
        self._find_first([*before[0], *before[1]] or [*numeric, *asked])
        if any(before):
            self._run('improvements', *before, endpoint, options)
        title = f'after {self._plan.after}' if self._plan.after else 'improvements'
        self._run(title, numeric, asked, endpoint, options)

    def _share(self, methods: Sequence[str], model: str = '') -> list[ImprovementRun]:
        """The shard's runs: those that begin with the same run, or else the same first trials, are in the same one."""
        return self._shard.share(
            _in_turn(self._plan.runs(name, model) for name in methods),
            lambda run: self._first_key(run) if run.before is None else run.before.key,
        )

    def _run(
        self,
        title: str,
        numeric: Sequence[ImprovementRun],
        asked: Sequence[ImprovementRun],
        endpoint: Endpoint | None,
        options: Options,
    ) -> None:
        cells = [Cell(run.key, partial(run_numeric, run, self._given(run))) for run in numeric]
        run_cells(title, cells, self._cells, self._executor, self._progress)
        if endpoint is None:
            return
        talks = [Cell(run.key, partial(self._ask, run, endpoint, options(run))) for run in asked]
        converse(f'{title}, {endpoint.model}', talks, self._cells, self._progress)

    def _ask(self, run: ImprovementRun, endpoint: Endpoint, options: SasOptions) -> Row:
        model = KeptModel(endpoint, self.folder / EXCHANGES, cell_name(run.key))
        description = {
            'objective': OBJECTIVES[run.objective], 'proposed_by': f'{run.method}:{run.model}',
            'experiment': dict(zip(COLUMNS, run.key, strict=True)),
        }  # fmt: skip
        with _new_store(self.folder / 'runs', run, description) as store:
            row = run_model(run, self._given(run), model, options, store)
        return row | {'run': str(store.folder.relative_to(self.folder))}

    def _find_first(self, runs: Sequence[ImprovementRun]) -> None:
        noisy = self._plan.noisy
        keys = dict.fromkeys(self._first_key(run) for run in runs)
        cells = [
            Cell(key, partial(first_trials.find_first_trials, side, seed, count, noisy, parameters))
            for key in keys
            for side, seed, count, parameters in (key,)
        ]
        run_cells('first trials', cells, self._first, self._executor, self._progress)

    def _first_key(self, run: ImprovementRun) -> Key:
        return (_side(run.after or run.objective), run.seed, max(self._plan.caches), run.parameters)

    def _given(self, run: ImprovementRun) -> list[Given]:
        given = first_trials.trials_of(self._first.row(self._first_key(run)), run.cache)
        before = run.before
        return given if before is None else given + own_trials(before, self._cells.row(before.key))


def _before(runs: Iterable[ImprovementRun]) -> list[ImprovementRun]:
    """The runs whose trials these begin with."""
    return list(dict.fromkeys(before for run in runs if (before := run.before) is not None))


def _in_turn(of_each: Iterable[Sequence[ImprovementRun]]) -> list[ImprovementRun]:
    """The first run of each optimizer, which begin with the same trials, then the second ones."""
    return [run for together in zip(*of_each, strict=True) for run in together]


def _side(objective: str) -> str:
    return first_trials.side_away(parse_objective(OBJECTIVES[objective]))


def _new_store(root: Path, run: ImprovementRun, description: Mapping[str, Any]) -> RunStore:
    """A run's store; a run that was interrupted leaves its own behind and gets another.

    Raises:
        StoreError: the folder cannot be written.
    """
    words = [run.method, run.model, run.variant, run.objective, f'seed {run.seed}', f'cache {run.cache}']
    words += [f'after {run.after}'] if run.after else []
    name = '-'.join(''.join(c if c.isalnum() or c in '._' else '-' for c in word) for word in words if word)
    folder, again = root / name, 1
    while True:
        try:
            return RunStore.create(folder, description)
        except RunExistsError:
            again += 1
            folder = root / f'{name}.{again}'


def run(
    plan: ImprovementPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Run what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or the workers are gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    campaign = Campaign('improvement', folder, plan, executor, shard, progress)
    campaign.run(who)
    curves, regrets = folder / 'improvement.png', folder / 'regret.png'
    found = campaign.report(plots.draw_regrets, regrets, (curves,), who.missing)
    plots.draw_improvement(found.rows, curves)
    return found
