"""How the balls of a feeder spin: measured on flights that are over, and expected of the next one.

The curve of a flight hardly shows a ball's spin before the arm must swing. What earlier balls of the same feeder had is
the better guess.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.ball.predictive import predictive
from llm_policy_improver.table_tennis.ball.state import Vec

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

    Returns:
        None of too few of them; see `predictive`.
    """
    known = predictive(
        np.array([spin.mean for spin in spins]), np.array([spin.deviation for spin in spins])
    )
    if known is None:
        return None
    (x, y, z), (dx, dy, dz) = known[0].tolist(), np.maximum(known[1], _SURE).tolist()
    return Spin((x, y, z), (dx, dy, dz))
