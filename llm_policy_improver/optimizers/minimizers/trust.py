"""How far from the best point the next one may be, read from the points and losses alone."""

import numpy as np

from llm_policy_improver.optimizers.minimizers.protocol import Observations
from llm_policy_improver.optimizers.trust_region import GROWTH, LARGEST, SHRINKAGE, SMALLEST, START


def trust_radius(seen: Observations) -> float:
    """Radius of the trust region around the best point, a box in the cube -1 ... +1.

    As `optimizers.trust_region` has it for trials: it grows with every own point from within it that became
    the new best, and shrinks with every one that did not. The given starts tell nothing about it.
    """
    radius, best, best_loss = START, None, np.inf
    given = len(seen.points) - seen.own
    rows = zip(seen.points, seen.losses, seen.succeeded, strict=True)
    for index, (point, loss, succeeded) in enumerate(rows):
        improved = bool(succeeded) and loss < best_loss
        if index >= given and best is not None and float(np.max(np.abs(point - best))) <= 1.02 * radius:
            radius = min(radius * GROWTH, LARGEST) if improved else max(radius * SHRINKAGE, SMALLEST)
        elif improved:
            radius = START
        if improved:
            best, best_loss = point, loss
    return radius
