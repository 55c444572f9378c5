"""The losses of ``bench noise``: what methods come to under noise on arms that are not as the simulator takes them.

24 one-sided first trials, 20 improvements, and then the policy that is recommended, played again: the loss is the mean
distance of those balls to the objective, a ball that does not land counted as 1 m.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache, partial
from itertools import product
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.method import Method, Recommender
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.cells import Cell
from llm_policy_improver.experiments.first_trials import one_sided, side_away
from llm_policy_improver.experiments.processes import Processes
from llm_policy_improver.experiments.table_tennis import first_trial
from llm_policy_improver.loop.foretold import Foretold
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.registry import NUMERIC, make_numeric, require_known
from llm_policy_improver.methods.rules import REPEATS
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.table_tennis.bench.drawn_arms import drawn_arm
from llm_policy_improver.table_tennis.bench.noise import NoiseResult
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulated_prior import SimulatedPrior
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.task_brief import make_brief

WITHOUT_PRIOR: Final = 'bayesian without a prior'
BEST_OF_FIRST: Final = 'best of the first trials'
COMPARED: Final = ('bayesian', WITHOUT_PRIOR, 'least_squares', 'cma_es', 'random_search', BEST_OF_FIRST)
AIMS: Final = ('far right', 'left corner', 'point', 'near the net')
"""Short names, of `OBJECTIVES`."""
FIRST_TRIALS: Final = 24
IMPROVEMENTS: Final = 20
REPLAYS: Final = 64
NOT_LANDED: Final = 1.0
NEAR: Final = 0.25
"""m."""
NOISE: Final = 0.05
"""m, as ``landing_noise`` would say."""
_BLOCK: Final = 1_000_000
"""Trial seeds of an arm and a seed begin at multiples of it; the replays' in its second half."""


@dataclass(frozen=True, slots=True)
class LossRun:
    """One method towards one objective on one drawn arm, from the first trials of one seed."""

    method: str
    objective: str
    arm: int
    seed: int
    searched: Searched = Searched.ATTENUATION
    until_reached: bool = False
    """Whether it ends where the objective is reached, or nothing worth a trial is left."""

    @property
    def first_seed(self) -> int:
        """Before that of its first trial."""
        return (self.arm * 1000 + self.seed + 1) * _BLOCK


@lru_cache(maxsize=1)
def _arm(number: int) -> TableTennis:
    return drawn_arm(number)


@lru_cache(maxsize=8)
def _first(arm: int, side: str, seed: int, searched: Searched) -> tuple[Trial, ...]:
    """The one-sided first trials."""
    task, begin = _arm(arm), LossRun('', '', arm, seed).first_seed

    def play(before: Sequence[Trial], policy: Parameters, number: int) -> Trial:
        return replace(first_trial(task, before, policy, begin + number), samples=None)

    found = one_sided(play, side, (seed, arm, 3), parameter_space(searched), FIRST_TRIALS)
    return tuple(trial for trial, _ in found)


