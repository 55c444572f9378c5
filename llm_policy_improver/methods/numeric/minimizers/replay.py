"""Algorithms with inner state, asked without any: they are run anew over the losses recorded so far.

An algorithm is a plain function that evaluates points one after the other. Its evaluations are answered from
the record; the first one that the record does not hold is the next point to try.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

TOLERANCE: Final = 0.05
"""Difference a coordinate up to which a tried point is the one asked for: rounding, or evading a repetition."""

Evaluate = Callable[[Array], float]
Algorithm = Callable[[Evaluate, Array, np.random.Generator], None]
"""Minimizes the function it is given from a start (d,); returns where it has converged, if ever."""


class _UnrecordedError(Exception):
    """The evaluation of a point that was not tried yet."""

    def __init__(self, point: Array) -> None:
        super().__init__()
        self.point = point


class _DepartedError(Exception):
    """The record does not hold this run of the algorithm."""


class _Record:
    """The function an algorithm minimizes: the losses of the own points from ``begin`` on, in their order."""

    def __init__(self, seen: Observations, begin: int, start: Array, start_loss: float | None) -> None:
        self._points, self._losses = seen.points[begin:], seen.losses[begin:]
        self._start, self._start_loss = start, start_loss
        self.used = 0

    def __call__(self, point: Array) -> float:
        if self._start_loss is not None and np.array_equal(point, self._start):
            return self._start_loss
        inside = np.clip(point, -1.0, 1.0)
        if self.used == len(self._points):
            raise _UnrecordedError(inside)
        if float(np.max(np.abs(inside - self._points[self.used]))) > TOLERANCE:
            raise _DepartedError
        self.used += 1
        return float(self._losses[self.used - 1])


def next_point(algorithm: Algorithm, seen: Observations, seed: int) -> Array:
    """The first point (d,) that the algorithm evaluates and the record does not hold.

    The algorithm starts from the best given start, whose loss it is told for nothing. Where it has converged,
    it starts again from the best point so far. Where the record departs from it (the best start is another
    one since, as somebody else proposed in between), it starts again from there, too.

    Args:
        algorithm: what is replayed.
        seen: all observations.
        seed: of the algorithm's own randomness; every start has another.
    """
    begin = len(seen.points) - seen.own
    while True:
        best = seen.best(begin)
        start = np.zeros(seen.dimension) if best is None else np.clip(seen.points[best], -1.0, 1.0)
        record = _Record(seen, begin, start, None if best is None else float(seen.losses[best]))
        try:
            algorithm(record, start, np.random.default_rng((seed, begin)))
        except _UnrecordedError as unrecorded:
            return unrecorded.point
        except _DepartedError:
            pass
        begin += max(record.used, 1)
