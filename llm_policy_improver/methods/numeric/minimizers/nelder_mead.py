"""The downhill simplex of Nelder and Mead (1965), in SciPy's implementation with bounds."""

from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations
from llm_policy_improver.methods.numeric.minimizers.replay import Evaluate, next_point

SIZE: Final = 0.3
"""Length of the edges of the first simplex that leave the start."""

CONVERGED: Final = 0.01
"""Size of the simplex, a coordinate, below which a new one is begun."""


def _simplex(start: Array, generator: np.random.Generator) -> Array:
    size = len(start)
    # Edges at right angles in random directions, each turned round where it would leave the cube further.
    edges = SIZE * np.linalg.qr(generator.normal(size=(size, size)))[0]
    outside = np.maximum(np.abs(start + edges) - 1.0, 0.0).sum(axis=1)
    turned = np.maximum(np.abs(start - edges) - 1.0, 0.0).sum(axis=1)
    edges[turned < outside] *= -1.0
    return np.vstack([start, start + edges])


def _run(evaluate: Evaluate, start: Array, generator: np.random.Generator) -> None:
    from scipy.optimize import minimize

    minimize(
        evaluate,
        start,
        method='Nelder-Mead',
        bounds=[(-1.0, 1.0)] * len(start),
        # Coefficients that depend on the dimension: Gao and Han (2012).
        options={
            'initial_simplex': np.clip(_simplex(start, generator), -1.0, 1.0),
            'adaptive': True,
            'xatol': CONVERGED,
            'fatol': np.inf,
        },
    )


class NelderMead:
    """Replays the simplex from the best start; a new random one around the best where it has converged."""

    name: Final = 'nelder_mead'
    step: Final = 'the point that the Nelder-Mead simplex, run over the losses so far, evaluates next'

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        return next_point(_run, seen, self.seed)
