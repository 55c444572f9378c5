"""CMA-ES (Hansen and Ostermeier 2001), in the implementation of the package ``cmaes``."""

from typing import Final

import numpy as np

from llm_policy_improver.core.packages import require_package
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations
from llm_policy_improver.methods.numeric.minimizers.replay import Evaluate, next_point

SIGMA: Final = 0.3
"""First standard deviation of the search; the cube's half width is 1."""

RESTART_SIGMA: Final = 0.6
"""The same after a restart, from anywhere in the cube."""


def _run(evaluate: Evaluate, start: Array, generator: np.random.Generator) -> None:
    from cmaes import CMA

    size = len(start)
    mean, sigma, population = start, SIGMA, 4 + int(3 * np.log(size))
    while True:
        search = CMA(
            mean.copy(),
            sigma,
            bounds=np.tile([-1.0, 1.0], (size, 1)),
            population_size=population,
            seed=int(generator.integers(1, 2**31)),
        )
        while not search.should_stop():
            asked = [search.ask() for _ in range(population)]
            search.tell([(point, evaluate(point)) for point in asked])
        # Twice the population at every restart: IPOP-CMA-ES (Auger and Hansen 2005).
        mean, sigma, population = generator.uniform(-1.0, 1.0, size), RESTART_SIGMA, 2 * population


class CmaEs:
    """Replays CMA-ES from the best start.

    Raises:
        MissingPackageError: ``cmaes`` is not installed.
    """

    name: Final = 'cma_es'
    step: Final = 'a sample of the normal distribution that CMA-ES fitted to its better samples so far'

    def __init__(self, seed: int = 0) -> None:
        require_package('cmaes', 'cmaes', f'method {self.name}', 'optimizers')
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        return next_point(_run, seen, self.seed)
