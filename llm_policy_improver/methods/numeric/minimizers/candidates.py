"""Random points among which a model's favourite is looked for."""

from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.protocol import Array

SCALES: Final = (0.3, 0.1, 0.03)
"""Standard deviations of the points around the best one; the cube's half width is 1."""


def candidates(best: Array, generator: np.random.Generator, everywhere: int, a_scale: int) -> Array:
    """Points (n, d): ``everywhere`` uniform in the cube, then ``a_scale`` around ``best`` for each scale."""
    size = len(best)
    spread = generator.uniform(-1.0, 1.0, (everywhere, size))
    near = [best + scale * generator.normal(size=(a_scale, size)) for scale in SCALES]
    return np.vstack([spread, *(np.clip(points, -1.0, 1.0) for points in near)])


def nearby(best: Array, radius: float, generator: np.random.Generator) -> Array:
    """One uniform point (d,) of the box of this radius around ``best``, within the cube."""
    return generator.uniform(np.maximum(best - radius, -1.0), np.minimum(best + radius, 1.0))
