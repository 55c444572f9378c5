"""What decides the simulated trials of a prior, and who plays them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import users_cache
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.task import Task
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.methods.numeric.explored import Explored
from llm_policy_improver.table_tennis.ball.predictive import LATEST
from llm_policy_improver.table_tennis.cells import Cell
from llm_policy_improver.table_tennis.played_blocks import Block, PlayedBlocks

AGAIN: Final = 1600
"""Trials, at most, that are played again in cells whose coefficients are otherwise, ..."""
TRIALS_A_CELL: Final = 10
"""... so many in each: a block."""
DEVIATION: Final = 0.1
"""By what share the coefficients of real cells are off: the standard deviation that is taken for granted."""
FURTHEST: Final = 2.5
"""Standard deviations."""
FIRST_SEED: Final = 2**30
"""Of the trials: no other trials have them."""

_PACKAGE: Final = Path(__file__).parent.parent
_SOURCES: Final = ('core', 'table_tennis', 'methods/numeric/landing')
"""Folders of what a prior depends on."""


@dataclass(frozen=True)
class Order:
    """What decides the trials.

    Attributes:
        cell: what is simulated.
        space: that the trials are spread over.
        trials: their number, without those that are played again.
    """

    cell: Cell
    space: ParameterSpace
    trials: int

    @property
    def path(self) -> Path:
        """Where the prior is kept."""
        said = f'{self.cell!r} {self.space!r} {self.trials} {_sources_digest()}'
        return users_cache() / f'prior-{hashlib.sha256(said.encode()).hexdigest()[:16]}.npz'

    @property
    def again(self) -> int:
        """How many trials are played in another cell, too."""
        return min(self.trials, AGAIN)

    @property
    def amounts(self) -> NDArray[np.float64]:
        """(`again`, k) what each coefficient of that cell is off by, in its standard deviations."""
        from llm_policy_improver.table_tennis.other_cell import COEFFICIENTS

        cells = -(-self.again // TRIALS_A_CELL)
        generator = np.random.default_rng((self.trials, self.space.dimension, cells))
        drawn = generator.standard_normal((cells, len(COEFFICIENTS))).clip(-FURTHEST, FURTHEST)
        return drawn.repeat(TRIALS_A_CELL, axis=0)[: self.again]

    @property
    def numbers(self) -> Sequence[range]:
        """Of the trials of each block, which share another cell."""
        return [
            range(first, min(first + TRIALS_A_CELL, self.trials))
            for first in range(0, self.trials, TRIALS_A_CELL)
        ]

    def plays(self, block: int) -> int:
        """How many balls are played for a block."""
        return sum(1 + (number < self.again) for number in self.numbers[block])

    def blocks(self, folder: Path | None = None) -> PlayedBlocks:
        """What is played of it in a folder; in the one beside the prior where None."""
        return PlayedBlocks(folder or self.path.with_suffix('.trials'), tuple(map(len, self.numbers)))


class Player:
    """Plays the trials of an order, with ball and table learnt as in a run; without their time series."""

    def __init__(self, order: Order) -> None:
        from llm_policy_improver.table_tennis.task import TableTennis  # MuJoCo is needed only for this

        task, trials, space = TableTennis(*order.cell), order.trials, order.space
        self._order, self._amounts = order, order.amounts
        self._before = [task.run(space.neutral, FIRST_SEED + trials + number) for number in range(LATEST)]
        self._task = task.informed_by(self._before, version=1)
        self._design = spread(trials, space)

    def play(self, block: int) -> Block:
        """The trials of a block, and the same in another cell."""
        numbers, again = self._order.numbers[block], self._order.again
        other = self._other(numbers[0]) if numbers[0] < again else None
        return tuple(
            (
                self._run(self._task, number),
                None if other is None or number >= again else self._run(other, number),
            )
            for number in numbers
        )

    def _other(self, number: int) -> Task:
        from llm_policy_improver.table_tennis.other_cell import other_cell

        factors = 1.0 + DEVIATION * self._amounts[number]
        other = other_cell(*self._order.cell, factors).informed_by(self._before, version=1)
        known = self._task.expected.restitution
        if known is not None:  # after the first balls a cell's arm knows its own table
            truth = other.simulator.config.ball.table_restitution
            other.expected = replace(other.expected, restitution=replace(known, mean=truth))
        return other

    def _run(self, task: Task, number: int) -> Trial:
        tried = self._order.space.at(self._design[number])
        return replace(task.run(tried, FIRST_SEED + number), samples=None)


def spread(count: int, space: ParameterSpace) -> list[tuple[float, ...]]:
    """The values of the simulated policies: a Latin hypercube, drawn towards the ends of every parameter.

    Each coordinate has the arcsine distribution, by which polynomials are told best up to the ends of their range
    (Chebyshev's weights). Good policies lie in corners; evenly spread ones hardly ever do, and what is fitted to them
    goes astray there.
    """
    explored = Explored(space)
    evenly = initial_design(count, space, np.random.default_rng((count, space.dimension)))
    points = [np.sin(np.pi / 2.0 * explored.point(space.at(values))) for values in evenly]
    return [space.from_unit(explored.unit(point)) for point in points]


@cache
def _sources_digest() -> str:
    digest = hashlib.sha256()
    for source in sorted(path for folder in _SOURCES for path in (_PACKAGE / folder).rglob('*.py')):
        digest.update(source.read_bytes())
    return digest.hexdigest()
