"""``bench methods``: every method on every task, with the same budgets, goals and seeds."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.experiments import method_plots, statistics
from llm_policy_improver.experiments.cells import Cell, CellFolder, Shard
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.experiments.optimizers import Participants
from llm_policy_improver.experiments.report import Lines, Report, label
from llm_policy_improver.experiments.rows import ExperimentError, Row, RowFile, open_folder
from llm_policy_improver.experiments.side_by_side import SideBySide
from llm_policy_improver.experiments.vector_cells import VectorRun, run_vector
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.report.progress_bar import Step

CELLS: Final = 'cells'
EXCHANGES: Final = 'exchanges'

WITH_MODEL: Final = ('sas', 'icpi', 'hybrid')
"""Methods for parameters that ask a language model."""


@dataclass(frozen=True, slots=True)
class MethodsPlan:
    """What to run.

    Attributes:
        tasks: names, of `tasks.problems.PROBLEMS`.
        seeds: how many, from 0.
        evaluations: trials of a run; as each task says where 0.
        conversations: with a language model, side by side.
    """

    tasks: tuple[str, ...]
    seeds: int
    evaluations: int = 0
    conversations: int = 4

    def runs(self, method: str, model: str = '') -> list[VectorRun]:
        """All runs of one method, seed after seed."""
        return [
            VectorRun(task, method, model, seed, self.evaluations)
            for seed in range(self.seeds)
            for task in self.tasks
        ]


def run(
    plan: MethodsPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Run what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or a worker is gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    open_folder(folder, {'experiment': 'methods', 'evaluations': plan.evaluations})
    cells = CellFolder(folder / CELLS)
    together = zip(*(plan.runs(name) for name in who.numeric), strict=True)
    numeric = [Cell(one.key, partial(run_vector, one)) for runs in together for one in runs]
    run_cells('methods', numeric, cells, executor, shard, progress)
    if who.with_model:
        endpoint = who.model.connect()
        talks = [
            Cell(one.key, partial(_ask, one, endpoint, folder / EXCHANGES))
            for runs in zip(*(plan.runs(name, who.model.name) for name in who.with_model), strict=True)
            for one in runs
        ]
        run_cells(who.model.name, talks, cells, SideBySide(plan.conversations), shard, progress)
    return report(folder, cells.rows(), who.missing)


def _ask(run: VectorRun, endpoint: Endpoint, folder: Path) -> Row:
    """The row of a run with a language model.

    Raises:
        ExperimentError: the endpoint is gone.
    """
    name = Cell(run.key, dict).name
    model = KeptModel(endpoint, RowFile(folder / f'{name}.jsonl', ('job', 'request')), name)
    row = run_vector(run, model)
    model.require()
    return row


def report(folder: Path, rows: Sequence[Row], notes: Sequence[str] = ()) -> Report:
    """Sum up the rows."""
    if not rows:
        raise ExperimentError(f'{folder} holds no rows yet: run a shard that has cells first')
    summary = summarize(rows)
    plot = folder / 'methods.png'
    method_plots.draw_methods(rows, plot)
    return Report(folder, rows, summary, _tables(summary), [plot], notes, CELLS)


def summarize(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Medians and intervals for each task and method."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row['task'], row['method'], row['model']].append(row)
    return [
        {'task': task, 'method': method, 'model': model, 'n': len(found)}
        | {
            name: statistics.median([row[name] for row in found], never=math.inf).as_json()
            for name in ('best', 'final')
        }
        | {
            name: sum(row[name] for row in found) / len(found)
            for name in ('interactions', 'tokens', 'requests', 'seconds')
        }
        for (task, method, model), found in groups.items()
    ]


def _tables(summary: Sequence[dict[str, Any]]) -> list[Lines]:
    tasks = list(dict.fromkeys(entry['task'] for entry in summary))
    cells = {(label(entry), entry['task']): entry for entry in summary}
    names = sorted({name for name, _ in cells}, key=lambda name: _rank(name, tasks, cells))
    return [
        Lines(
            f'{title}: regret, median [95 % interval]',
            ('method', *tasks, 'seeds'),
            tuple(
                (
                    name,
                    *(_cell(cells.get((name, task)), quantity) for task in tasks),
                    _seeds([cells[name, task]['n'] for task in tasks if (name, task) in cells]),
                )
                for name in names
            ),
        )
        for quantity, title in (('best', 'Best kept'), ('final', 'Last'))
    ]


def _cell(entry: dict[str, Any] | None, quantity: str) -> str:
    if entry is None:
        return '-'
    found = entry[quantity]
    return statistics.Interval(found['median'], found['low'], found['high'], found['n']).text('.3g')


def _seeds(counts: Sequence[int]) -> str:
    return f'{min(counts)}' if min(counts) == max(counts) else f'{min(counts)} to {max(counts)}'


def _rank(name: str, tasks: Sequence[str], cells: dict[tuple[str, str], dict[str, Any]]) -> float:
    """Mean rank over the tasks that a method took part in: who is best on the whole comes first."""
    ranks = []
    for task in tasks:
        if (name, task) not in cells:
            continue
        mine = _number(cells[name, task])
        ranks.append(sum(_number(entry) < mine for (_, where), entry in cells.items() if where == task))
    return sum(ranks) / len(ranks)


def _number(entry: dict[str, Any]) -> float:
    found = entry['best']['median']
    return math.inf if found is None else float(found)
