"""Uniform random search: what every method must beat."""

from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations


class RandomSearch:
    """Draws uniformly in the cube, whatever was observed."""

    name: Final = 'random_search'
    step: Final = 'a uniformly random point within the bounds'

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        generator = np.random.default_rng((self.seed, len(seen.points)))
        return generator.uniform(-1.0, 1.0, seen.dimension)
