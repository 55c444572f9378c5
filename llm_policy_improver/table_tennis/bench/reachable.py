"""``bench reachable``: the best landing that any parameters within the bounds can reach, by a long CMA-ES run.

The result is kept as data beside this module; regret is the distance an optimizer ends with beyond it.
"""

import json
import math
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.objective import Goal, parse_objective
from llm_policy_improver.core.parameters import ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.task import TableTennis

OBJECTIVES: Final = {
    'far right': 'as far right as possible',
    'far left': 'as far left as possible',
    'far end': 'as close to the far end as possible',
    'near the net': 'just behind the net',
    'right corner': 'far right corner',
    'left corner': 'far left corner',
    'middle': 'middle of the table',
    'highest arc': 'as high an arc as possible',
    'lowest over the net': 'as low over the net as possible',
    'point': 'at (0.3, 0.9)',
}
"""Short names, and the words a person would use."""

CLEAR: Final = table.BALL_RADIUS
"""m; a landing this far inside the edges is clear of them."""

_DATA = 'reachable.json'
_NOT_LANDED = 10.0
"""m, cost of a trial without a good return."""


@dataclass(frozen=True, slots=True)
class ReachableBest:
    """The best that was found for one objective.

    Attributes:
        words: the objective.
        distance_m: to it.
        x, y: m, of the landing.
        attenuation: (8,) that reaches it.
        trials: played to find it.
    """

    words: str
    distance_m: float
    x: float
    y: float
    attenuation: tuple[float, ...]
    trials: int


def read_reachable() -> dict[str, ReachableBest]:
    """The stored bests by the objectives' short names."""
    content = json.loads(resources.files(__package__).joinpath(_DATA).read_text())
    return {
        name: ReachableBest(**{**best, 'attenuation': tuple(best['attenuation'])})
        for name, best in content['best'].items()
    }


def to_data(best: dict[str, ReachableBest], command: str) -> str:
    """The content of the data file, with the command that made it."""
    content = {'command': command, 'best': {name: asdict(found) for name, found in best.items()}}
    return json.dumps(content, indent=1) + '\n'


def _cost(goal: Goal, trace: ExecutionTrace) -> float:
    """m, to the goal; a return close to an edge counts as none."""
    landing = trace.landing
    if not trace.landed or landing is None:
        return _NOT_LANDED
    clear = abs(landing.x) <= table.HALF_WIDTH - CLEAR and CLEAR <= landing.y <= table.HALF_LENGTH - CLEAR
    if not clear:
        return 0.5 * _NOT_LANDED
    return goal.distance(landing.x, landing.y, trace.peak_height, trace.net_clearance)


def search(name: str, trials: int, seed: int) -> ReachableBest:
    """A CMA-ES run for one objective: from the best of some random trials, with restarts while trials last.

    Raises:
        ImportError: the ``cmaes`` package is not installed.
    """
    from cmaes import CMA  # an extra: only the benchmarks need it

    words = OBJECTIVES[name]
    goal = parse_objective(words).goal
    assert goal is not None
    space, task, generator = ParameterSpace(), TableTennis(), np.random.default_rng(seed)
    best: tuple[float, tuple[float, ...], ExecutionTrace] | None = None
    played = 0

    def evaluate(unit: Any) -> float:
        nonlocal best, played
        attenuation = space.from_unit(unit)
        trace = task.run(PolicyParameters(attenuation), 0)
        cost = _cost(goal, trace)
        played += 1
        if best is None or cost < best[0]:
            best = (cost, attenuation, trace)
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
    cost, attenuation, trace = best
    landing = trace.landing
    return ReachableBest(
        words=words,
        distance_m=cost,
        x=math.nan if landing is None else landing.x,
        y=math.nan if landing is None else landing.y,
        attenuation=attenuation,
        trials=played,
    )


def run(
    trials: int, seed: int = 0, progress: Callable[[str, int, int], None] = lambda *_: None
) -> dict[str, ReachableBest]:
    """Search for every objective, one process a core."""
    context = multiprocessing.get_context('spawn')
    found: dict[str, ReachableBest] = {}
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        jobs = {pool.submit(search, name, trials, seed): name for name in OBJECTIVES}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            progress('objectives', len(found), len(jobs))
    return {name: found[name] for name in OBJECTIVES}
