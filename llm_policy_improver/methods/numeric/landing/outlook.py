"""What trials of some parameters are expected to come to: measures, failures, and the loss by an objective.

The loss of a trial is its distance to the objective, or a constant where it does not succeed. Measures scatter
together; expectations are means over the same draws for all points, so that points differ by themselves alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import TooFewTrialsError
from llm_policy_improver.methods.numeric.explored import Explored
from llm_policy_improver.methods.numeric.landing.chance import Chance
from llm_policy_improver.methods.numeric.landing.prior import Prior
from llm_policy_improver.methods.numeric.landing.process import Background, Process
from llm_policy_improver.methods.numeric.landing.told import LUCK, Told, edges

Array = NDArray[np.float64]

DRAWS: Final = 128
"""Of the measures' scatter."""
ODD_FAILURE: Final = 3.0
"""Left-out residual of a failed trial, in standard deviations, beyond which it was no clean hit."""
ODD_SUCCESS: Final = 4.0
"""The same of one that succeeded, by accident."""
PLANNED: Final = 1.0
"""Share of the margins that points must keep where they are compared: no proposal should rest on luck."""
KEPT_AWAY: Final = 0.1
"""How far, as the root of the mean square over the coordinates, what was kept from the trials keeps others away."""
CAUTION: Final = 1.3
"""Factor on the scatter where points are compared: the best of many is one whose scatter is rather underestimated."""
TAILS: Final = 5.0
"""Degrees of freedom of a measure's scatter: few balls stray far, but more than of a normal distribution."""
FEWEST: Final = 4
"""Trials that tell a measure, without a prior of it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one trial.

    Attributes:
        measures: means, by name.
        loss: mean.
        low, high: between which its distance lies, where it succeeds, in 8 of 10 cases.
        success: chance of it.
    """

    measures: Mapping[str, float]
    loss: float
    low: float
    high: float
    success: float


