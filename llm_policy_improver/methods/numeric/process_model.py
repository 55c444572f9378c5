"""Gaussian processes of the measures, fitted to the trials: what each is expected to be, and how surely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import Place
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect, TooFewTrialsError, telling
from llm_policy_improver.methods.numeric.evidence import Regression, Samples
from llm_policy_improver.methods.numeric.explored import Explored

Array = NDArray[np.float64]

KIND: Final = 'Gaussian processes'


@dataclass(frozen=True, slots=True, eq=False)
class ProcessModel:
    """Gaussian processes of the measures on the parameters.

    Attributes:
        brief: of the task.
        measures: those looked at, in their order.
        explored: the coordinates of the fits.
        fits: one a measure, by name; those that too few trials tell are absent.
        told: of the share of trials that tell anything at all; None where all did.
    """

    brief: Brief
    measures: tuple[Measure, ...]
    explored: Explored
    fits: Mapping[str, Regression]
    told: Regression | None

    @classmethod
    def fit(cls, trials: Sequence[Trial], brief: Brief, objective: Objective, best: Trial) -> 'ProcessModel':
        """Fit to all trials that tell something.

        Args:
            trials: in any order.
            brief: of the task.
            objective: says which measures are looked at: its own, and those with margins.
            best: of the trials, whose values are never taken for odd ones.

        Raises:
            TooFewTrialsError: fewer than `MINIMUM_TRIALS` tell a measure that must keep margins at both ends, or
                none tells one of the objective.
        """
        explored = Explored(brief.space)
        points, groups = explored.points(trials), explored.groups
        wanted = {term.measure.name for term in objective.terms}
        measures = tuple(each for each in brief.told(objective) if any(each.margins) or each.name in wanted)
        fits: dict[str, Regression] = {}
        samples: dict[tuple[int, ...], Samples] = {}
        for measure in measures:
            telling_it = telling(trials, measure)
            if telling_it is None:
                continue
            where, values = telling_it
            if where not in samples:
                samples[where] = Samples(points[list(where)], groups)
            sure = np.array([trials[i] is best for i in where])
            fits[measure.name] = samples[where].fit_robustly(values, sure)
        if not wanted & fits.keys():
            raise TooFewTrialsError(f'too few of {len(trials)} trials tell what the objective is about')
        tested = np.array([trial.tested for trial in trials])
        tells = np.array([any(t.told(each) is not None for each in brief.measures) for t in trials])[tested]
        told = None if tells.all() else Samples(points[tested], groups).fit(tells.astype(float))
        return cls(brief, measures, explored, fits, told)

    @property
    def kind(self) -> str:
        """Of the fits, for people."""
        return KIND

    @property
    def samples(self) -> int:
        """Trials that the fits rest on."""
        return max(len(fit.points) for fit in self.fits.values())

    @property
    def errors(self) -> dict[str, float]:
        """Left-out error of each fit, by the measure's name, in its unit."""
        return {name: fit.left_out for name, fit in self.fits.items()}

    def predict(self, place: Place) -> dict[str, float]:
        """The measures expected there, by name."""
        point = self.explored.point(place)[None, :]
        return {name: float(fit.predict(point)[0][0]) for name, fit in self.fits.items()}

    def effects(self, measure: Measure) -> list[Effect]:
        """What each parameter does to one measure, on the whole; empty without a fit of it."""
        if measure.name not in self.fits:
            return []
        space = self.brief.space
        span = np.asarray(space.high) - np.asarray(space.low)
        # From a unit of the explored coordinates to a change of the parameter by STEP.
        scale = STEP * 2.0 / (span * np.asarray(space.first_shares))
        slopes, errors = self.fits[measure.name].linear()
        rows = zip(slopes * scale, errors * scale, strict=True)
        return [Effect(index, float(change), float(error)) for index, (change, error) in enumerate(rows)]
