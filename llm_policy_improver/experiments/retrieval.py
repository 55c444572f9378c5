"""``bench retrieval``: does a reader of the trials find the one that fulfils a query best?"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments import plots, statistics
from llm_policy_improver.experiments.cells import Cell, Shard, cell_name, open_cells
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.kept_model import EXCHANGES, KeptModel
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.report import Lines, Report
from llm_policy_improver.experiments.retrieval_reader import RetrievalReader
from llm_policy_improver.experiments.rows import ExperimentError, Key, Row, require_rows
from llm_policy_improver.experiments.side_by_side import converse
from llm_policy_improver.experiments.table_tennis import BLOCK, task
from llm_policy_improver.llm.asking import costs
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES
from llm_policy_improver.table_tennis.bench.trials import true_outcome
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.tracing.observed import SUCCEEDED

COLUMNS: Final = ('reader', 'model', 'query', 'cache', 'seed')
READERS: Final = ('random', 'oracle')
"""Numeric ones: any order, and the order of the measured distance to what is asked for."""
WITH_MODEL: Final = ('sas',)

TOPS: Final = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Query:
    """One question about one cache of trials."""

    name: str
    cache: int
    seed: int

    def key(self, reader: str, model: str = '') -> Key:
        """The key of a reader's row."""
        return (reader, model, self.name, self.cache, self.seed)


@dataclass(frozen=True, slots=True)
class RetrievalPlan:
    """What to ask.

    Attributes:
        names: kinds of query, of `OBJECTIVES`.
        caches: numbers of trials.
        seeds: how many caches of each number, from seed 0.
        queries: most questions put to a language model; None: all.
        noisy: whether the trials are seen with camera noise and delays.
    """

    names: tuple[str, ...]
    caches: tuple[int, ...]
    seeds: int
    queries: int | None
    noisy: bool

    def of_seed(self, seed: int) -> list[Query]:
        """All questions about the caches of one seed, in an order in which any first ones are a fair sample."""
        return [
            Query(name, self.caches[(position + turn) % len(self.caches)], seed)
            for turn in range(len(self.caches))
            for position, name in enumerate(self.names)
        ]

    def asked(self) -> list[Query]:
        """The questions for a language model."""
        return [query for seed in range(self.seeds) for query in self.of_seed(seed)][: self.queries]


@dataclass(frozen=True, slots=True)
class Cache:
    """Trials of one seed: as they were seen, and as they really were."""

    seen: tuple[Trial, ...]
    true: tuple[Trial, ...]


@lru_cache(maxsize=2)
def make_cache(size: int, seed: int, noisy: bool) -> Cache:
    """Random attenuations; the caches of one seed begin alike, whatever their sizes are."""
    space, generator, played = parameter_space(), np.random.default_rng((seed, 2)), task(noisy)
    seen, true = [], []
    for number in range(1, size + 1):
        policy = space.at(round(value, 2) for value in space.sample(generator).values)
        trial = replace(played.run(policy, seed * BLOCK + number), version=number, number=number)
        outcome, place = true_outcome(played.simulator.contacts, played.simulator.arm_contact)
        seen.append(trial)
        # Where the ball came down is known from its contacts. Heights are as seen.
        measures = {name: value for name, value in trial.measures.items() if not name.startswith('landing_')}
        if place is not None:
            measures |= {'landing_x': place[0], 'landing_y': place[1]}
        landed = outcome in SUCCEEDED and place is not None
        true.append(replace(trial, outcome=outcome, measures=measures, succeeded=landed))
    return Cache(tuple(seen), tuple(true))


def true_best(cache: Sequence[Trial], objective: Objective) -> int:
    """Number of the trial that really fulfils the objective best.

    Raises:
        ExperimentError: none landed.
    """
    best = objective.best(cache)
    if best is None:
        raise ExperimentError(f'none of {len(cache)} random trials landed: ask for larger caches')
    return best.number


def oracle_ranking(cache: Sequence[Trial], objective: Objective) -> list[int]:
    """The trials' numbers by the distance as it was seen; those without one last."""

    def cost(trial: Trial) -> float:
        distance = objective.distance(trial)
        return math.inf if distance is None else distance

    return [trial.number for trial in sorted(cache, key=cost)]


def _row(query: Query, reader: str, model: str, ranking: Sequence[int], best: int) -> Row:
    place = ranking.index(best) + 1 if best in ranking else None
    return {
        'reader': reader, 'model': model, 'query': query.name, 'words': OBJECTIVES[query.name],
        'cache': query.cache, 'seed': query.seed,
        **{f'top{top}': place is not None and place <= top for top in TOPS},
        'best': best, 'ranking': list(ranking[: max(TOPS)]), 'seconds': 0.0, 'requests': 0, 'refused': 0,
        'prompt_tokens': 0, 'completion_tokens': 0,
    }  # fmt: skip


