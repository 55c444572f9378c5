"""``bench reachable``: the best landing that any parameters within the bounds can reach, by a long CMA-ES run.

Regret is the distance an optimizer ends with beyond it.
"""

import math
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES, ReachableBest
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import landing_of

CLEAR: Final = table.BALL_RADIUS
"""m; a landing this far inside the edges is clear of them."""

_NOT_LANDED = 10.0
"""m, cost of a trial without a good return."""


def _cost(objective: Objective, trial: Trial) -> float:
    """Distance to the objective; a return close to an edge counts as none."""
    landing, distance = landing_of(trial), objective.distance(trial)
    if landing is None or distance is None:
        return _NOT_LANDED
    clear = abs(landing.x) <= table.HALF_WIDTH - CLEAR and CLEAR <= landing.y <= table.HALF_LENGTH - CLEAR
    return distance if clear else 0.5 * _NOT_LANDED


def search(name: str, trials: int, seed: int, searched: Searched) -> ReachableBest:
    """A CMA-ES run for one objective: from the best of some random trials, with restarts while trials last.

    Raises:
        ImportError: the ``cmaes`` package is not installed.
    """
    from cmaes import CMA  # an extra: only the benchmarks need it

    objective = parse_objective(OBJECTIVES[name])
    space, task, generator = parameter_space(searched), TableTennis(), np.random.default_rng(seed)
    best: tuple[float, Trial] | None = None
    played = 0

    def evaluate(unit: Any) -> float:
        nonlocal best, played
        trial = task.run(space.at(space.from_unit(unit)), 0)
        cost = _cost(objective, trial)
        played += 1
        if best is None or cost < best[0]:
            best = (cost, trial)
        return cost

    starts = sorted(
        (
            (evaluate(point), tuple(point))
            for point in generator.uniform(-1.0, 1.0, (trials // 10, space.dimension))
        ),
        key=lambda pair: pair[0],
    )
    bounds = np.tile([-1.0, 1.0], (space.dimension, 1))
    for _, start in starts:
        if played >= trials:
            break
        optimizer = CMA(
            np.array(start), 0.4, bounds=bounds, population_size=16, seed=int(generator.integers(1, 2**31))
        )
        while played < trials and not optimizer.should_stop():
            asked = [optimizer.ask() for _ in range(optimizer.population_size)]
            optimizer.tell([(point, evaluate(point)) for point in asked])
    assert best is not None
    cost, trial = best
    landing = landing_of(trial)
    return ReachableBest(
        words=objective.words,
        distance_m=cost,
        x=math.nan if landing is None else landing.x,
        y=math.nan if landing is None else landing.y,
        parameters=trial.policy.as_json(),
        trials=played,
    )


def run(
    trials: int,
    seed: int = 0,
    searched: Searched = Searched.ATTENUATION,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, ReachableBest]:
    """Search for every objective, one process a core."""
    context = multiprocessing.get_context('spawn')
    found: dict[str, ReachableBest] = {}
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        jobs = {pool.submit(search, name, trials, seed, searched): name for name in OBJECTIVES}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            progress('objectives', len(found), len(jobs))
    return {name: found[name] for name in OBJECTIVES}
