"""Test functions with a known optimum at a random place, to compare methods on.

All are written so that the least value, 0, is at the origin of their own coordinates. A `ShiftedFunction`
moves it to a random point of the box, as language models and box-centred methods favour 0, and adds a
constant, as some methods would make use of knowing the least value. A turned one is rotated and stretched, too, as in
BBOB (Hansen et al. 2009): who knows the formula knows nothing of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHIFT: Final = 0.8
"""The optimum is within this share of the box about its centre, as in the BBOB suite (Hansen et al. 2009)."""


def ackley(z: Array) -> float:
    """A funnel covered with small pits (Ackley 1987, with the usual a = 20, b = 0.2, c = 2 pi). ``z``: (d,)."""
    funnel = -20.0 * np.exp(-0.2 * np.sqrt(np.mean(z**2)))
    pits = -np.exp(np.mean(np.cos(2.0 * np.pi * z)))
    return float(funnel + pits + 20.0 + np.e)


def rastrigin(z: Array) -> float:
    """A bowl with a deep pit at every whole number (Rastrigin 1974; Mühlenbein et al. 1991). ``z``: (d,)."""
    return float(np.sum(z**2 - 10.0 * np.cos(2.0 * np.pi * z) + 10.0))


def rosenbrock(z: Array) -> float:
    """A narrow bent valley (Rosenbrock 1960), its optimum moved from (1, ..., 1) to 0. ``z``: (d,), d >= 2."""
    u = z + 1.0
    return float(np.sum(100.0 * (u[1:] - u[:-1] ** 2) ** 2 + (1.0 - u[:-1]) ** 2))


def griewank(z: Array) -> float:
    """A wide bowl with ripples (Griewank 1981). ``z``: (d,)."""
    ripples = np.prod(np.cos(z / np.sqrt(np.arange(1, len(z) + 1))))
    return float(1.0 + np.sum(z**2) / 4000.0 - ripples)


LEAST_LOW: Final = 10.0
LEAST_HIGH: Final = 100.0
"""The optimum's value is drawn between these; nobody is told."""


TURNED: Final = {'f1': 'ackley', 'f2': 'rastrigin', 'f3': 'rosenbrock', 'f4': 'griewank'}
"""Rotated and stretched landscapes under names that tell nothing."""

STRETCH: Final = 2.0
"""A turned function is up to this much steeper, or flatter, in one direction than by its formula."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """A function and the box it is searched in.

    Attributes:
        name: lower case.
        formula: value at a point (d,) relative to the optimum.
        half_width: the box is -half_width ... +half_width in every direction.
    """

    name: str
    formula: Callable[[Array], float]
    half_width: float


LANDSCAPES: Final[dict[str, Landscape]] = {
    landscape.name: landscape
    for landscape in (
        # +-5 as in SAS-Prompt (arXiv 2504.20459); the others as in Surjanovic and Bingham's collection and
        # Digalakis and Margaritis 2001.
        Landscape('ackley', ackley, 5.0),
        Landscape('rastrigin', rastrigin, 5.12),
        Landscape('rosenbrock', rosenbrock, 2.048),
        Landscape('griewank', griewank, 600.0),
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class ShiftedFunction:
    """A landscape in ``dimension`` directions with its optimum at a random place of the box.

    Attributes:
        landscape: which.
        optimum: (d,) in the landscape's own coordinates.
        least: value there.
        turn: (d, d) rotation and stretch about the optimum.
    """

    landscape: Landscape
    optimum: Array
    least: float
    turn: Array

    @classmethod
    def draw(cls, name: str, dimension: int, seed: int) -> 'ShiftedFunction':
        """The function of this seed, the same for everybody.

        Args:
            name: of the landscape, or one of `TURNED`.
            dimension: number of coordinates.
            seed: draws the optimum's place and value, and the turn.

        Raises:
            KeyError: there is no landscape of this name.
            ValueError: less than 2 dimensions.
        """
        if dimension < 2:
            raise ValueError(f'the test functions need at least 2 dimensions; got {dimension}')
        landscape = LANDSCAPES[TURNED.get(name, name)]
        # Another place for every landscape and dimension, too.
        generator = np.random.default_rng((seed, dimension, *name.encode()))
        share = generator.uniform(-SHIFT, SHIFT, dimension)
        least = float(generator.uniform(LEAST_LOW, LEAST_HIGH))
        turn = _turn(dimension, generator) if name in TURNED else np.eye(dimension)
        return cls(landscape, share * landscape.half_width, least, turn)

    def above(self, unit: Sequence[float] | Array) -> float:
        """How far the value at a point (d,) of the box, scaled to -1 ... +1, is above the least one."""
        return self.landscape.formula(
            self.turn @ (np.asarray(unit) * self.landscape.half_width - self.optimum)
        )

    def value(self, unit: Sequence[float] | Array) -> float:
        """The value there."""
        return self.least + self.above(unit)


def _turn(dimension: int, generator: np.random.Generator) -> Array:
    """A random rotation (Stewart 1980: QR of a normal matrix), stretched by up to `STRETCH` along each of its axes."""
    q, r = np.linalg.qr(generator.normal(size=(dimension, dimension)))
    rotation = q * np.sign(np.diag(r))
    stretch = STRETCH ** generator.uniform(-1.0, 1.0, dimension)
    turned: Array = stretch[:, None] * rotation
    return turned
