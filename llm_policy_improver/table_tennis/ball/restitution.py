"""How strongly the table throws balls back: measured on flights that are over, and expected of the next one.

The arm must begin to swing soon after the bounce. With a table whose restitution is a tenth otherwise than the
controller takes it, it meets the ball 5 cm above or below the middle of the blade.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.ball.predictive import predictive

_SURE: Final = 0.001
"""To which it is expected at best."""
_DIGITS: Final = 4
"""Of what is expected: a controller that takes the table as it is then goes on doing so to the last bit."""


@dataclass(frozen=True, slots=True)
class Restitution:
    """Of the table: a ball's normal speed after the bounce divided by that before it.

    Attributes:
        mean: dimensionless, above 0, at most 1.
        deviation: of it, standard deviation.

    Raises:
        ValueError: the mean is not between 0 and 1, or the deviation is not a finite number above 0.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not 0.0 < self.mean <= 1.0:
            raise ValueError(f'the restitution of a table must be above 0 and at most 1; got {self.mean}')
        if not 0.0 < self.deviation < np.inf:
            raise ValueError(
                f'the deviation of a restitution must be a finite number above 0; got {self.deviation}'
            )

    def __str__(self) -> str:
        return f'{self.mean:.3f} +- {self.deviation:.3f}'


def expected_restitution(measured: Sequence[Restitution]) -> Restitution | None:
    """What is expected of the next ball's bounce, given what was measured of the ones before it, oldest first.

    Returns:
        None of too few of them; see `predictive`.
    """
    known = predictive(
        np.array([[each.mean] for each in measured]), np.array([[each.deviation] for each in measured])
    )
    if known is None:
        return None
    return Restitution(round(float(known[0][0]), _DIGITS), max(float(known[1][0]), _SURE))
