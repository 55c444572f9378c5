"""The policy whose predicted measures are nearest to the objective, with the margins kept and near the best trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import EffectModel

Array = NDArray[np.float64]

MOST_DOUBT: Final = 0.05
"""In the measure's unit, that the margins grow at most by half of the model's left-out error."""
STRICTNESS: Final = 20.0
"""Weight of a missing margin beside an equal distance to the objective."""
MOST_CAUTION: Final = 3
"""Failures in a row up to which each adds once more the planned margins."""
FAILURE_REACH: Final = 0.3
"""Distance in the unit cube's scaling within which a trial that did not succeed repels."""
FAILURE_WEIGHT: Final = 0.02
"""Squared distance, the repulsion at the very place of such a trial."""
STEP_COST: Final = 2e-4
"""Squared distance a squared unit of the cube: what the objective does not need is left as it was."""


@dataclass(frozen=True, slots=True)
class _Shortfall:
    """Weighted squared shortfall of one predicted measure from an interval [low, high]."""

    constant: float
    linear: Array
    quadratic: Array
    low: float
    high: float
    weight: float

    def value(self, unit: Array) -> tuple[float, Array]:
        bent = self.quadratic @ unit
        predicted = self.constant + float(self.linear @ unit) + float(unit @ bent)
        gap = max(predicted - self.high, 0.0) - max(self.low - predicted, 0.0)
        return self.weight * gap * gap, 2.0 * self.weight * gap * (self.linear + 2.0 * bent)


class AimSearch:
    """The cost of a point of the unit cube, and its minimum within a box.

    Args:
        model: predicts the measures.
        objective: with terms.
        best: (n,) point of the cube that the steps start from.
        failed: (m, n) points of the cube whose trials did not succeed.
        caution: factor on the planned margins, 1 or more.
    """

    def __init__(
        self, model: EffectModel, objective: Objective, best: Array, failed: Array, caution: float = 1.0
    ) -> None:
        self.best = best
        self.failed = failed
        wanted: list[tuple[str, float, float, float]] = []
        for measure in model.brief.planned:
            if measure.name in model.fits:
                doubt = min(0.5 * model.fits[measure.name].error, MOST_DOUBT)
                wanted.append((measure.name, *_safe(measure, caution, doubt), STRICTNESS))
        for term in objective.terms:
            wanted.append((term.measure.name, *term.target, (term.weight * term.measure.weight) ** 2))
        self.terms = [
            _Shortfall(*model.fits[name].polynomial(), low, high, weight)
            for name, low, high, weight in wanted
            if name in model.fits
        ]

    @classmethod
    def near(
        cls, best: Trial, history: Sequence[Trial], model: EffectModel, objective: Objective
    ) -> 'AimSearch':
        """Steps from the trial ``best`` of a history, with wider margins after failures."""
        space = model.brief.space
        failed = [space.unit(trial.policy) for trial in history if not trial.succeeded]
        in_vain = next((k for k, trial in enumerate(reversed(history)) if trial.succeeded), len(history))
        return cls(
            model,
            objective,
            space.unit(best.policy),
            np.array(failed).reshape(len(failed), space.dimension),
            caution=1.0 + min(in_vain, MOST_CAUTION),
        )

    def cost(self, unit: Array) -> tuple[float, Array]:
        """Cost, a squared distance, and its gradient (n,) at a point (n,)."""
        step = unit - self.best
        cost, gradient = STEP_COST * float(step @ step), 2.0 * STEP_COST * step
        for term in self.terms:
            value, slope = term.value(unit)
            cost += value
            gradient = gradient + slope
        if len(self.failed):
            away = unit - self.failed
            near = FAILURE_WEIGHT * np.exp(-0.5 * np.sum(away**2, axis=1) / FAILURE_REACH**2)
            cost += float(near.sum())
            gradient = gradient - near @ away / FAILURE_REACH**2
        return cost, gradient

    def minimum(self, radius: float) -> Array:
        """The point (n,) of least cost within the cube and, a coordinate, ``radius`` of the best trial."""
        from scipy.optimize import minimize  # a quarter of a second to load

        low, high = np.maximum(self.best - radius, -1.0), np.minimum(self.best + radius, 1.0)
        slope = self.cost(self.best)[1]
        starts: Sequence[Array] = (self.best, np.where(slope > 0, low, high) * 0.5 + self.best * 0.5)
        found = [
            minimize(self.cost, start, jac=True, method='L-BFGS-B', bounds=list(zip(low, high, strict=True)))
            for start in starts
        ]
        return np.clip(min(found, key=lambda result: float(result.fun)).x, low, high)

    def surprise(self, radius: float, generator: np.random.Generator, draws: int = 24) -> Array:
        """The least costly of some points (n,) drawn near the best trial: exploring a little."""
        low, high = np.maximum(self.best - radius, -1.0), np.minimum(self.best + radius, 1.0)
        points = generator.uniform(low, high, size=(draws, len(self.best)))
        return points[int(np.argmin([self.cost(point)[0] for point in points]))]


def _safe(measure: Measure, caution: float, doubt: float) -> tuple[float, float]:
    """The interval of a measure with its margins, wider by caution and doubt; open where it has none."""
    below, above = measure.margins
    return (
        measure.low + caution * below + doubt if below else -np.inf,
        measure.high - caution * above - doubt if above else np.inf,
    )