class Outlook:
    """By what trials told.

    Args:
        trials: in any order; those that tested nothing say nothing.
        brief: of the task.
        objective: with terms.
        prior: of the task; None: nothing was known before.
        kept_back: values of policies that were not allowed to be tried; the nearer to one of them a point is, the less
            is it worth to be compared, as it would not be let through either.

    Raises:
        TooFewTrialsError: without a prior, too few trials tell what the objective is about.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        brief: Brief,
        objective: Objective,
        prior: Prior | None = None,
        kept_back: Sequence[Sequence[float]] = (),
    ) -> None:
        wanted = {term.measure.name for term in objective.terms}
        self.brief, self.objective, self.explored = brief, objective, Explored(brief.space)
        self._kept_back = [self.explored.point(values) for values in kept_back]
        told = Told.of(trials, brief)
        known = {} if prior is None else prior.measures
        self.processes: dict[str, Process] = {}
        otherwise = told.failed_otherwise.copy()
        risky = [part for risk in brief.risks for part in risk.parts]
        strange = np.zeros(len(otherwise), dtype=bool)
        for measure in brief.modelled:
            name, values, there = measure.name, told.values[measure.name], told.telling[measure.name]
            if name not in wanted and not any(measure.margins) and measure not in risky:
                continue
            if name in known:
                before = known[name]
                background = Background(before.mean, before.noise, before.scale, before.changes)
            elif there.sum() >= FEWEST:
                background = Background.alone(values[there])
            else:
                continue
            self.processes[name] = Process(background, told.points[there], values[there])
            odd = np.zeros(len(values), dtype=bool)
            odd[there] = self.processes[name].surprise > np.where(told.failed[there], ODD_FAILURE, ODD_SUCCESS)
            if odd.any():
                # Another kind of hit, as by the racket's edge: it says nothing of what a clean one comes to.
                otherwise |= odd
                strange |= odd & ~told.failed
                clean = there & ~odd
                self.processes[name] = Process(background, told.points[clean], values[clean])
        if not wanted <= self.processes.keys():
            raise TooFewTrialsError(f'too few of {len(trials)} trials tell what the objective is about')
        tested = [position for position, trial in enumerate(trials) if trial.tested]
        self.strange = tuple(position for position, odd in zip(tested, strange.tolist(), strict=True) if odd)
        """Positions of the trials that succeeded, but by another kind of hit than all others say; they hardly count."""
        self.chance = Chance(told.points, otherwise, None if prior is None else prior.chance)
        self.measures: tuple[Measure, ...] = tuple(
            each for each in brief.modelled if each.name in self.processes
        )
        self._draws = _draws(self._correlation(prior))

    def _correlation(self, prior: Prior | None) -> Array:
        if prior is None:
            return np.eye(len(self.measures))
        order = list(prior.measures)
        rows = [order.index(each.name) if each.name in order else -1 for each in self.measures]
        found = prior.correlation[np.ix_(rows, rows)].copy()
        found[[row < 0 for row in rows], :] = 0.0
        found[:, [row < 0 for row in rows]] = 0.0
        np.fill_diagonal(found, 1.0)
        return found

    def losses(self, points: Array) -> Array:
        """(k,) expected at (k, d) points with `CAUTION`, what is not known of the measures included."""
        predicted = [self.processes[each.name].predict(points) for each in self.measures]
        moments = [(mean, CAUTION**2 * (doubt + noise)) for mean, doubt, noise in predicted]
        return self._allowed(points, self._losses(points, moments))

    def draw(self, generator: np.random.Generator) -> Callable[[Array], Array]:
        """The expected loss of (k, d) points as it may truly be: one drawn from what is held possible."""
        functions = [self.processes[each.name].draw(generator) for each in self.measures]

        def losses(points: Array) -> Array:
            noise = [self.processes[each.name].noise(points) for each in self.measures]
            pairs = [
                (function(points), CAUTION**2 * spread)
                for function, spread in zip(functions, noise, strict=True)
            ]
            return self._allowed(points, self._losses(points, pairs))

        return losses

    def expected(self, point: Array) -> Expected:
        """Of a trial at a point (d,)."""
        points = point[None, :]
        predicted = [self.processes[each.name].predict(points) for each in self.measures]
        moments = [(mean, doubt + noise) for mean, doubt, noise in predicted]
        distance, good = self._played(moments, LUCK)
        chance = float(self.chance(points)[0])
        low, high = np.quantile(distance[0][good[0]], (0.1, 0.9)) if good.any() else (np.nan, np.nan)
        return Expected(
            measures={each.name: float(mean[0]) for each, (mean, _, _) in zip(self.measures, predicted, strict=True)},
            loss=float(self._losses(points, moments, LUCK)[0]),
            low=float(low), high=float(high), success=chance * float(good.mean()),
        )  # fmt: skip

    def _losses(
        self, points: Array, moments: Sequence[tuple[Array, Array]], share: float = PLANNED
    ) -> Array:
        distance, good = self._played(moments, share)
        chance = self.chance(points)
        kept = np.where(good, np.minimum(distance, 2.0 * FAILED_LOSS), FAILED_LOSS).mean(axis=1)
        return np.asarray(chance * kept + (1.0 - chance) * FAILED_LOSS)

    def _allowed(self, points: Array, losses: Array) -> Array:
        """(k,) losses of points that are compared: what is kept from being tried brings nothing."""
        for point in self._kept_back:
            near = np.exp(-0.5 * ((points - point) ** 2).mean(axis=1) / KEPT_AWAY**2)
            losses = losses + near * np.maximum(FAILED_LOSS - losses, 0.0)
        return losses

    def _played(
        self, moments: Sequence[tuple[Array, Array]], share: float
    ) -> tuple[Array, NDArray[np.bool_]]:
        """(k, draws) distances, and whether all measures are within their ranges."""
        gaps: Array | float = 0.0
        away: list[Array | float] = [0.0] * len(self.brief.risks)
        good: NDArray[np.bool_] = np.ones((len(moments[0][0]), len(self._draws)), dtype=bool)
        for column, (measure, (mean, variance)) in enumerate(zip(self.measures, moments, strict=True)):
            values = mean[:, None] + np.sqrt(variance)[:, None] * self._draws[:, column]
            low, high = edges(measure, share)
            good &= (values > low) & (values < high)
            for index, risk in enumerate(self.brief.risks):
                if measure in risk.parts:
                    away[index] = away[index] + values**2
            for term in self.objective.terms:
                if term.measure.name == measure.name:
                    lowest, highest = term.interval
                    missing = np.maximum(values - highest, 0.0) + np.maximum(lowest - values, 0.0)
                    gaps = gaps + (term.weight * measure.weight * missing) ** 2
        for squares, risk in zip(away, self.brief.risks, strict=True):
            good &= squares <= risk.limit**2
        return np.sqrt(gaps), good


def _draws(correlation: Array) -> Array:
    """(`DRAWS`, m) draws that correlate so, with heavy tails: those of a lattice, each with its opposite.

    Student's distribution of variance 1: normal, and all measures of a draw stretched by one factor.
    """
    size = len(correlation) + 1
    # Roberts' additive recurrence: powers of the root of g ** (size + 1) = g + 1 spread evenly in any dimension.
    root = 2.0
    for _ in range(40):
        root = (1.0 + root) ** (1.0 / (size + 1))
    steps = root ** -np.arange(1.0, size + 1.0)
    uniform = (0.5 + np.arange(1, DRAWS // 2 + 1)[:, None] * steps) % 1.0
    normal = ndtri(np.clip(uniform[:, 1:], 1e-4, 1.0 - 1e-4)) @ np.linalg.cholesky(correlation).T
    stretched = normal * np.sqrt((TAILS - 2.0) / chdtri(TAILS, uniform[:, :1]))
    return np.vstack((stretched, -stretched))
