"""The points of least loss in a box: many drawn ones, and the best of them refined by ever smaller steps."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EVERYWHERE: Final = 600
NEAR: Final = 40
"""Drawn around each given start."""
BEST: Final = 8
"""Points that are refined, and ..."""
OFFSPRING: Final = 24
"""... steps from each in a round."""
SIZES: Final = (0.3, 0.2, 0.13, 0.08, 0.05, 0.03, 0.02)
"""Standard deviations of a step's coordinates in each round, as shares of the box's half width."""
FEW: Final = 0.4
"""Chance of a coordinate to be changed by a step: what matters little stays."""


def least(
    losses: Callable[[Array], Array], low: Array, high: Array, starts: Array, generator: np.random.Generator
) -> Array:
    """(`BEST`, d) points of least loss, the best one first.

    Args:
        losses: (k,) of (k, d) points.
        low, high: (d,) ends of the box.
        starts: (n, d) points near which it may be low.
        generator: draws the points.
    """
    half, dimension = (high - low) / 2.0, len(low)
    drawn = [generator.uniform(low, high, (EVERYWHERE, dimension)), starts]
    drawn += [start + 0.3 * half * generator.standard_normal((NEAR, dimension)) for start in starts]
    points = np.clip(np.vstack(drawn), low, high)
    points, values = _kept(points, losses(points))
    for size in SIZES:
        steps = size * half * generator.standard_normal((len(points), OFFSPRING, dimension))
        steps *= generator.uniform(size=steps.shape) < FEW
        moved = np.clip((points[:, None, :] + steps).reshape(-1, dimension), low, high)
        points, values = _kept(np.vstack((points, moved)), np.concatenate((values, losses(moved))))
    return points


def _kept(points: Array, values: Array) -> tuple[Array, Array]:
    order = np.argsort(values, kind='stable')[:BEST]
    return points[order], values[order]
