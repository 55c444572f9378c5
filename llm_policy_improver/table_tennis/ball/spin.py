"""How the balls of a feeder spin: measured on flights that are over, and expected of the next one.

The curve of a flight hardly shows a ball's spin before the arm must swing. What earlier balls of the same feeder had is
the better guess.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.ball.state import Vec

FEWEST: Final = 5
"""Balls from which something is expected of the next one."""
LATEST: Final = 24
"""Balls that count: a feeder whose balls change is believed again after as many."""
_SURE: Final = 2.0
"""rad/s, to which a spin is expected at best: flights fitted to one law are not that law's."""


@dataclass(frozen=True, slots=True)
class Spin:
    """What is known of a ball's spin when it comes into view: measured afterwards, or expected before.

    Attributes:
        mean: (3,) rad/s, frame ``table``.
        deviation: (3,) rad/s, standard deviations.

    Raises:
        ValueError: they are not three finite numbers each, or a deviation is not above 0.
    """

    mean: Vec
    deviation: Vec

    def __post_init__(self) -> None:
        for name in ('mean', 'deviation'):
            values = getattr(self, name)
            if len(values) != 3 or not all(map(math.isfinite, values)):
                raise ValueError(f'the {name} of a spin must be three finite numbers, rad/s; got {values}')
        if min(self.deviation) <= 0.0:
            raise ValueError(f'the deviation of a spin must be above 0 rad/s; got {self.deviation}')

    def __str__(self) -> str:
        return ', '.join(
            f'{axis} {mean:+.0f} +- {deviation:.0f}'
            for axis, mean, deviation in zip('xyz', self.mean, self.deviation, strict=True)
        )


def expected_spin(spins: Sequence[Spin]) -> Spin | None:
    """What is expected of the next ball, given what was measured of the ones before it, oldest first.

    Balls that differ, as in a rally, make it wide; so do errors of the measurement. Mean and spread are the predictive
    Student distribution's of independent normal spins (Gelman et al., Bayesian Data Analysis, section 3.2). The errors
    are added: where no flight tells of a spin all measured ones are the same guess, and nothing is known.

    Args:
        spins: measured, and their standard errors.

    Returns:
        None of fewer than `FEWEST`.
    """
    if len(spins) < FEWEST:
        return None
    known, errors = (np.array([getattr(spin, name) for spin in spins[-LATEST:]]) for name in ('mean', 'deviation'))
    count = len(known)
    factor = (1.0 + 1.0 / count) * (count - 1) / (count - 3)
    spread = np.sqrt(factor * known.var(axis=0, ddof=1) + np.mean(errors**2, axis=0))
    (x, y, z), (dx, dy, dz) = known.mean(axis=0).tolist(), np.maximum(spread, _SURE).tolist()
    return Spin((x, y, z), (dx, dy, dz))
