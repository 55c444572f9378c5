"""What trials tell, as arrays: the points, the measures where they are known, and the failures these do not explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.explored import Explored

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """By n trials.

    Attributes:
        points: (n, d) in the coordinates of `Explored`.
        values: (n,) of each measure, by name; NaN where a trial does not tell it.
        failed: (n,) trials that did not succeed.
        failed_otherwise: (n,) those with no measure known to be out of its range.
    """

    points: Array
    values: Mapping[str, Array]
    failed: NDArray[np.bool_]
    failed_otherwise: NDArray[np.bool_]

    @classmethod
    def of(cls, trials: Sequence[Trial], brief: Brief, measures: Sequence[Measure]) -> 'Told':
        """By those of the trials that tested something."""
        tested = [trial for trial in trials if trial.tested]
        points = Explored(brief.space).points(tested).reshape(len(tested), brief.space.dimension)
        values = {each.name: np.array([_told(trial, each) for trial in tested]) for each in measures}
        failed = np.array([not trial.succeeded for trial in tested], dtype=bool)
        explained = np.zeros(len(tested), dtype=bool)
        for measure in measures:
            low, high = edges(measure)
            explained |= (values[measure.name] < low) | (values[measure.name] > high)
        return cls(points, values, failed, failed & ~explained)


def edges(measure: Measure) -> tuple[float, float]:
    """Between which values a trial can succeed: the ends of the range that have a margin."""
    below, above = measure.margins
    return measure.low if below else -np.inf, measure.high if above else np.inf


def _told(trial: Trial, measure: Measure) -> float:
    value = trial.told(measure)
    if value is None and measure.carried_on:
        value = trial.measures.get(measure.carried_on)
    return np.nan if value is None else value
