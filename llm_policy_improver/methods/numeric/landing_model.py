"""A model fitted to the trials: what the attenuation does to the landing, the arc and the clearance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace, Outcome
from llm_policy_improver.methods.numeric.ridge import Ridge, RidgeBasis

Array = NDArray[np.float64]

QUANTITIES: Final = ('x', 'y', 'peak_height', 'net_clearance')
"""What is predicted, all in metres; the names are those of `core.objective.Goal`."""

MINIMUM_TRIALS: Final = 4
"""Landed trials below which no model is fitted."""

REACH: Final = 0.45
"""How far from the centre of interest, in the unit cube's scaling, a trial has lost half of its weight."""

CROSSED: Final = frozenset({Outcome.LANDED, Outcome.OUT})
"""Outcomes whose peak and net clearance are those of a free flight."""


class TooFewTrialsError(ValueError):
    """Not enough trials landed to fit a model; the message says how many did."""


FLOWN: Final = frozenset({Outcome.LANDED, Outcome.OWN_SIDE})
"""Outcomes whose landing is that of a free flight: a ball too short says how much it was too short."""


def _landing_x(trace: ExecutionTrace) -> float | None:
    return trace.landing.x if trace.outcome in FLOWN and trace.landing is not None else None


def _landing_y(trace: ExecutionTrace) -> float | None:
    return trace.landing.y if trace.outcome in FLOWN and trace.landing is not None else None


def _peak(trace: ExecutionTrace) -> float | None:
    return trace.peak_height if trace.outcome in CROSSED else None


def _clearance(trace: ExecutionTrace) -> float | None:
    # Where the net stopped the ball, how much was missing is known all the same.
    return trace.net_clearance if trace.outcome in CROSSED or trace.outcome is Outcome.NET else None


_READ: Final[Mapping[str, Callable[[ExecutionTrace], float | None]]] = {
    'x': _landing_x, 'y': _landing_y, 'peak_height': _peak, 'net_clearance': _clearance,
}  # fmt: skip


def _basis(
    traces: Sequence[ExecutionTrace], space: ParameterSpace, centre: Sequence[float] | None
) -> RidgeBasis:
    unit = np.array([space.unit(trace.parameters.attenuation) for trace in traces])
    if centre is None:
        return RidgeBasis(unit)
    gap = np.linalg.norm(unit - space.unit(centre), axis=1) / np.sqrt(space.dimension)
    return RidgeBasis(unit, 1.0 / (1.0 + (gap / REACH) ** 4))


@dataclass(frozen=True, slots=True)
class Effect:
    """What raising one attenuation by 0.10 does to one quantity, all else equal.

    Attributes:
        index: which parameter, in the order of `core.parameters.JOINTS`.
        metres: change of the quantity.
        error: standard error of that change, m.
    """

    index: int
    metres: float
    error: float

    @property
    def clear(self) -> bool:
        """Whether the sign of the effect is beyond doubt (two standard errors)."""
        return abs(self.metres) > 2.0 * self.error


@dataclass(frozen=True, slots=True, eq=False)
class LandingModel:
    """Regressions of the landing, the peak height and the net clearance on the attenuation.

    Attributes:
        space: the bounds that scale the attenuations to the unit cube.
        fits: one regression a quantity, for predicting; those with too few observations are absent, `x` and
            `y` are always there.
        linear: the same without quadratic terms, for saying what a parameter does on the whole.
    """

    space: ParameterSpace
    fits: Mapping[str, Ridge]
    linear: Mapping[str, Ridge]

    @classmethod
    def fit(
        cls, traces: Sequence[ExecutionTrace], space: ParameterSpace, centre: Sequence[float] | None = None
    ) -> 'LandingModel':
        """Fit to all trials whose ball flew freely over the net.

        Args:
            traces: the trials, in any order.
            space: the bounds of the attenuation.
            centre: (8,) attenuation near which the model should be best; everywhere alike where None.

        Raises:
            TooFewTrialsError: fewer than `MINIMUM_TRIALS` landed.
        """
        fits, linear = {}, {}
        bases: dict[tuple[int, ...], RidgeBasis] = {}
        for quantity in QUANTITIES:
            known = [(i, value) for i, t in enumerate(traces) if (value := _READ[quantity](t)) is not None]
            if len(known) < MINIMUM_TRIALS:
                continue
            where = tuple(i for i, _ in known)
            if where not in bases:
                bases[where] = _basis([traces[i] for i in where], space, centre)
            values = np.array([value for _, value in known])
            fits[quantity] = bases[where].fit(values)
            linear[quantity] = bases[where].fit_linear(values)
        if 'x' not in fits or 'y' not in fits:
            flown = sum(trace.outcome in FLOWN for trace in traces)
            raise TooFewTrialsError(
                f'{flown} trials landed and a model of the landing needs {MINIMUM_TRIALS}'
            )
        return cls(space, fits, linear)

    def predict(self, attenuation: Sequence[float]) -> dict[str, float]:
        """The quantities expected for an attenuation (8,), in metres."""
        unit = self.space.unit(attenuation)
        return {name: fit.predict(unit) for name, fit in self.fits.items()}

    def spread(self, attenuation: Sequence[float]) -> dict[str, float]:
        """Standard error of each of the quantities of `predict`, in metres."""
        unit = self.space.unit(attenuation)
        return {name: fit.spread(unit) for name, fit in self.fits.items()}

    def effects(self, quantity: str) -> list[Effect]:
        """What each parameter does to one quantity, on the whole; empty without a regression of it."""
        if quantity not in self.linear:
            return []
        fit = self.linear[quantity]
        # From a unit of the cube's scaling to a change of the attenuation by 0.10.
        scale = 0.10 * 2.0 / (np.asarray(self.space.high) - np.asarray(self.space.low))
        rows = zip(fit.coefficients * scale, fit.linear_errors() * scale, strict=True)
        return [Effect(index, float(metres), float(error)) for index, (metres, error) in enumerate(rows)]
