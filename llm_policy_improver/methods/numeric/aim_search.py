"""The policy whose predicted measures are nearest to the objective, with the margins kept and near the best trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.box_search import STRICTNESS, BoxSearch, caution_after
from llm_policy_improver.methods.numeric.effect_model import EffectModel

Array = NDArray[np.float64]

MOST_DOUBT: Final = 0.05
"""In the measure's unit, that the margins grow at most by half of the model's left-out error."""


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


class AimSearch(BoxSearch):
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
        wanted: list[tuple[str, float, float, float]] = []
        for measure in model.brief.planned:
            if measure.name in model.fits:
                doubt = min(0.5 * model.fits[measure.name].error, MOST_DOUBT)
                wanted.append((measure.name, *_safe(measure, caution, doubt), STRICTNESS))
        for term in objective.terms:
            wanted.append((term.measure.name, *term.target, (term.weight * term.measure.weight) ** 2))
        terms = [
            _Shortfall(*model.fits[name].polynomial(), low, high, weight)
            for name, low, high, weight in wanted
            if name in model.fits
        ]
        super().__init__(terms, best, failed)

    @classmethod
    def near(
        cls, best: Trial, history: Sequence[Trial], model: EffectModel, objective: Objective
    ) -> 'AimSearch':
        """Steps from the trial ``best`` of a history, with wider margins after failures."""
        space = model.brief.space
        failed = [space.unit(trial) for trial in history if not trial.succeeded]
        return cls(
            model,
            objective,
            space.unit(best),
            np.array(failed).reshape(len(failed), space.dimension),
            caution=caution_after(history),
        )

    def box(self, radius: float) -> tuple[Array, Array]:
        """(n,) low and high ends of the box of this radius around the best trial, within the cube."""
        return np.maximum(self.best - radius, -1.0), np.minimum(self.best + radius, 1.0)


def _safe(measure: Measure, caution: float, doubt: float) -> tuple[float, float]:
    """The interval of a measure with its margins, wider by caution and doubt; open where it has none."""
    below, above = measure.margins
    return (
        measure.low + caution * below + doubt if below else -np.inf,
        measure.high - caution * above - doubt if above else np.inf,
    )
