"""A model fitted to the trials: what each parameter does to each measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace, Place
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.ridge import Ridge, RidgeBasis

Array = NDArray[np.float64]

MINIMUM_TRIALS: Final = 4
"""Trials that tell a measure, below which no model of it is fitted."""

REACH: Final = 0.45
"""How far from the centre of interest, in the unit cube's scaling, a trial has lost half of its weight."""

STEP: Final = 0.10
"""Change of a parameter, in its unit, for which effects are told."""


class TooFewTrialsError(ValueError):
    """Not enough trials tell the measures to fit a model; the message says how many do."""


def telling(trials: Sequence[Trial], measure: Measure) -> tuple[tuple[int, ...], Array] | None:
    """Which of the trials tell a measure, by index, and its values (n,); None where too few do to fit a model.

    Raises:
        TooFewTrialsError: they are too few of a measure that must keep margins at both ends.
    """
    known = [(i, value) for i, trial in enumerate(trials) if (value := trial.told(measure)) is not None]
    if len(known) >= MINIMUM_TRIALS:
        return tuple(i for i, _ in known), np.array([value for _, value in known])
    if all(measure.margins):
        raise TooFewTrialsError(
            f'{len(known)} trials tell {measure.name} and a model of it needs {MINIMUM_TRIALS}'
        )
    return None


def _basis(trials: Sequence[Trial], space: ParameterSpace, centre: Place | None) -> RidgeBasis:
    unit = np.array([space.unit(trial) for trial in trials])
    if centre is None:
        return RidgeBasis(unit)
    gap = np.linalg.norm(unit - space.unit(centre), axis=1) / np.sqrt(space.dimension)
    return RidgeBasis(unit, 1.0 / (1.0 + (gap / REACH) ** 4))


@dataclass(frozen=True, slots=True)
class Effect:
    """What raising one parameter by `STEP` does to one measure, all else equal.

    Attributes:
        index: which parameter, in the order of the space.
        change: of the measure, in its unit.
        error: standard error of that change.
    """

    index: int
    change: float
    error: float

    @property
    def clear(self) -> bool:
        """Whether the sign of the effect is beyond doubt (two standard errors)."""
        return abs(self.change) > 2.0 * self.error


@dataclass(frozen=True, slots=True, eq=False)
class EffectModel:
    """Regressions of the measures on the parameters.

    Attributes:
        brief: of the task; its space scales the parameters to the unit cube.
        measures: those looked at, in their order.
        fits: one regression a measure, for predicting, by name; those that too few trials tell are absent.
        linear: the same without quadratic terms, for saying what a parameter does on the whole.
    """

    brief: Brief
    measures: tuple[Measure, ...]
    fits: Mapping[str, Ridge]
    linear: Mapping[str, Ridge]

    @classmethod
    def fit(
        cls,
        trials: Sequence[Trial],
        brief: Brief,
        objective: Objective,
        centre: Place | None = None,
    ) -> 'EffectModel':
        """Fit to all trials that tell something.

        Args:
            trials: in any order.
            brief: of the task.
            objective: says which measures are looked at besides the usual ones.
            centre: near which the model should be best; everywhere alike where None.

        Raises:
            TooFewTrialsError: fewer than `MINIMUM_TRIALS` tell a measure that the objective is about, or one that
                must keep margins at both ends.
        """
        fits, linear = {}, {}
        bases: dict[tuple[int, ...], RidgeBasis] = {}
        measures = brief.told(objective)
        for measure in measures:
            telling_it = telling(trials, measure)
            if telling_it is None:
                continue
            where, values = telling_it
            if where not in bases:
                bases[where] = _basis([trials[i] for i in where], brief.space, centre)
            fits[measure.name] = bases[where].fit(values)
            linear[measure.name] = bases[where].fit_linear(values)
        if not fits:
            raise TooFewTrialsError(f'none of {len(trials)} trials tells a measure')
        return cls(brief, measures, fits, linear)

    @property
    def kind(self) -> str:
        """Of the fits, for people."""
        curved = any(fit.curvature for fit in self.fits.values())
        return f'Regression ({"quadratic" if curved else "linear"})'

    @property
    def samples(self) -> int:
        """Trials that the fits rest on."""
        return max(fit.samples for fit in self.fits.values())

    @property
    def errors(self) -> dict[str, float]:
        """Left-out error of each fit, by the measure's name, in its unit."""
        return {name: fit.error for name, fit in self.fits.items()}

    def predict(self, place: Place) -> dict[str, float]:
        """The measures expected there, by name."""
        unit = self.brief.space.unit(place)
        return {name: fit.predict(unit) for name, fit in self.fits.items()}

    def spread(self, place: Place) -> dict[str, float]:
        """Standard error of each of the values of `predict`."""
        unit = self.brief.space.unit(place)
        return {name: fit.spread(unit) for name, fit in self.fits.items()}

    def effects(self, measure: Measure) -> list[Effect]:
        """What each parameter does to one measure, on the whole; empty without a regression of it."""
        if measure.name not in self.linear:
            return []
        fit, space = self.linear[measure.name], self.brief.space
        # From a unit of the cube's scaling to a change of the parameter by STEP.
        scale = STEP * 2.0 / (np.asarray(space.high) - np.asarray(space.low))
        rows = zip(fit.coefficients * scale, fit.linear_errors() * scale, strict=True)
        return [Effect(index, float(change), float(error)) for index, (change, error) in enumerate(rows)]
