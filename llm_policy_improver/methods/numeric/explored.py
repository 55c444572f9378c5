"""Coordinates in which the range of each parameter that first trials are spread over counts alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.space import ParameterSpace, Place
from llm_policy_improver.core.trial import Trial

Array = NDArray[np.float64]


class Explored:
    """A space scaled to what its first trials explore: 0 is neutral, their range has a half width of 1.

    In it a step of one size is equally far beyond what is known, whatever the parameter. The unit cube is the special
    case of first trials over the whole range, around a neutral middle.

    Args:
        space: to scale.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self.space = space
        self._shares = np.asarray(space.first_shares)
        self._neutral = space.unit(space.neutral)
        self.low: Array = (-1.0 - self._neutral) / self._shares
        """(d,) lower bounds."""
        self.high: Array = (1.0 - self._neutral) / self._shares
        """(d,) upper bounds."""

    @property
    def groups(self) -> NDArray[np.int64]:
        """(d,) kind of each parameter, from 0: those of one share are alike."""
        kinds = np.unique(-self._shares, return_inverse=True)[1]
        return np.asarray(kinds, dtype=np.int64)

    def point(self, place: Place) -> Array:
        """(d,) of a place in the space."""
        return np.asarray((self.space.unit(place) - self._neutral) / self._shares)

    def points(self, trials: Sequence[Trial]) -> Array:
        """(n, d) of the policies of trials."""
        return np.array([self.point(trial) for trial in trials]).reshape(len(trials), len(self.low))

    def unit(self, point: Array) -> Array:
        """The point (d,) of the unit cube."""
        return np.clip(self._neutral + point * self._shares, -1.0, 1.0)

    def box(self, centre: Array, radius: float) -> tuple[Array, Array]:
        """(d,) low and high ends of the box of this radius around a point (d,), within the bounds."""
        return np.maximum(centre - radius, self.low), np.minimum(centre + radius, self.high)
