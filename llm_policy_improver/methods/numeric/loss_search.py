"""The policy of least loss by Gaussian processes: bold about the objective, careful about the margins.

A loss is missing the objective, missing the margins, and a trial that tells nothing. Of the first counts what is left
at best, a standard deviation below what is expected (a confidence bound, as in Srinivas et al. 2010); of the others
what is expected. To count the variance as a loss throughout keeps the steps where everything is known already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.box_search import STRICTNESS, BoxSearch, Shortfall, caution_after
from llm_policy_improver.methods.numeric.evidence import Regression
from llm_policy_improver.methods.numeric.process_model import ProcessModel

Array = NDArray[np.float64]

TELLING: Final = 0.9
"""Wanted prediction, in shares, of being told anything; 1 where all trials were, 0 where none was."""
TELLING_WEIGHT: Final = 1.0
"""Squared distance, of the squared share that is missing."""

OPTIMISM: Final = 1.0
"""Standard deviations by which the objective may be missed by less than expected: what is little known gets tried."""

STEPS: Final = 40
"""Iterations of the search from one start."""

LEAST_VARIANCE: Final = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class _Shortfall:
    """Expected squared shortfall of one quantity from an interval [low, high], weighted."""

    fit: Regression
    low: float
    high: float
    weight: float
    noise: float = 0.0

    def value(self, point: Array) -> tuple[float, Array]:
        """The shortfall, and its gradient (d,), at a point (d,)."""
        means, variances, rises, widenings = self.fit.slopes(point[None, :])
        mean, variance = float(means[0]), float(variances[0]) + self.noise**2
        total, slope = 0.0, np.zeros_like(point)
        for side, limit in ((1.0, self.high), (-1.0, self.low)):
            if np.isfinite(limit):
                value, by_gap, by_variance = _missing(side * (mean - limit), variance)
                total += value
                slope = slope + side * by_gap * rises[0] + by_variance * widenings[0]
        return self.weight * total, self.weight * slope


@dataclass(frozen=True, slots=True)
class _Miss:
    """Squared distance of one quantity from an interval [low, high] that is left at best, weighted."""

    fit: Regression
    low: float
    high: float
    weight: float

    def value(self, point: Array) -> tuple[float, Array]:
        """The squared distance, and its gradient (d,), at a point (d,)."""
        means, variances, rises, widenings = self.fit.slopes(point[None, :])
        mean, deviation = float(means[0]), float(np.sqrt(variances[0]))
        gap = max(mean - self.high, 0.0) - max(self.low - mean, 0.0)
        left = max(abs(gap) - OPTIMISM * deviation, 0.0)
        slope = np.sign(gap) * rises[0] - OPTIMISM * widenings[0] / (2.0 * deviation)
        return self.weight * left**2, 2.0 * self.weight * left * slope


def _missing(gap: float, variance: float) -> tuple[float, float, float]:
    """Expectation of ``max(g, 0) ** 2`` of a normal g of this mean and variance, and its two slopes."""
    deviation = float(np.sqrt(variance + LEAST_VARIANCE))
    z = gap / deviation
    below, density = float(ndtr(z)), float(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))
    value = (gap**2 + deviation**2) * below + gap * deviation * density
    return value, 2.0 * (gap * below + deviation * density), below


class LossSearch(BoxSearch):
    """The loss of a point in the explored coordinates, and its minimum within a box.

    Args:
        model: predicts the measures.
        objective: with terms.
        best: (d,) where the steps start from.
        failed: (m, d) points whose trials did not succeed.
        caution: factor on the planned margins, 1 or more.
    """

    def __init__(
        self, model: ProcessModel, objective: Objective, best: Array, failed: Array, caution: float = 1.0
    ) -> None:
        self.model = model
        terms: list[Shortfall] = []
        for measure in model.brief.planned:
            if measure.name in model.fits:
                fit, (below, above) = model.fits[measure.name], measure.margins
                low = measure.low + caution * below if below else -np.inf
                high = measure.high - caution * above if above else np.inf
                terms.append(_Shortfall(fit, low, high, STRICTNESS, fit.noise))
        for term in objective.terms:
            if term.measure.name in model.fits:
                fit, weight = model.fits[term.measure.name], (term.weight * term.measure.weight) ** 2
                terms.append(_Miss(fit, *term.target, weight))
        if model.told is not None:
            terms.append(_Shortfall(model.told, TELLING, np.inf, TELLING_WEIGHT))
        super().__init__(terms, best, failed, STEPS)

    @classmethod
    def near(
        cls, best: Trial, history: Sequence[Trial], model: ProcessModel, objective: Objective
    ) -> 'LossSearch':
        """Steps from the trial ``best`` of a history, with wider margins after failures."""
        failed = model.explored.points([trial for trial in history if not trial.succeeded])
        return cls(model, objective, model.explored.point(best), failed, caution_after(history))

    def box(self, radius: float) -> tuple[Array, Array]:
        """(d,) low and high ends of the box of this radius around the best trial, within the bounds."""
        return self.model.explored.box(self.best, radius)
