"""What raising each parameter does near a point, by the landing model, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect
from llm_policy_improver.methods.numeric.landing.outlook import Expected, Outlook

Array = NDArray[np.float64]

WORLDS: Final = 200
"""Functions drawn for the standard errors, which they leave uncertain by a twentieth."""


@dataclass(frozen=True, slots=True)
class Around:
    """Near one point.

    Attributes:
        values: (n,) of the parameters there.
        measures: (n,) effects on each measure that the model knows, by name.
        success: (n,) changes of the chance to succeed by raising each parameter by `STEP`.
        nearer: (n,) effects on the distance of what is expected to the objective, a gain counted positive; those on
            the size of all measures that are wanted where nothing is missing.
        order: of the parameters, the largest effect towards the objective first.
    """

    values: tuple[float, ...]
    measures: Mapping[str, tuple[Effect, ...]]
    success: tuple[float, ...]
    nearer: tuple[Effect, ...]
    order: tuple[int, ...]

    @classmethod
    def of(
        cls, outlook: Outlook, values: Sequence[float], expected: Expected, generator: np.random.Generator
    ) -> 'Around':
        """Near a policy.

        Args:
            outlook: what is held after the trials.
            values: (n,) of its parameters.
            expected: of a trial of it.
            generator: draws functions that may be the true ones.
        """
        low, high, widths = _beside(outlook, values)
        both = np.vstack((high, low))
        scale = STEP / widths

        def changes(at: Array) -> Array:
            """(n,) by raising each parameter by `STEP`, from (2 n,) values at the points above and below."""
            return np.asarray((at[: len(widths)] - at[len(widths) :]) * scale)

        means, drawn = {}, {}
        for name, process in outlook.processes.items():
            means[name] = changes(process.predict(both)[0])
            drawn[name] = np.array([changes(process.draw(generator)(both)) for _ in range(WORLDS)])
        towards = _towards(outlook.objective, expected)
        gain = sum((weight * means[name] for name, weight in towards.items()), np.zeros(len(widths)))
        gains = sum((weight * drawn[name] for name, weight in towards.items()), np.zeros((WORLDS, len(widths))))
        chances = np.array([outlook.expected(point).success for point in both])
        return cls(
            tuple(values),
            {name: _effects(means[name], drawn[name]) for name in means},
            tuple(changes(chances).tolist()),
            _effects(gain, gains),
            tuple(int(index) for index in np.argsort(-np.abs(gain), kind='stable')),
        )


def _effects(means: Array, drawn: Array) -> tuple[Effect, ...]:
    errors = drawn.std(axis=0, ddof=1)
    return tuple(
        Effect(i, float(mean), float(error)) for i, (mean, error) in enumerate(zip(means, errors, strict=True))
    )


def _beside(outlook: Outlook, values: Sequence[float]) -> tuple[Array, Array, Array]:
    """(n, d) points with each parameter half a `STEP` lower, and higher, within its bounds, and (n,) by how much."""
    space = outlook.brief.space
    low, high, widths = [], [], []
    for index in range(space.dimension):
        ends = [list(values), list(values)]
        ends[0][index] = max(values[index] - STEP / 2.0, space.low[index])
        ends[1][index] = min(values[index] + STEP / 2.0, space.high[index])
        low.append(outlook.explored.point(ends[0]))
        high.append(outlook.explored.point(ends[1]))
        widths.append(ends[1][index] - ends[0][index])
    return np.array(low), np.array(high), np.array(widths)


def _towards(objective: Objective, expected: Expected) -> dict[str, float]:
    """By how much the distance shrinks for one unit of each measure that is wanted."""
    gaps = {term.measure.name: term.gap(expected.measures[term.measure.name]) for term in objective.terms}
    weights = {term.measure.name: term.weight * term.measure.weight for term in objective.terms}
    distance = float(np.hypot.reduce(list(gaps.values())))
    if distance == 0.0:
        return {name: weight / len(weights) for name, weight in weights.items()}
    return {name: -weights[name] * gap / distance for name, gap in gaps.items()}
