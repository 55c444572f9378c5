"""What is left to gain: how much better than what is recommended a policy may be, by all worlds still possible.

The expected value of perfect information: Raiffa and Schlaifer, Applied Statistical Decision Theory, 1961, chapter 4.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.methods.numeric.landing.outlook import Outlook

Array = NDArray[np.float64]

WORLDS: Final = 32
"""Drawn: a figure of 0.02 m with a spread as large is then known to within 0.004 m."""
ANYWHERE: Final = 60
"""Rivals drawn over the whole box, and ..."""
NEAR: Final = 60
"""... around what is recommended for each of ..."""
SIZES: Final = (0.1, 0.3, 0.6)
"""... these standard deviations of a coordinate, as shares of the box's half width."""
FEW: Final = 0.5
"""Chance of a coordinate to differ from what is recommended."""


def left_to_gain(
    outlook: Outlook, point: Array, rivals: Array, low: Array, high: Array, generator: np.random.Generator
) -> float:
    """Mean over drawn worlds of what the loss at a point is above the least loss in that world.

    The same rivals stand in every world, and none is refined: the figure is rather too low than too high.

    Args:
        outlook: what is held possible.
        point: (d,) recommended.
        rivals: (n, d) other points of low loss.
        low, high: (d,) ends of the box in which all rivals lie.
        generator: draws worlds and further rivals.
    """
    shape, half = (NEAR, len(point)), (high - low) / 2.0
    drawn = [point[None, :], rivals, generator.uniform(low, high, (ANYWHERE, len(point)))]
    for size in SIZES:
        steps = size * half * generator.standard_normal(shape) * (generator.uniform(size=shape) < FEW)
        drawn.append(np.clip(point + steps, low, high))
    points = np.vstack(drawn)
    losses = np.stack([outlook.draw(generator)(points) for _ in range(WORLDS)])
    return float(np.mean(losses[:, 0] - losses.min(axis=1)))
