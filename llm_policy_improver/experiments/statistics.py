"""Medians and shares with their 95 % intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 2000
"""Of a bootstrap; its own error in an end of the interval is then well below the interval's width."""
SEED: Final = 0
"""Of the bootstrap: the same rows give the same intervals."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % confidence interval; None where it is unknown.

    Attributes:
        value: the median, or the share.
        low, high: ends of the interval; None for a median of less than two values.
        n: number of values behind it.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def as_json(self, name: str = 'median') -> dict[str, Any]:
        """Plain data, the estimate under ``name``."""
        return {name: self.value, 'low': self.low, 'high': self.high, 'n': self.n}

    def text(self, form: str = '.3f') -> str:
        """For people: ``'0.123 [0.100, 0.150]'``; a dash for what is unknown."""

        def shown(value: float | None) -> str:
            return '-' if value is None else format(value, form)

        if self.low is None and self.high is None:
            return shown(self.value)
        return f'{shown(self.value)} [{shown(self.low)}, {shown(self.high)}]'


def median(values: Sequence[float | None], never: float | None = None) -> Interval:
    """The median and its bootstrap interval (percentile method, Efron 1979; SciPy's).

    Args:
        values: None stands for unknown, and does not count, unless ``never`` is given.
        never: a number above all others, for values of which None means "never": they take part as this,
            and what comes out as this is None again.
    """
    known = np.array(
        [never if value is None else value for value in values if not (value is None and never is None)]
    )
    if not len(known):
        return Interval(None, None, None, 0)

    def read(value: float) -> float | None:
        # Between two infinite values percentiles are NaN.
        return None if never is not None and not value < never else float(value)

    middle = read(float(np.median(known)))
    if len(known) < 2:
        return Interval(middle, None, None, len(known))
    if np.all(known == known[0]):
        return Interval(middle, middle, middle, len(known))
    with np.errstate(invalid='ignore'):
        found = bootstrap(
            (known,), np.median, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method='percentile',
            random_state=np.random.default_rng(SEED), vectorized=True,
        ).confidence_interval  # fmt: skip
    return Interval(middle, read(found.low), read(found.high), len(known))


def share(hits: Sequence[bool]) -> Interval:
    """The share of hits and its Wilson score interval (Wilson 1927; SciPy's)."""
    if not hits:
        return Interval(None, None, None, 0)
    found = binomtest(sum(hits), len(hits)).proportion_ci(CONFIDENCE, method='wilson')
    return Interval(sum(hits) / len(hits), float(found.low), float(found.high), len(hits))


def median_curve(
    curves: Sequence[Sequence[float]], higher: bool = False
) -> tuple[list[float], list[float], list[float]]:
    """Median of curves (k, n) at each of their n points, and both ends of its bootstrap interval, as of `median`.

    NaN, where a run has come to nothing yet, counts as worse than all else; what comes out as this is NaN again.

    Args:
        curves: one a run.
        higher: whether more is better.
    """
    never = -math.inf if higher else math.inf
    rows = np.array(curves, dtype=float)
    ordered = np.sort(np.where(np.isnan(rows), never, rows), axis=0)
    count = len(ordered)
    # The median of values that are drawn from sorted ones is that of the places drawn: one sorting does for all points.
    drawn = np.sort(np.random.default_rng(SEED).integers(0, count, (RESAMPLES, count)), axis=1)
    medians = _middle(ordered, drawn[:, (count - 1) // 2], drawn[:, count // 2])
    outside = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(medians, (outside, 100.0 - outside), axis=0, method='nearest')
    middle = _middle(ordered, (count - 1) // 2, count // 2)
    found = (np.where(np.isfinite(each), each, np.nan).tolist() for each in (middle, low, high))
    return next(found), next(found), next(found)


def _middle(ordered: NDArray[Any], first: Any, second: Any) -> NDArray[Any]:
    """Halfway between two values at these places of each column."""
    middle: NDArray[Any] = (ordered[first] + ordered[second]) / 2.0
    return middle


def finite(value: float | None) -> float:
    """The number, NaN for None: for drawing."""
    return math.nan if value is None else value
