"""The tasks with a goal each, drawn from a seed.

Those named gc, goal-conditioned, have one physics and a goal of each seed. The other two have one goal and a physics
of each seed, which nobody is told: with one physics the answer would be a constant. One named 5 is the same with five
parameters, and the same goals.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.term import Term
from llm_policy_improver.tasks.dynamic_manipulation.roll import Roll, RollStandIn
from llm_policy_improver.tasks.dynamic_manipulation.rope import Rope, RopePhysics, nearest
from llm_policy_improver.tasks.dynamic_manipulation.slide import FRICTION, Slide
from llm_policy_improver.tasks.dynamic_manipulation.task import (
    PLACED_SLIDE_BRIEF,
    ROLL_BRIEF,
    ROPE_BRIEF,
    SLIDE_BRIEF,
    Manipulation,
    Place,
    itself,
)

SLIDE_GOAL: Final = (0.9, 0.2)
ROPE_GOAL: Final = (0.7, 0.75)
"""m; of the tasks whose physics vary."""

FRICTIONS: Final = (0.12, 0.3)
LENGTHS: Final = (0.5, 0.7)
TIP_MASSES: Final = (0.01, 0.04)
DAMPINGS: Final = (1e-4, 6e-4)
"""Ranges (low, high) that physics are drawn from, evenly; see `Slide` and `RopePhysics`."""

SLIDE_REACH: Final = (0.35, 1.4)
ROLL_REACH: Final = (0.25, 0.85)
GOAL_ANGLE: Final = 0.45
"""Goals of a push: distances in m, and the largest angle in rad to either side; all within reach."""

FIVE: Final = '_5'
"""Ends the name of a task that has five parameters in place of three."""

EARLIEST: Final = 0.25
"""s before which a swing's path gives no goal: there the rope has hardly moved."""


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One drawing of a task.

    Attributes:
        task: as it is played: on the stand-in where there is one.
        model: as it is simulated for examples: the same but where there is a stand-in.
        goal: (2,) m.
    """

    task: Manipulation
    model: Manipulation
    goal: Place

    @property
    def objective(self) -> Objective:
        """To reach the goal."""
        first, second = self.task.brief.measures
        words = f'reach {first.column} = {self.goal[0]:.4f} m, {second.column} = {self.goal[1]:.4f} m'
        return Objective(words, (Term(first, self.goal[0]), Term(second, self.goal[1])), words)


Draw = Callable[[np.random.Generator], Instance]


def _goal(generator: np.random.Generator, reach: tuple[float, float]) -> Place:
    distance, angle = generator.uniform(*reach), generator.uniform(-GOAL_ANGLE, GOAL_ANGLE)
    return _rounded((distance * math.cos(angle), distance * math.sin(angle)))


def _rounded(place: Place) -> Place:
    return round(float(place[0]), 4), round(float(place[1]), 4)


def _played(task: Manipulation, goal: Place) -> Instance:
    return Instance(task, task, goal)


def _pushed(friction: float) -> Manipulation:
    return Manipulation(SLIDE_BRIEF, Slide(friction).rest, itself)


def _swung(rope: Rope, goal: Place) -> Manipulation:
    return Manipulation(ROPE_BRIEF, rope.path, partial(nearest, point=goal))


def slide(generator: np.random.Generator) -> Instance:
    """One goal; the friction varies."""
    return _played(_pushed(generator.uniform(*FRICTIONS)), SLIDE_GOAL)


def slide_gc(generator: np.random.Generator) -> Instance:
    """The goal varies."""
    return _played(_pushed(FRICTION), _goal(generator, SLIDE_REACH))


def slide_gc_5(generator: np.random.Generator) -> Instance:
    """The goal varies; where the puck lies before the push is two parameters more."""
    puck = Slide(FRICTION)

    def rest(angle: float, distance: float, time: float, ahead: float, left: float) -> Place:
        x, y = puck.rest(angle, distance, time)
        return x + ahead, y + left

    return _played(Manipulation(PLACED_SLIDE_BRIEF, rest, itself), _goal(generator, SLIDE_REACH))


def roll_gc(generator: np.random.Generator) -> Instance:
    """The goal varies; played on the stand-in."""
    stand_in = RollStandIn()
    real = Manipulation(ROLL_BRIEF, stand_in.rest, itself, stand_in.seen)
    return Instance(real, Manipulation(ROLL_BRIEF, Roll().rest, itself), _goal(generator, ROLL_REACH))


def rope_swing(generator: np.random.Generator) -> Instance:
    """One goal; length, tip and damping vary."""
    physics = RopePhysics(
        length=generator.uniform(*LENGTHS),
        tip_mass=generator.uniform(*TIP_MASSES),
        damping=generator.uniform(*DAMPINGS),
    )
    return _played(_swung(Rope(physics), ROPE_GOAL), ROPE_GOAL)


def rope_swing_gc(generator: np.random.Generator) -> Instance:
    """The goal varies: a place that the tip of some swing passes."""
    rope = Rope()
    path = rope.path(*ROPE_BRIEF.space.sample(generator).values)
    first = round(EARLIEST / rope.timestep)
    goal = _rounded(tuple(path[generator.integers(first, len(path))]))
    return _played(_swung(rope, goal), goal)


DRAWS: Final[dict[str, Draw]] = {
    'slide': slide,
    'slide_gc': slide_gc,
    'slide_gc_5': slide_gc_5,
    'rope_swing': rope_swing,
    'rope_swing_gc': rope_swing_gc,
    'roll_gc': roll_gc,
}


def draw(name: str, seed: int) -> Instance:
    """The instance of a task that belongs to a seed.

    Raises:
        KeyError: there is no such task.
    """
    return DRAWS[name](np.random.default_rng((seed, *name.removesuffix(FIVE).encode())))
