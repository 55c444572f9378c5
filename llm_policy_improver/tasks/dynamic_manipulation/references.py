"""What brute force found, stored: solved examples of each task, and the least error of each seed's goal.

`llm-policy-improver bench references` makes the files anew.
"""

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.tasks.dynamic_manipulation.brute_force import Scan, Solution, descend, solve
from llm_policy_improver.tasks.dynamic_manipulation.problems import Instance, draw

EXAMPLES: Final = 300
"""Of each task."""
OF_ONE_PHYSICS: Final = 10
"""Examples that share one drawn physics, where these vary."""
SEEDS: Final = 50
"""Goals whose least error is stored."""

_FIRST_SEED: Final = 10_000
"""Of the instances that examples are made of: none of them is ever played."""
_SCAN: Final = 64
_ENOUGH: Final = 0.005
"""m that a solution near the start may leave; else the best solution anywhere is taken."""
_FOLDER: Final = 'found'


def make_examples(
    name: str, count: int = EXAMPLES, progress: Callable[[int], None] | None = None
) -> Examples:
    """Solved examples by brute force: random parameters, and a change that brings the simulated outcome to the goal.

    Of the many changes that do, a small one is taken.
    """
    rows: list[tuple[Any, ...]] = []
    shared = 1 if name.endswith('_gc') else OF_ONE_PHYSICS
    while len(rows) < count:
        seed = _FIRST_SEED + len(rows) // shared
        instance = draw(name, seed)
        space, place = instance.model.brief.space, instance.model.place
        generator = np.random.default_rng((seed, len(rows)))
        values = space.rounded(space.sample(generator).values)
        solution = descend(place, space, instance.goal, space.unit(values))
        if solution.distance > _ENOUGH:
            solution = _best(instance)
        rows.append((values, place(values), instance.goal, np.subtract(solution.values, values)))
        if progress is not None:
            progress(len(rows))
    return Examples(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def find_least(name: str, seed: int) -> float:
    """m, the least error that brute force finds for the goal of a seed, on what is played."""
    instance = draw(name, seed)
    space, place = instance.task.brief.space, instance.task.place
    scan = Scan.of(place, space, _SCAN, seed=0)
    return solve(place, space, instance.goal, scan).distance


def _best(instance: Instance) -> Solution:
    space, place = instance.model.brief.space, instance.model.place
    return solve(place, space, instance.goal, Scan.of(place, space, _SCAN, seed=0))


def write(folder: Path, name: str, examples: Examples, least: list[float]) -> Path:
    """Keep what was found for a task."""
    data = {'task': name, 'least': [float(f'{value:.3g}') for value in least], 'examples': examples.as_json()}
    path = folder / f'{name}.json'
    path.write_text(_dumps(data), encoding='utf-8')
    return path


def _dumps(data: dict[str, Any]) -> str:
    # One example a line would be ten times as long.
    return json.dumps(data, separators=(',', ':')).replace(']],', ']],\n') + '\n'


@cache
def _stored(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(_FOLDER, f'{name}.json').read_text(encoding='utf-8')
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def stored_examples(name: str) -> Examples:
    """The solved examples of a task."""
    return Examples.from_json(_stored(name)['examples'])


def least(name: str, seed: int) -> float:
    """m, as `find_least`: stored for the first seeds, sought for the others, which takes some seconds."""
    stored: list[float] = _stored(name)['least']
    return stored[seed] if 0 <= seed < len(stored) else find_least(name, seed)
