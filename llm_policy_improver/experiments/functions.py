"""``bench functions``: test functions with a shifted optimum, 100 evaluations for every method."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.experiments import plots, statistics
from llm_policy_improver.experiments.cells import Cell, Shard, cell_name, open_cells
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.kept_model import EXCHANGES, KeptModel
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.report import Lines, Report, label
from llm_policy_improver.experiments.rows import Key, Row, require_rows
from llm_policy_improver.experiments.sas_function import SasFunction
from llm_policy_improver.experiments.side_by_side import converse
from llm_policy_improver.llm.asking import costs
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations
from llm_policy_improver.methods.registry import make_minimizer
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.tasks.functions import ShiftedFunction

COLUMNS: Final = ('optimizer', 'model', 'function', 'dimension', 'seed')
WITH_MODEL: Final = ('sas',)

STARTS: Final = 5
"""First evaluations at random points, the same for all methods on the same seed; they count."""

_CURVE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class FunctionRun:
    """One method on one function."""

    method: str
    model: str
    function: str
    dimension: int
    seed: int
    evaluations: int

    @property
    def key(self) -> Key:
        """The key of its row."""
        return (self.method, self.model, self.function, self.dimension, self.seed)


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """What to run.

    Attributes:
        names: of the functions.
        dimensions: of each.
        seeds: how many, from 0.
        evaluations: of a run, the first random ones included.
    """

    names: tuple[str, ...]
    dimensions: tuple[int, ...]
    seeds: int
    evaluations: int

    def runs(self, method: str, model: str) -> list[FunctionRun]:
        """All runs of one method, seed after seed."""
        return [
            FunctionRun(method, model, name, dimension, seed, self.evaluations)
            for seed in range(self.seeds)
            for dimension in self.dimensions
            for name in self.names
        ]


def first_points(run: FunctionRun) -> Array:
    """The random points (`STARTS`, d) that a run begins with, in the cube -1 ... +1."""
    generator = np.random.default_rng((run.seed, run.dimension, 1))
    return generator.uniform(-1.0, 1.0, (STARTS, run.dimension))


def _play(run: FunctionRun, ask: Callable[[Observations], Array]) -> Row:
    """Evaluate what is asked for until the budget is spent."""
    function = ShiftedFunction.draw(run.function, run.dimension, run.seed)
    points = [*first_points(run)[: run.evaluations]]
    seconds = 0.0
    while len(points) < run.evaluations:
        values = np.array([[function.value(point)] for point in points])
        seen = Observations.of(np.array(points), values, own=len(points) - STARTS)
        began = time.perf_counter()
        points.append(np.clip(ask(seen), -1.0, 1.0))
        seconds += time.perf_counter() - began
    above = [function.above(point) for point in points]
    return {
        'optimizer': run.method, 'model': run.model, 'function': run.function, 'dimension': run.dimension,
        'seed': run.seed, 'best': min(above), 'final': above[-1], 'start': min(above[:STARTS]),
        'best_so_far': [float(f'{value:.{_CURVE_DIGITS}g}') for value in np.minimum.accumulate(above)],
        'seconds': round(seconds, 3), 'requests': 0, 'refused': 0, 'fallbacks': 0, 'prompt_tokens': 0,
        'completion_tokens': 0,
    }  # fmt: skip


def run_numeric(run: FunctionRun) -> Row:
    """The row of a numeric method."""
    return _play(run, make_minimizer(run.method, run.seed).ask)


def run_model(run: FunctionRun, model: KeptModel) -> Row:
    """The row of a language model. Where no reply can be used, a random point costs it the evaluation."""
    sas = SasFunction(model, run.dimension, run.evaluations)
    exchanges: list[Exchange] = []
    fallbacks = 0

    def ask(seen: Observations) -> Array:
        nonlocal fallbacks
        proposal = sas.propose(seen)
        exchanges.extend(proposal.exchanges)
        if proposal.point is not None:
            return proposal.point
        fallbacks += 1
        return make_minimizer('random_search', run.seed).ask(seen)

    row = _play(run, ask)
    spent = {'fallbacks': fallbacks, 'seconds': round(sum(exchange.seconds for exchange in exchanges), 3)}
    return row | costs(exchanges) | spent


def run(
    plan: FunctionPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Run what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or the workers are gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    cells = open_cells(folder, {'experiment': 'functions', 'evaluations': plan.evaluations}, COLUMNS)
    in_turn = [
        one
        for runs in zip(*(plan.runs(name, '') for name in who.numeric_anywhere), strict=True)
        for one in runs
    ]
    numeric = [
        Cell(one.key, partial(run_numeric, one))
        for one in shard.share(in_turn, _key)
        if one.method in who.numeric
    ]
    run_cells('functions', numeric, cells, executor, progress)
    if who.with_model:
        endpoint = who.model.connect()
        asked = [
            Cell(one.key, partial(_ask, one, endpoint, folder / EXCHANGES))
            for one in shard.share(plan.runs(who.with_model[0], who.model.name), _key)
        ]
        converse(who.model.name, asked, cells, progress)
    return report(folder, cells.rows(), who.missing)


def _key(run: FunctionRun) -> Key:
    return run.key


def _ask(run: FunctionRun, endpoint: Endpoint, folder: Path) -> Row:
    return run_model(run, KeptModel(endpoint, folder, cell_name(run.key)))


def report(folder: Path, rows: Sequence[Row], notes: Sequence[str] = ()) -> Report:
    """Sum up the rows.

    Raises:
        ExperimentError: there are none.
    """
    require_rows(folder, rows)
    summary = summarize(rows)
    plot = folder / 'functions.png'
    plots.draw_functions(rows, plot)
    return Report(folder, rows, summary, _tables(summary), [plot], notes)


def summarize(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Medians and intervals for each method, function and dimension."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in COLUMNS[:-1])].append(row)
    return [
        dict(zip(COLUMNS[:-1], group, strict=True))
        | {'n': len(found)}
        | {name: statistics.median([row[name] for row in found]).as_json() for name in ('best', 'final')}
        | {
            'seconds': statistics.median([row['seconds'] for row in found]).as_json(),
            **{name: sum(row[name] for row in found) for name in ('requests', 'refused', 'fallbacks')},
            'tokens': sum(row['prompt_tokens'] + row['completion_tokens'] for row in found),
        }
        for group, found in groups.items()
    ]


def _tables(summary: Sequence[dict[str, Any]]) -> list[Lines]:
    tables = []
    functions = list(dict.fromkeys(entry['function'] for entry in summary))
    cells = {(label(e), e['function'], e['dimension']): e for e in summary}
    for dimension in sorted({entry['dimension'] for entry in summary}):
        of_dimension = [entry for entry in summary if entry['dimension'] == dimension]
        for quantity, title in (('best', 'best of all evaluations'), ('final', 'last evaluation')):
            lines = []
            for name in dict.fromkeys(label(entry) for entry in of_dimension):
                found = [cells.get((name, function, dimension)) for function in functions]
                counts = {entry['n'] for entry in found if entry is not None}
                lines.append((name, *(_cell(entry, quantity) for entry in found), _range(counts)))
            lines.sort(key=lambda line: _order(line[0], dimension, cells, quantity))
            heading = f'{dimension} dimensions, {title}: median above the optimum [95 % interval]'
            tables.append(Lines(heading, ('method', *functions, 'seeds'), tuple(lines)))
    return tables


def _cell(entry: dict[str, Any] | None, quantity: str) -> str:
    if entry is None:
        return '-'
    found = entry[quantity]
    return statistics.Interval(found['median'], found['low'], found['high'], found['n']).text('.3g')


def _range(counts: set[int]) -> str:
    return f'{min(counts)}' if len(counts) == 1 else f'{min(counts)} to {max(counts)}'


def _order(name: str, dimension: int, cells: dict[Any, dict[str, Any]], quantity: str) -> float:
    """Geometric mean over the functions: who is best on the whole comes first."""
    values = [e[quantity]['median'] for (who, _, d), e in cells.items() if who == name and d == dimension]
    return math.fsum(math.log(max(value, 1e-12)) for value in values) / len(values)