def play(run: LossRun) -> dict[str, Any]:
    """The row of a run."""
    objective, space = parse_objective(OBJECTIVES[run.objective]), parameter_space(run.searched)
    first, brief, task = (
        _first(run.arm, side_away(objective), run.seed, run.searched),
        make_brief(space),
        _arm(run.arm),
    )
    name = {WITHOUT_PRIOR: 'bayesian', BEST_OF_FIRST: 'random_search'}.get(run.method, run.method)
    method = make_numeric(
        name, brief, run.seed, prior=None if run.method == WITHOUT_PRIOR else SimulatedPrior(noisy_cell())
    )
    history, seconds, foretold = first, 0.0, Foretold()
    if run.method != BEST_OF_FIRST:
        improvement = Improvement(
            objective, method, space, trials=IMPROVEMENTS, first_trials=0, seed=run.seed,
            ball_seed=run.first_seed + _BLOCK // 4, vary_balls=True, history=first, repeats_allowed=REPEATS,
            first_version=len(first) + 1, all_trials=not run.until_reached, noise=NOISE * run.until_reached,
        )  # fmt: skip
        began = time.perf_counter()
        for _ in run_improvement(improvement, task):
            pass
        seconds = time.perf_counter() - began
        history = improvement.history
        foretold = Foretold.of(zip(improvement.steps, history[len(first) :], strict=True), objective)
    policy, predicted = _recommended(method, history, objective)
    distances = _replay(task, history, policy, objective, run.first_seed + _BLOCK // 2)
    best = objective.best(history)
    return {
        'method': run.method, 'objective': run.objective, 'arm': run.arm, 'seed': run.seed,
        'loss_m': float(np.mean(distances)), 'predicted_m': predicted,
        'landed': float(np.mean([distance < NOT_LANDED for distance in distances])),
        'best_seen_m': None if best is None else objective.distance(best), 'seconds': round(seconds, 2),
        'improvements': len(history) - len(first),
    } | foretold.as_json()  # fmt: skip


def _recommended(
    method: Method, history: Sequence[Trial], objective: Objective
) -> tuple[Parameters, float | None]:
    """What the method recommends and the loss it expects; of one that has no model the best trial seen."""
    found = method.recommend(history, objective) if isinstance(method, Recommender) else None
    if found is not None:
        return found.parameters, float(found.memos['expected_loss'])
    best = objective.best(history)
    assert best is not None  # all first trials succeeded
    return best.parameters, None


def _replay(
    task: TableTennis, history: Sequence[Trial], policy: Parameters, objective: Objective, begin: int
) -> list[float]:
    known = task.informed_by(history, len(history) + 1)
    distances = [objective.distance(known.run(policy, begin + number)) for number in range(REPLAYS)]
    return [NOT_LANDED if distance is None else distance for distance in distances]


@dataclass(frozen=True, slots=True)
class Losses:
    """What the methods came to.

    Attributes:
        rows: of `play`, one a run.
        method: whose figures are the headline.
    """

    rows: tuple[dict[str, Any], ...]
    method: str = COMPARED[0]

    def figures(self, method: str) -> dict[str, float]:
        """Of one method: mean loss, that of the point, share within 0.25 m, mean error of the expected loss, m.

        And the mean number of improvements, and the share of distances inside the intervals that were foretold.
        """
        own = [row for row in self.rows if row['method'] == method]
        losses = np.array([row['loss_m'] for row in own])
        point = [row['loss_m'] for row in own if row['objective'] == 'point']
        foretold = sum(row['foretold'] for row in own)
        errors = [abs(row['predicted_m'] - row['loss_m']) for row in own if row['predicted_m'] is not None]
        return {
            'mean_loss_m': _mean(losses), 'point_loss_m': _mean(point), 'within_0_25': _mean(losses <= NEAR),
            'prediction_error_m': _mean(errors), 'improvements': _mean([row['improvements'] for row in own]),
            'inside': sum(row['foretold_inside'] for row in own) / foretold if foretold else math.nan,
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Plain data: the headline's figures, and the rows."""
        return self.figures(self.method) | {'rows': list(self.rows)}

    def table(self) -> list[tuple[str, str, str]]:
        """Name, figures and bar, for people: a line a method."""
        methods = dict.fromkeys(row['method'] for row in self.rows)
        found = {method: self.figures(method) for method in methods}
        runs = {method: sum(row['method'] == method for row in self.rows) for method in methods}
        return [
            (
                f'{method}, {runs[method]} runs',
                f'loss {each["mean_loss_m"]:.3f} m, point {each["point_loss_m"]:.3f} m, {each["within_0_25"]:.0%} '
                f'within {NEAR:g} m, {each["improvements"]:.1f} improvements{_expectations(each)}',
                '<= 0.19, 0.08 m, >= 90 %, <= 0.03 m, 80 %' if method == self.method else '',
            )
            for method, each in found.items()
        ]


@dataclass(frozen=True, slots=True)
class NoiseReport:
    """All of ``bench noise``: how the landings scatter, and what methods come to."""

    scatter: NoiseResult
    losses: Losses

    def as_json(self) -> dict[str, Any]:
        """Plain data; the rows of both, those of a method with its name."""
        scatter, losses = self.scatter.as_json(), self.losses.as_json()
        return scatter | losses | {'rows': scatter['rows'] + losses['rows']}

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        return self.scatter.rows() + self.losses.table()


def runs_of(
    seeds: int,
    arms: Sequence[int],
    methods: Sequence[str] = COMPARED,
    objectives: Sequence[str] = AIMS,
    until_reached: bool = False,
) -> list[LossRun]:
    """All of them, those of one arm and seed beside each other.

    Raises:
        UnknownMethodError: one of the methods is none, or asks a language model.
    """
    for method in methods:
        require_known(method, (*NUMERIC, WITHOUT_PRIOR, BEST_OF_FIRST))
    return [
        LossRun(method, objective, arm, seed, until_reached=until_reached)
        for arm, seed, objective, method in product(arms, range(seeds), objectives, methods)
    ]


def run(
    runs: Sequence[LossRun], progress: Step = lambda name, done, total: None, processes: int | None = None
) -> Losses:
    """Play them in so many processes; one a core where None."""
    SimulatedPrior(noisy_cell())(make_brief(parameter_space()))
    cells = [
        Cell(tuple(map(str, astuple(each))), partial(play, each), (each.arm, each.seed)) for each in runs
    ]
    rows = {}
    for cell, row in Processes(processes)(cells):
        rows[cell.key] = row
        progress('losses', len(rows), len(cells))
    return Losses(tuple(rows[cell.key] for cell in cells))


def _expectations(figures: dict[str, float]) -> str:
    """How they compare with what trials came to, of a method that says any."""
    if math.isnan(figures['prediction_error_m']):
        return ''
    inside = '' if math.isnan(figures['inside']) else f', {figures["inside"]:.0%} inside their intervals'
    return f', expected wrongly by {figures["prediction_error_m"]:.3f} m{inside}'


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else math.nan