def _look(query: Query, largest: int, noisy: bool) -> tuple[Sequence[Trial], Objective, int]:
    cache, objective = make_cache(largest, query.seed, noisy), parse_objective(OBJECTIVES[query.name])
    return cache.seen[: query.cache], objective, true_best(cache.true[: query.cache], objective)


def run_numeric(query: Query, reader: str, largest: int, noisy: bool) -> Row:
    """The row of a numeric reader."""
    seen, objective, best = _look(query, largest, noisy)
    if reader == 'oracle':
        return _row(query, reader, '', oracle_ranking(seen, objective), best)
    drawn = np.random.default_rng((query.seed, query.cache, *query.name.encode()))
    any_order = [int(number) for number in drawn.permutation(query.cache) + 1]
    return _row(query, reader, '', any_order, best)


def run_model(query: Query, model: KeptModel, largest: int, noisy: bool) -> Row:
    """The row of a language model; a reply that cannot be used is a miss."""
    seen, objective, best = _look(query, largest, noisy)
    answer = RetrievalReader(model).rank(seen, objective)
    row = _row(query, 'sas', model.model, answer.value or (), best)
    seconds = round(sum(exchange.seconds for exchange in answer.exchanges), 3)
    return row | costs(answer.exchanges) | {'seconds': seconds}


def run(
    plan: RetrievalPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Ask what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or the workers are gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    cells = open_cells(folder, {'experiment': 'retrieval', 'noisy': plan.noisy}, COLUMNS)
    largest = max(plan.caches)
    # By seed, as the trials of one are played once for all that is asked about them.
    numeric = [
        Cell(query.key(reader), partial(run_numeric, query, reader, largest, plan.noisy), (seed,))
        for seed in shard.share(range(plan.seeds), lambda seed: (seed,))
        for query in plan.of_seed(seed)
        for reader in who.numeric
    ]
    run_cells('queries', numeric, cells, executor, progress)
    if who.with_model:
        name, endpoint = who.model.name, who.model.connect()

        def asked(query: Query) -> Row:
            kept = KeptModel(endpoint, folder / EXCHANGES, cell_name(query.key('sas', name)))
            return run_model(query, kept, largest, plan.noisy)

        questions = [Cell(query.key('sas', name), partial(asked, query)) for query in plan.asked()]
        converse(name, shard.share(questions, lambda cell: cell.key), cells, progress)
    return report(folder, cells.rows(), who.missing)


def report(folder: Path, rows: Sequence[Row], notes: Sequence[str] = ()) -> Report:
    """Sum up the rows.

    Raises:
        ExperimentError: there are none.
    """
    require_rows(folder, rows)
    summary = summarize(rows)
    plot = folder / 'retrieval.png'
    plots.draw_retrieval(summary, plot)
    return Report(folder, rows, summary, _tables(summary), [plot], notes)


def summarize(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Shares and intervals for each reader: over all, a kind of query, and a size of the cache."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        reader = (row['reader'], row['model'])
        groups[(*reader, 'all', 'all')].append(row)
        groups[(*reader, row['query'], 'all')].append(row)
        groups[(*reader, 'all', row['cache'])].append(row)
    return [
        dict(zip(COLUMNS[:-1], group, strict=True))
        | {'n': len(found)}
        | {
            f'top{top}': statistics.share([row[f'top{top}'] for row in found]).as_json('share')
            for top in TOPS
        }
        | {
            'seconds': statistics.median([row['seconds'] for row in found]).as_json(),
            **{name: sum(row[name] for row in found) for name in ('requests', 'refused')},
            'tokens': sum(row['prompt_tokens'] + row['completion_tokens'] for row in found),
        }
        for group, found in groups.items()
    ]


def _tables(summary: Sequence[dict[str, Any]]) -> list[Lines]:
    def lines(entries: Sequence[dict[str, Any]], column: str) -> tuple[tuple[str, ...], ...]:
        return tuple(
            (plots.reader(e), str(e[column]), *(_share(e[f'top{top}']) for top in TOPS), str(e['n']))
            for e in entries
        )

    headings = ('first', 'first 5', 'first 10', 'queries')
    over_all = [e for e in summary if e['query'] == 'all']
    kinds = [e for e in summary if e['query'] != 'all']
    title = 'Share of queries whose best trial is among the picks [95 % interval]'
    return [
        Lines(title, ('reader', 'cache', *headings), lines(over_all, 'cache')),
        Lines('By kind of query', ('reader', 'query', *headings), lines(kinds, 'query')),
    ]


def _share(found: dict[str, Any]) -> str:
    return statistics.Interval(found['share'], found['low'], found['high'], found['n']).text('.1%')
