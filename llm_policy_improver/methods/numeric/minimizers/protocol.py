"""What a minimizer is: a proposer of points in the cube [-1, 1]^d, given all that was observed so far."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.methods.numeric.trust_region import radius_after

Array = NDArray[np.float64]

FAILED_LOSS: Final = 1e3
"""Loss of a trial without a measurement, where its maker knows nothing better."""


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """What was tried, and how far each trial missed.

    Attributes:
        points: (n, d) in the cube -1 ... +1, oldest first.
        errors: (n, m) signed components of the miss, all in one unit; a row of NaN where a trial failed. For a
            function to be minimized m is 1 and the error its value, which must not be below 0.
        losses: (n,) norm of the errors; failed trials have one constant that is worse than any success.
        own: how many of the last observations were proposed by the minimizer that is asked, in their order;
            those before are given starts.

    Raises:
        ValueError: lengths that do not fit together, or a loss that is not finite.
    """

    points: Array
    errors: Array
    losses: Array
    own: int = 0

    def __post_init__(self) -> None:
        count = len(self.points)
        if self.points.ndim != 2 or self.errors.ndim != 2 or self.losses.shape != (count,):
            raise ValueError(
                'observations need points (n, d), errors (n, m) and losses (n,); got '
                f'{self.points.shape}, {self.errors.shape} and {self.losses.shape}'
            )
        if len(self.errors) != count or not 0 <= self.own <= count:
            raise ValueError(
                f'{count} points need as many errors, and at most as many own ones; '
                f'got {len(self.errors)} and {self.own}'
            )
        if not np.all(np.isfinite(self.losses)):
            raise ValueError('every loss must be a finite number; give failed trials a constant worse one')

    @classmethod
    def of(
        cls, points: Array, errors: Array, own: int = 0, failed_loss: float = FAILED_LOSS
    ) -> 'Observations':
        """With the losses computed from the errors."""
        losses = np.linalg.norm(errors, axis=1)
        return cls(points, errors, np.where(np.isnan(losses), failed_loss, losses), own)

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        return self.points.shape[1]

    @property
    def succeeded(self) -> NDArray[np.bool_]:
        """(n,) whether each trial could be measured."""
        succeeded: NDArray[np.bool_] = ~np.isnan(self.errors.sum(axis=1))
        return succeeded

    @property
    def tempered(self) -> Array:
        """(n,) losses, those of failed trials no worse than the worst success.

        A constant far beyond all others would be all that a smooth model sees.
        """
        succeeded = self.succeeded
        return np.minimum(self.losses, self.losses[succeeded].max()) if succeeded.any() else self.losses

    @property
    def trust_radius(self) -> float:
        """Of the trust region around the best point; the given starts tell nothing about it."""
        given = len(self.points) - self.own
        aimed = [index >= given for index in range(len(self.points))]
        return radius_after(self.points, np.where(self.succeeded, self.losses, np.inf), aimed)

    def best(self, before: int | None = None) -> int | None:
        """Index of the least loss among the first ``before`` observations; None where there are none."""
        losses = self.losses[:before]
        return int(np.argmin(losses)) if len(losses) else None


class Minimizer(Protocol):
    """Proposes the next point. Asking changes no state: the same observations give the same answer."""

    @property
    def name(self) -> str:
        """As in `registry.MINIMIZERS`."""

    @property
    def step(self) -> str:
        """What every proposal of it is, for people, as a clause without a full stop."""

    def ask(self, seen: Observations) -> Array:
        """The next point (d,) to try, within the cube -1 ... +1."""
