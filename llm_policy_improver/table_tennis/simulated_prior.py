"""What simulated trials of the arm's cell tell before the first real one, made once and kept in the user's cache.

The trials are played by processes of their own, begun with the run: by the time the first spread-out trials of a real
arm are over, they are done. What was played is kept until the prior is made: whoever needs the same prior helps, and
goes on where a process that was killed left off.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.table_tennis.cells import Cell
from llm_policy_improver.table_tennis.played_blocks import Played
from llm_policy_improver.table_tennis.prior_order import Order
from llm_policy_improver.table_tennis.prior_workers import Workers, processes

if TYPE_CHECKING:  # SciPy takes long to load
    from llm_policy_improver.methods.numeric.landing.prior import Prior

FEW: Final = 1600
MANY: Final = 4000
"""Trials for up to eight parameters, and for more: a cubic of 16 has 969 terms."""
SECONDS_A_TRIAL: Final = 0.04
"""On one core, about; without noise and delays half as long."""


@dataclass(frozen=True, slots=True)
class SimulatedPrior:
    """Of the arm, as `methods.numeric.landing.prior_source.PriorSource` demands it.

    Attributes:
        cell: what is simulated.
        trials: to be simulated; None: as many as the parameters need.
    """

    cell: Cell
    trials: int | None = None

    def __call__(self, brief: Brief) -> 'Prior':
        """The prior; made first where it is not in the cache.

        Raises:
            RuntimeError: the trials could not be played.
        """
        return _prior(self._order(brief.space), brief)

    def begin(self, space: ParameterSpace) -> None:
        """Begin to make it, unless it is there; `__call__` waits for it."""
        order = self._order(space)
        if not order.path.exists():
            _workers(order)

    def sentence(self, space: ParameterSpace) -> str:
        """What it rests on, for people, as a clause."""
        order = self._order(space)
        count = order.trials + order.again
        left = 0 if order.path.exists() else sum(map(order.plays, order.blocks().missing()))
        if not left:
            return f'it knows {count:,} simulated trials'
        seconds = SECONDS_A_TRIAL * left / processes()
        said = f'{count:,} trials' if left == count else f'the other {left:,} of {count:,} trials'
        return f'{said} are simulated for it first, once, in some {max(seconds, 1.0):.0f} s'

    def _order(self, space: ParameterSpace) -> Order:
        return Order(self.cell, space, self.trials or (FEW if space.dimension <= 8 else MANY))


@cache
def _prior(order: Order, brief: Brief) -> 'Prior':
    prior = _loaded(order)
    if prior is not None:
        return prior
    workers = _workers(order)
    try:
        played = workers.played()
    except RuntimeError:
        prior = _loaded(order)
        if prior is not None:  # another process was first
            return prior
        workers = Workers(order, apart=True)
        played = workers.played()
    prior = _fitted(order, brief, played)
    with suppress(OSError):  # it is made again in the next process
        order.path.parent.mkdir(parents=True, exist_ok=True)
        part = order.path.with_suffix(f'.{os.getpid()}')
        prior.save(part)
        part.replace(order.path)
        order.blocks().remove()
    workers.close()
    return prior


def _loaded(order: Order) -> 'Prior | None':
    """None where it is not there, or was cut short."""
    from llm_policy_improver.methods.numeric.landing.prior import Prior

    try:
        prior = Prior.load(order.path)
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    order.blocks().remove()  # of a process that ended before it could
    return prior


def _fitted(order: Order, brief: Brief, played: list[Played]) -> 'Prior':
    from llm_policy_improver.methods.numeric.landing.prior import Otherwise, Prior
    from llm_policy_improver.methods.numeric.landing.told import Told

    told = [
        (number, trial, other)
        for number, (trial, other) in enumerate(played)
        if trial.tested and (other is None or other.tested)
    ]
    again = [(number, other) for number, _, other in told if other is not None]
    otherwise = Otherwise(
        Told.of([other for _, other in again], brief), order.amounts[[number for number, _ in again]]
    )
    return Prior.fit(Told.of([trial for _, trial, _ in told], brief), otherwise)


@cache
def _workers(order: Order) -> Workers:
    return Workers(order)
