"""How landings of the same parameters scatter, as the trials of a run show it."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from llm_policy_improver.report.run_view import RunView

FEWEST: Final = 4
"""Landings beyond the first one of the same parameters, below which no spread is told."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Of landings of the same parameters, pooled over all that were played more than once.

    Attributes:
        x, y: m, standard deviations in the frame ``table``.
        landings: that it rests on.
        sets: how many sets of parameters they are of.
    """

    x: float
    y: float
    landings: int
    sets: int

    @classmethod
    def of(cls, view: RunView) -> 'Spread | None':
        """By the good returns of a run; None where too few parameters were played again to tell."""
        places: dict[tuple[float, ...], list[tuple[float, float]]] = defaultdict(list)
        for one in view.shown:
            values = tuple(view.values(one.trial).values())
            if values and one.place is not None:
                places[values].append(one.place)
        again = [np.array(each) for each in places.values() if len(each) > 1]
        landings = sum(map(len, again))
        freedom = landings - len(again)
        if freedom < FEWEST:
            return None
        squares = sum(((each - each.mean(axis=0)) ** 2).sum(axis=0) for each in again)
        x, y = (math.sqrt(each / freedom) for each in squares.tolist())
        return cls(x, y, landings, len(again))

    def __str__(self) -> str:
        return (
            f'{100 * self.x:.1f} cm sideways and {100 * self.y:.1f} cm in length (standard deviations; {self.landings} '
            f'landings of {self.sets} sets of parameters that were played again)'
        )
