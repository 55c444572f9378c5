"""What brute force found, stored: solved examples of each task, and the least error of each seed's goal.

`llm-policy-improver bench references` makes the files anew.
"""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.tasks.dynamic_manipulation.brute_force import Scan, descend, solve
from llm_policy_improver.tasks.dynamic_manipulation.instances import FIVE, Instance, draw

Array = NDArray[np.float64]

COUNT: Final = 300
"""Examples of each task and kind."""
OF_ONE_PHYSICS: Final = 10
"""Examples that share one drawn physics, where these vary."""
SEEDS: Final = 50
"""Goals whose least error is stored."""

_FIRST_SEED: Final = 10_000
"""Of the instances that examples are made of: none of them is ever played."""
_SCAN: Final = 1024
_SCAN_OF_ONE: Final = 256
"""Places that are simulated: of the one physics of a task, and of each where they vary."""
_STARTS: Final = 3
"""Best places of a scan from which the best parameters are sought."""
_ENOUGH: Final = 0.005
"""m that a solution near the parameters may leave; else the best solution anywhere is taken."""
_FOLDER: Final = 'found'


class Kind(StrEnum):
    """Which of the many solutions of a goal an example shows."""

    SEARCHED = 'searched'
    """The best of some hundred random parameters, as a plain search finds it."""
    NEAR = 'near'
    """One near the parameters, exact: neighbouring examples then have similar changes."""


def make_examples(
    name: str, kind: Kind, count: int = COUNT, progress: Callable[[int], None] | None = None
) -> Examples:
    """Solved examples: random parameters, and a change that brings the simulated outcome to the goal."""
    rows: list[tuple[Any, ...]] = []
    one_physics = name.removesuffix(FIVE).endswith('_gc')
    shared = 1 if one_physics else OF_ONE_PHYSICS
    scan: Scan | None = None
    while len(rows) < count:
        seed = _FIRST_SEED + len(rows) // shared
        instance = draw(name, seed)
        task, space = instance.model, instance.model.brief.space
        if scan is None or not one_physics:
            scan = Scan.of(task.simulate, space, _SCAN if one_physics else _SCAN_OF_ONE)
        distances = scan.distances(task.place_of, instance.goal)
        for _ in range(min(shared, count - len(rows))):
            generator = np.random.default_rng((seed, len(rows)))
            values = space.rounded(space.sample(generator).values)
            if kind is Kind.NEAR:
                solved = _near(instance, values, scan, distances)
            else:
                tried = generator.permutation(len(distances))[: len(distances) // 2]
                solved = space.from_unit(scan.units[tried[np.argmin(distances[tried])]])
            rows.append((values, task.place(values), instance.goal, np.subtract(solved, values)))
            if progress is not None:
                progress(len(rows))
    return Examples(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def find_least(name: str, seed: int) -> float:
    """m, the least error that brute force finds for the goal of a seed, on what is played."""
    instance = draw(name, seed)
    task, space = instance.task, instance.task.brief.space
    scan = Scan.of(task.simulate, space, _SCAN_OF_ONE)
    starts = _best_places(scan, scan.distances(task.place_of, instance.goal))
    return solve(task.place, space, instance.goal, starts).distance


def _near(instance: Instance, values: Sequence[float], scan: Scan, distances: Array) -> tuple[float, ...]:
    """A solution near these values (n,)."""
    task, space, goal = instance.model, instance.model.brief.space, instance.goal
    solution = descend(task.place, space, goal, space.unit(values))
    if solution.distance > _ENOUGH:
        solution = solve(task.place, space, goal, _best_places(scan, distances))
    return solution.values


def _best_places(scan: Scan, distances: Array) -> Array:
    places: Array = scan.units[np.argsort(distances, kind='stable')[:_STARTS]]
    return places


def make(folder: Path, name: str, progress: Callable[[int, int], None]) -> Path:
    """Find all of a task, some minutes, and keep it in a file; ``progress`` is told how much is done, of how much."""
    total = COUNT * len(Kind) + SEEDS
    examples = {
        kind: make_examples(name, kind, progress=partial(_further, progress, COUNT * place, total))
        for place, kind in enumerate(Kind)
    }
    least_errors = []
    for seed in range(SEEDS):
        least_errors.append(find_least(name, seed))
        progress(COUNT * len(Kind) + seed + 1, total)
    data: dict[str, Any] = {'task': name, 'least': [float(f'{value:.3g}') for value in least_errors]}
    data |= {kind.value: found.as_json() for kind, found in examples.items()}
    path = folder / f'{name}.json'
    path.write_text(json.dumps(data, separators=(',', ':')).replace(']],', ']],\n') + '\n', encoding='utf-8')
    return path


def _further(progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    progress(before + done, total)


@cache
def _stored(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(_FOLDER, f'{name}.json').read_text(encoding='utf-8')
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def stored_examples(name: str, kind: Kind = Kind.SEARCHED) -> Examples:
    """The solved examples of a task."""
    return Examples.from_json(_stored(name)[kind])


def least(name: str, seed: int) -> float:
    """m, as `find_least`: stored for the first seeds, sought for the others, which takes some seconds."""
    stored: list[float] = _stored(name)['least']
    return stored[seed] if 0 <= seed < len(stored) else find_least(name, seed)
