"""One improvement of an experiment: given trials first, then an optimizer's, and what they came to."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from llm_policy_improver.bench.experiments.kept_model import KeptModel
from llm_policy_improver.bench.experiments.rows import Key, Row
from llm_policy_improver.bench.experiments.table_tennis import BLOCK, Trial, play, task
from llm_policy_improver.bench.reachable import OBJECTIVES, read_reachable
from llm_policy_improver.improvement import Improvement
from llm_policy_improver.improvement_record import store_step
from llm_policy_improver.llm.asking import costs
from llm_policy_improver.objective import Objective, parse_objective
from llm_policy_improver.optimizers.least_squares import LeastSquares
from llm_policy_improver.optimizers.protocol import Optimizer
from llm_policy_improver.optimizers.registry import make_numeric
from llm_policy_improver.optimizers.sas import SasPrompt
from llm_policy_improver.optimizers.sas_options import SasOptions
from llm_policy_improver.optimizers.screened import ScreenedOptimizer
from llm_policy_improver.parameters import ParameterSpace
from llm_policy_improver.trace import ExecutionTrace
from llm_policy_improver.tracing.store import RunStore

COLUMNS: Final = ('optimizer', 'model', 'variant', 'objective', 'seed', 'cache', 'after')

NEAR: Final = 0.10
"""m: the distance that "trials to 0.10 m" counts to."""

REPLAYS: Final = 8
"""Trials with the best parameters after a noisy run: the best distance seen is partly luck."""

_IMPROVING, _AFTERWARDS, _REPLAYED = BLOCK // 2, 3 * BLOCK // 4, BLOCK - 100
"""Where the trial seeds of the improvements begin, of those after another objective, and of the replays."""


@dataclass(frozen=True, slots=True)
class ImprovementRun:
    """What is run.

    Attributes:
        optimizer: name.
        model: of the language model; empty for a numeric optimizer.
        objective: short name, of `OBJECTIVES`.
        seed: of the first trials and of the optimizer.
        cache: trials that the optimizer knows at the start.
        improvements: trials that it proposes.
        noisy: whether cameras have noise and everything has delays.
        after: the objective that was improved before, whose trials are in the cache; empty: none was.
        variant: of SAS-Prompt; empty for the usual one.
    """

    optimizer: str
    model: str
    objective: str
    seed: int
    cache: int
    improvements: int
    noisy: bool = False
    after: str = ''
    variant: str = ''

    @property
    def key(self) -> Key:
        """The key of its row."""
        return (self.optimizer, self.model, self.variant, self.objective, self.seed, self.cache, self.after)

    @property
    def ball_seed(self) -> int:
        """The trial seed before that of the first improvement."""
        return self.seed * BLOCK + (_AFTERWARDS if self.after else _IMPROVING)


def own_trials(run: ImprovementRun, row: Row) -> list[Trial]:
    """The trials that the optimizer proposed in a run, from its row."""
    seeds = [
        run.ball_seed + number if run.noisy else run.ball_seed for number in range(1, run.improvements + 1)
    ]
    return [(tuple(values), seed) for values, seed in zip(row['attenuations'], seeds, strict=True)]


def make_with_model(run: ImprovementRun, model: KeptModel, options: SasOptions) -> Optimizer:
    """The optimizer of this name that asks a language model."""
    space = ParameterSpace()
    sas = SasPrompt(model, space, options=options)
    return ScreenedOptimizer(sas, space, run.seed) if run.optimizer == 'hybrid' else sas


def run_numeric(run: ImprovementRun, given: Sequence[Trial]) -> list[Row]:
    """The row of a numeric optimizer."""
    return [_improve(run, given, make_numeric(run.optimizer, ParameterSpace(), run.seed))]


def run_model(
    run: ImprovementRun, given: Sequence[Trial], model: KeptModel, options: SasOptions, store: RunStore
) -> list[Row]:
    """The row of an optimizer that asks a language model; least squares stands in where that fails.

    Raises:
        ExperimentError: the endpoint is gone.
        StoreError: the run cannot be stored.
    """
    return [_improve(run, given, make_with_model(run, model, options), model, store)]


def _improve(
    run: ImprovementRun,
    given: Sequence[Trial],
    optimizer: Optimizer,
    model: KeptModel | None = None,
    store: RunStore | None = None,
) -> Row:
    objective, space = parse_objective(OBJECTIVES[run.objective]), ParameterSpace()
    history = play(given, run.noisy)
    if store is not None:
        history = tuple(_store_given(store, objective, history, given))
    improvement = Improvement(
        objective, optimizer, space, trials=run.improvements, first_trials=0, seed=run.seed,
        ball_seed=run.ball_seed, vary_balls=run.noisy, history=history, first_version=len(history) + 1,
        fallback=None if model is None else LeastSquares(space, run.seed),
    )  # fmt: skip
    seconds = 0.0
    while not improvement.done:
        began = time.perf_counter()
        step = improvement.propose()
        seconds += time.perf_counter() - began
        if model is not None:
            model.require()
        if store is not None:
            store_step(store, objective, step)
        trace = task(run.noisy).run(step.parameters, step.seed)
        improvement.record(trace if store is None else store.add_trial(trace))
    return _row(run, objective, improvement, len(history), seconds)


def _store_given(
    store: RunStore, objective: Objective, history: Sequence[ExecutionTrace], given: Sequence[Trial]
) -> list[ExecutionTrace]:
    stored = []
    for trace, (_, seed) in zip(history, given, strict=True):
        store.add_step(
            objective.words, trace.parameters, seed, reason='Given to all optimizers.', verdict='accepted'
        )
        stored.append(store.add_trial(trace))
    return stored


def _row(
    run: ImprovementRun, objective: Objective, improvement: Improvement, given: int, seconds: float
) -> Row:
    history, steps = improvement.history, improvement.steps
    distances = [objective.distance(trace) for trace in history]
    known = np.array([np.inf if distance is None else distance for distance in distances])
    so_far = np.minimum.accumulate(known)[given - 1 :]
    reachable = read_reachable()[run.objective].distance_m
    exchanges = [exchange for step in steps for exchange in step.proposal.exchanges]
    if exchanges:
        seconds = sum(exchange.seconds for exchange in exchanges)
    return {
        **dict(zip(COLUMNS, run.key, strict=True)),
        'words': objective.words,
        'initial_m': float(so_far[0]), 'final_m': float(so_far[-1]), 'regret_m': float(so_far[-1]) - reachable,
        'trials_to_0_10_m': _first(so_far <= NEAR),
        'trials_to_regret_0_10_m': _first(so_far - reachable <= NEAR),
        'best_m': so_far[1:].tolist(), 'distance_m': distances[given:],
        'returned': float(np.mean([trace.landed for trace in history[given:]])),
        'replayed_m': _replayed(run, objective, improvement) if run.noisy else None,
        'seconds': round(seconds, 3), **costs(exchanges),
        'fallbacks': sum(bool(step.proposal.fallback) for step in steps),
        'unchanged': sum(step.unchanged for step in steps),
        'attenuations': [list(step.parameters.attenuation) for step in steps],
    }  # fmt: skip


def _first(reached: Any) -> int | None:
    """After how many improvements something was reached first; None: never."""
    return int(np.argmax(reached)) if np.any(reached) else None


def _replayed(run: ImprovementRun, objective: Objective, improvement: Improvement) -> float | None:
    best = improvement.best
    if best is None:
        return None
    first = run.seed * BLOCK + _REPLAYED
    traces = [task(True).run(best.parameters, first + number) for number in range(REPLAYS)]
    distances = [distance for trace in traces if (distance := objective.distance(trace)) is not None]
    return float(np.median(distances)) if distances else None
