"""The attenuation whose predicted landing is nearest to the goal, on the table and near the best trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from llm_policy_improver.core.objective import Goal
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.numeric.landing_model import LandingModel
from llm_policy_improver.table_tennis.ball import table

Array = NDArray[np.float64]

EDGE: Final = 0.02
"""m inside the table's edges that a landing is planned at least."""
BEHIND_NET: Final = 0.05
"""m behind the net that a landing is planned at least."""
OVER_NET: Final = 0.03
"""m above the net that a flight is planned at least."""
MOST_DOUBT: Final = 0.05
"""m that the margins grow at most by half of the model's left-out error."""
STRICTNESS: Final = 20.0
"""Weight of a missing margin beside a missing metre to the goal."""
MOST_CAUTION: Final = 3
"""Failures in a row up to which each adds once more the planned margins from net and edges."""
FAILURE_REACH: Final = 0.3
"""Distance in the unit cube's scaling within which a failed trial repels."""
FAILURE_WEIGHT: Final = 0.02
"""m^2, the repulsion at the very place of a failed trial."""
STEP_COST: Final = 2e-4
"""m^2 a squared unit of the cube: what the goal does not need is left as it was."""


@dataclass(frozen=True, slots=True)
class _Term:
    """Weighted squared shortfall of one predicted quantity from an interval [low, high]."""

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


class LandingSearch:
    """The cost of a point of the unit cube, and its minimum within a box.

    Args:
        model: predicts the landing.
        goal: the wanted values.
        best: (8,) point of the cube that the steps start from.
        failed: (n, 8) points of the cube whose trials did not land.
        caution: factor on the planned margins from net and edges, 1 or more.
    """

    def __init__(
        self, model: LandingModel, goal: Goal, best: Array, failed: Array, caution: float = 1.0
    ) -> None:
        self.best = best
        self.failed = failed
        doubt = {name: min(0.5 * fit.error, MOST_DOUBT) for name, fit in model.fits.items()}
        side = table.HALF_WIDTH - caution * EDGE - doubt['x']
        wanted: list[tuple[str, float, float, float]] = [
            ('x', -side, side, STRICTNESS),
            (
                'y',
                caution * BEHIND_NET + doubt['y'],
                table.HALF_LENGTH - caution * EDGE - doubt['y'],
                STRICTNESS,
            ),
            ('net_clearance', caution * OVER_NET + doubt.get('net_clearance', 0.0), np.inf, STRICTNESS),
        ]
        for name in ('x', 'y', 'peak_height', 'net_clearance'):
            value = getattr(goal, name)
            if value is not None:
                wanted.append((name, value, value, 1.0))
        self.terms = [
            _Term(*model.fits[name].polynomial(), low, high, weight)
            for name, low, high, weight in wanted
            if name in model.fits
        ]

    @classmethod
    def near(
        cls, best: ExecutionTrace, history: Sequence[ExecutionTrace], model: LandingModel, goal: Goal
    ) -> 'LandingSearch':
        """Steps from the trial ``best`` of a history, with wider margins after failures."""
        space = model.space
        failed = [space.unit(trace.parameters.attenuation) for trace in history if not trace.landed]
        in_vain = next((k for k, trace in enumerate(reversed(history)) if trace.landed), len(history))
        return cls(
            model,
            goal,
            space.unit(best.parameters.attenuation),
            np.array(failed).reshape(len(failed), space.dimension),
            caution=1.0 + min(in_vain, MOST_CAUTION),
        )

    def cost(self, unit: Array) -> tuple[float, Array]:
        """Cost in m^2 and its gradient (8,) at a point (8,)."""
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
        """The point (8,) of least cost within the cube and, a coordinate, ``radius`` of the best trial."""
        low, high = np.maximum(self.best - radius, -1.0), np.minimum(self.best + radius, 1.0)
        slope = self.cost(self.best)[1]
        starts: Sequence[Array] = (self.best, np.where(slope > 0, low, high) * 0.5 + self.best * 0.5)
        found = [
            minimize(self.cost, start, jac=True, method='L-BFGS-B', bounds=list(zip(low, high, strict=True)))
            for start in starts
        ]
        return np.clip(min(found, key=lambda result: float(result.fun)).x, low, high)

    def surprise(self, radius: float, generator: np.random.Generator, draws: int = 24) -> Array:
        """The least costly of some points (8,) drawn near the best trial: exploring a little."""
        low, high = np.maximum(self.best - radius, -1.0), np.minimum(self.best + radius, 1.0)
        points = generator.uniform(low, high, size=(draws, len(self.best)))
        return points[int(np.argmin([self.cost(point)[0] for point in points]))]
