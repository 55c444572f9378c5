"""Adam (Kingma and Ba 2015, arXiv 1412.6980) with forward differences for a gradient; each probe is a trial."""

from itertools import count
from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations
from llm_policy_improver.methods.numeric.minimizers.replay import Evaluate, next_point

RATE: Final = 0.1
"""Step size: about what each coordinate moves a step while the gradient keeps its sign."""

PROBE: Final = 0.05
"""Distance of the finite differences: above the rounding and the noise of a trial."""

DECAY_MEAN: Final = 0.9
DECAY_SQUARE: Final = 0.999
EPSILON: Final = 1e-8


def _gradient(evaluate: Evaluate, point: Array) -> Array:
    value, gradient = evaluate(point), np.zeros(len(point))
    for axis in range(len(point)):
        probe = point.copy()
        # Away from the bound.
        probe[axis] += PROBE if point[axis] + PROBE <= 1.0 else -PROBE
        gradient[axis] = (evaluate(probe) - value) / (probe[axis] - point[axis])
    return gradient


def _run(evaluate: Evaluate, start: Array, generator: np.random.Generator) -> None:
    point, mean, square = start, np.zeros(len(start)), np.zeros(len(start))
    for step in count(1):
        gradient = _gradient(evaluate, point)
        mean = DECAY_MEAN * mean + (1.0 - DECAY_MEAN) * gradient
        square = DECAY_SQUARE * square + (1.0 - DECAY_SQUARE) * gradient**2
        if np.any(mean):
            ahead = mean / (1.0 - DECAY_MEAN**step)
            move = -RATE * ahead / (np.sqrt(square / (1.0 - DECAY_SQUARE**step)) + EPSILON)
        else:
            # Flat ground, as where all trials fail.
            move = generator.uniform(-RATE, RATE, len(point))
        point = np.clip(point + move, -1.0, 1.0)


class Adam:
    """Replays Adam from the best start: d probes for a gradient, then one step, and so on."""

    name: Final = 'adam'
    step: Final = (
        'the next evaluation of Adam: a probe for its finite-difference gradient, or a step along it'
    )

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        return next_point(_run, seen, self.seed)
