"""One improvement of an experiment: given trials first, then a method's, and what they came to."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import parameters_from_json
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.experiments.rows import Key, Row
from llm_policy_improver.experiments.table_tennis import BLOCK, LANDING_NOISE, Given, play, task
from llm_policy_improver.llm.asking import costs
from llm_policy_improver.loop.build import Assembly, assemble
from llm_policy_improver.loop.improvement import Improvement, RunEndedError
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.sas.effects import count
from llm_policy_improver.methods.sas.sas import DEFAULT_OPTIONS
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES, read_reachable
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import Searched, parameter_space

COLUMNS: Final = ('optimizer', 'model', 'variant', 'objective', 'seed', 'cache', 'after', 'parameters')

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
        method: name.
        model: of the language model; empty for a numeric method.
        objective: short name, of `OBJECTIVES`.
        seed: of the first trials and of the method.
        cache: trials that the method knows at the start.
        improvements: trials that it proposes.
        noisy: whether cameras have noise and everything has delays.
        after: the objective that was improved before, whose trials are in the cache; empty: none was.
        variant: of SAS-Prompt; empty for the usual one.
        parameters: which are searched.
    """

    method: str
    model: str
    objective: str
    seed: int
    cache: int
    improvements: int
    noisy: bool = False
    after: str = ''
    variant: str = ''
    parameters: str = Searched.ATTENUATION.value

    @property
    def key(self) -> Key:
        """The key of its row."""
        return (
            self.method, self.model, self.variant, self.objective, self.seed, self.cache, self.after,
            self.parameters,
        )  # fmt: skip

    @property
    def before(self) -> 'ImprovementRun | None':
        """The run whose trials this one begins with."""
        return replace(self, objective=self.after, after='') if self.after else None

    @property
    def space(self) -> ParameterSpace:
        """What is searched."""
        return parameter_space(Searched(self.parameters))

    @property
    def ball_seed(self) -> int:
        """The trial seed before that of the first improvement."""
        return self.seed * BLOCK + (_AFTERWARDS if self.after else _IMPROVING)


def own_trials(run: ImprovementRun, row: Row) -> list[Given]:
    """The trials that the method proposed in a run, from its row."""
    seeds = [
        run.ball_seed + number if run.noisy else run.ball_seed for number in range(1, run.improvements + 1)
    ]
    # A run that stopped early has fewer.
    return [
        (parameters_from_json(policy), seed) for policy, seed in zip(row['policies'], seeds, strict=False)
    ]


def settings_of(run: ImprovementRun, options: SasOptions = DEFAULT_OPTIONS) -> RunSettings:
    """What the steps of a run are made with."""
    optimizer = OptimizerSettings(
        objective=OBJECTIVES[run.objective], method=run.method, model=run.model,
        token_budget=options.token_budget, candidates=options.candidates,
        landing_noise=LANDING_NOISE if run.noisy else 0.0, trials=run.improvements, first_trials=0,
        seed=run.seed, vary_balls=run.noisy, parameters=run.parameters,
    )  # fmt: skip
    return RunSettings(optimizer, options, run.ball_seed)


def run_numeric(run: ImprovementRun, given: Sequence[Given]) -> Row:
    """The row of a numeric method."""
    return _improve(run, given, assemble(settings_of(run).optimizer))


