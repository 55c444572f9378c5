"""What trials tell, as arrays: the points, the measures where they are known, and the failures these do not explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.explored import Explored

Array = NDArray[np.float64]

LUCK: Final = 0.5
"""Share of a margin within which trials fail more often than not; in the rest they mostly succeed. Of balls that cross
the net by 0 to 0.01 m one in two falls back, up to 0.03 m one in six, up to 0.05 m one in twelve."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """By n trials.

    Attributes:
        points: (n, d) in the coordinates of `Explored`.
        values: (n,) of each measure and risk, by name; NaN where a trial does not tell it.
        telling: (n,) trials whose value tells what others of such a policy have: known, and no risk beyond its range.
        failed: (n,) trials that did not succeed.
        failed_otherwise: (n,) those with no measure known to be out of its range.
    """

    points: Array
    values: Mapping[str, Array]
    telling: Mapping[str, NDArray[np.bool_]]
    failed: NDArray[np.bool_]
    failed_otherwise: NDArray[np.bool_]

    @classmethod
    def of(cls, trials: Sequence[Trial], brief: Brief) -> 'Told':
        """By those of the trials that tested something."""
        tested = [trial for trial in trials if trial.tested]
        points = Explored(brief.space).points(tested).reshape(len(tested), brief.space.dimension)
        values = {
            each.name: np.array([_told(trial, each) for trial in tested], dtype=float) for each in brief.modelled
        }
        failed = np.array([not trial.succeeded for trial in tested], dtype=bool)
        explained, clean = np.zeros(len(tested), dtype=bool), np.ones(len(tested), dtype=bool)
        for measure in brief.modelled:
            low, high = edges(measure)
            explained |= (values[measure.name] < low) | (values[measure.name] > high)
        for risk in brief.risks:
            clean &= ~(np.linalg.norm([values[part.name] for part in risk.parts], axis=0) > risk.limit)
        explained |= ~clean
        risks = {part.name for risk in brief.risks for part in risk.parts}
        telling = {name: np.isfinite(each) & (clean | (name in risks)) for name, each in values.items()}
        return cls(points, values, telling, failed, failed & ~explained)


def edges(measure: Measure, share: float = LUCK) -> tuple[float, float]:
    """Between which values a trial is held to succeed, with a share of the margins left out."""
    below, above = measure.margins
    low, high = measure.low + share * below, measure.high - share * above
    return low if below else -np.inf, high if above else np.inf


def _told(trial: Trial, measure: Measure) -> float:
    value = trial.told(measure)
    if value is None and measure.carried_on:
        value = trial.measures.get(measure.carried_on)
    return np.nan if value is None else value
