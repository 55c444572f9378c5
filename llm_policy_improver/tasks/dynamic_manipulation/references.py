"""What brute force found, stored: solved examples of each task, and the least error of each seed's goal.

`llm-policy-improver bench references` makes the files anew.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.tasks.dynamic_manipulation.brute_force import Scan, Solution, descend, solve
from llm_policy_improver.tasks.dynamic_manipulation.instances import draw
from llm_policy_improver.tasks.dynamic_manipulation.task import Manipulation, Place

COUNT: Final = 300
"""Examples of each task and kind."""
OF_ONE_PHYSICS: Final = 10
"""Examples that share one drawn physics, where these vary."""
SEEDS: Final = 50
"""Goals whose least error is stored."""

_FIRST_SEED: Final = 10_000
"""Of the instances that examples are made of: none of them is ever played."""
_SCAN: Final = 64
_ENOUGH: Final = 0.005
"""m that a solution near the parameters may leave; else the best solution anywhere is taken."""
_FOLDER: Final = 'found'


class Kind(StrEnum):
    """Which of the many solutions of a goal an example shows."""

    BEST = 'best'
    """The best that brute force finds, wherever it is, as in the paper."""
    NEAR = 'near'
    """One near the parameters: neighbouring examples then have similar changes."""


def make_examples(
    name: str, kind: Kind, count: int = COUNT, progress: Callable[[int], None] | None = None
) -> Examples:
    """Solved examples: random parameters, and a change that brings the simulated outcome to the goal."""
    rows: list[tuple[Any, ...]] = []
    shared = 1 if name.endswith('_gc') else OF_ONE_PHYSICS
    while len(rows) < count:
        seed = _FIRST_SEED + len(rows) // shared
        instance, best = draw(name, seed), None
        space, place = instance.model.brief.space, instance.model.place
        for _ in range(min(shared, count - len(rows))):
            generator = np.random.default_rng((seed, len(rows)))
            values = space.rounded(space.sample(generator).values)
            solution = descend(place, space, instance.goal, space.unit(values)) if kind is Kind.NEAR else None
            if solution is None or solution.distance > _ENOUGH:
                best = best or _solved(instance.model, instance.goal)
                solution = best
            rows.append((values, place(values), instance.goal, np.subtract(solution.values, values)))
            if progress is not None:
                progress(len(rows))
    return Examples(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def find_least(name: str, seed: int) -> float:
    """m, the least error that brute force finds for the goal of a seed, on what is played."""
    instance = draw(name, seed)
    return _solved(instance.task, instance.goal).distance


def _solved(task: Manipulation, goal: Place) -> Solution:
    space, place = task.brief.space, task.place
    return solve(place, space, goal, Scan.of(place, space, _SCAN, seed=0))


def write(folder: Path, name: str, examples: Mapping[Kind, Examples], least: Sequence[float]) -> Path:
    """Keep what was found for a task."""
    data: dict[str, Any] = {'task': name, 'least': [float(f'{value:.3g}') for value in least]}
    data |= {kind.value: found.as_json() for kind, found in examples.items()}
    path = folder / f'{name}.json'
    path.write_text(json.dumps(data, separators=(',', ':')).replace(']],', ']],\n') + '\n', encoding='utf-8')
    return path


@cache
def _stored(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(_FOLDER, f'{name}.json').read_text(encoding='utf-8')
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def stored_examples(name: str, kind: Kind = Kind.BEST) -> Examples:
    """The solved examples of a task."""
    return Examples.from_json(_stored(name)[kind])


def least(name: str, seed: int) -> float:
    """m, as `find_least`: stored for the first seeds, sought for the others, which takes some seconds."""
    stored: list[float] = _stored(name)['least']
    return stored[seed] if 0 <= seed < len(stored) else find_least(name, seed)