def run_model(
    run: ImprovementRun, given: Sequence[Given], model: KeptModel, options: SasOptions, store: RunStore
) -> Row:
    """The row of a method that asks a language model; a regression stands in where that fails.

    Raises:
        ExperimentError: the endpoint is gone.
        StoreError: the run cannot be stored.
    """
    settings = settings_of(run, options)
    assembly = assemble(settings.optimizer, model, options)
    return _improve(run, given, assembly, _Asked(model, store, settings))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Of a run with a language model: the model, and the store of the run and what goes into it first."""

    model: KeptModel
    store: RunStore
    settings: RunSettings


def _improve(
    run: ImprovementRun,
    given: Sequence[Given],
    assembly: Assembly,
    asked: _Asked | None = None,
) -> Row:
    objective = parse_objective(OBJECTIVES[run.objective])
    history = play(given, run.noisy)
    if asked is not None:
        history = tuple(_store_given(asked.store, objective, history, given))
        asked.settings.store(asked.store)
    improvement = assembly.improvement(
        objective, ball_seed=run.ball_seed, history=history, first_version=len(history) + 1, all_trials=True
    )
    seconds = 0.0
    while not improvement.done:
        began = time.perf_counter()
        try:
            step = improvement.propose()
        except RunEndedError:
            break
        seconds += time.perf_counter() - began
        if asked is not None:
            asked.model.require()
            asked.store.add_step(objective.words, step)
        trial = step.play(task(run.noisy), improvement.history)
        improvement.record(trial if asked is None else asked.store.add_trial(trial))
    return _row(run, objective, improvement, len(history), seconds)


def _store_given(
    store: RunStore, objective: Objective, history: Sequence[Trial], given: Sequence[Given]
) -> list[Trial]:
    stored = []
    for trial, (_, seed) in zip(history, given, strict=True):
        proposal = Proposal(trial.policy, trial.proposed_by, reason='Given to all methods.')
        store.add_step(objective.words, Step(0, trial.policy, trial.version, proposal, seed))
        stored.append(store.add_trial(trial))
    return stored


def _row(
    run: ImprovementRun, objective: Objective, improvement: Improvement, given: int, seconds: float
) -> Row:
    history, steps = improvement.history, improvement.steps
    distances = [objective.distance(trial) for trial in history]
    known = np.array([np.inf if distance is None else distance for distance in distances])
    so_far = np.minimum.accumulate(known)[given - 1 :]
    reachable = read_reachable(Searched(run.parameters))[run.objective].distance_m
    exchanges = [exchange for step in steps for exchange in step.proposal.exchanges]
    agree, contradict, undecided = count([claim for step in steps for claim in step.proposal.claims])
    if exchanges:
        seconds = sum(exchange.seconds for exchange in exchanges)
    return {
        **dict(zip(COLUMNS, run.key, strict=True)),
        'words': objective.words,
        'initial_m': float(so_far[0]), 'final_m': float(so_far[-1]), 'regret_m': float(so_far[-1]) - reachable,
        'trials_to_0_10_m': _first(so_far <= NEAR),
        'trials_to_regret_0_10_m': _first(so_far - reachable <= NEAR),
        'best_m': so_far[1:].tolist() + [float(so_far[-1])] * (run.improvements - len(steps)),
        'distance_m': distances[given:],
        'returned': float(np.mean([trial.succeeded for trial in history[given:]])),
        **_replayed(run, objective, improvement),
        'seconds': round(seconds, 3), **costs(exchanges),
        'fallbacks': sum(bool(step.proposal.instead_of) for step in steps),
        'unchanged': sum(step.unchanged for step in steps),
        'claims_agree': agree, 'claims_contradict': contradict, 'claims_undecided': undecided,
        'policies': [step.policy.as_json() for step in steps],
    }  # fmt: skip


def _first(reached: Any) -> int | None:
    """After how many improvements something was reached first; None: never."""
    return int(np.argmax(reached)) if np.any(reached) else None


def _replayed(run: ImprovementRun, objective: Objective, improvement: Improvement) -> dict[str, float | None]:
    """The median distance of the best parameters played again, failures as infinite, and the share that landed."""
    best = improvement.best
    if best is None or not run.noisy:
        return {'replayed_m': None, 'replayed_returned': None}
    first = run.seed * BLOCK + _REPLAYED
    trials = [task(True).run(best.parameters, first + number) for number in range(REPLAYS)]
    distances = [objective.distance(trial) for trial in trials]
    middle = float(np.median([np.inf if distance is None else distance for distance in distances]))
    return {
        'replayed_m': middle if np.isfinite(middle) else None,
        'replayed_returned': float(np.mean([trial.succeeded for trial in trials])),
    }
