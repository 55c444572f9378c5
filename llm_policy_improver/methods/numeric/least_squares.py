"""The numeric method: the three steps of SAS-Prompt by regression within a trust region. No language model.

It summarises the trials, analyses what each parameter does by ridge regression, and synthesises the policy whose
predicted measures are nearest to the objective, not too far from the best trial. It answers in the same form as a
language model does, serves as the fallback where one fails, and is a baseline.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.numeric import words
from llm_policy_improver.methods.numeric.aim_search import AimSearch
from llm_policy_improver.methods.numeric.effect_model import EffectModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.trust_region import trust_radius
from llm_policy_improver.methods.numeric.untried import DRAWS, require_terms, rounded, untried

NAME: Final = 'least_squares'

EXPLORATION: Final = 0.25
"""Radius, in the unit cube's scaling, of a random step while too few trials tell enough for a model."""


class LeastSquares:
    """Proposes by regression; the same history always gives the same answer.

    Args:
        brief: of the task.
        seed: of the small random steps where there is nothing to regress on.
    """

    def __init__(self, brief: Brief, seed: int = 0) -> None:
        self.brief = brief
        self.seed = seed

    @property
    def name(self) -> str:
        """``'least_squares'``."""
        return NAME

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The policy whose predicted measures are nearest to the objective.

        Raises:
            ProposalError: the objective has no measure, or the bounds leave no room for anything untried.
        """
        require_terms(objective, NAME)
        space, best = self.brief.space, objective.best(history)
        if best is None:
            return self._towards_a_success(history)
        generator = self._generator(history)
        summary = words.summary(history, objective)
        try:
            model = EffectModel.fit(history, self.brief, objective, best)
        except TooFewTrialsError as error:
            values = self._near(space.values(best), history, generator)
            reason = f'A small random step from the best trial, as only {error}.'
            return Proposal(space.at(values), NAME, summary, 'Too few trials to analyse.', reason, reason)
        radius = trust_radius(history, objective, space)
        search = AimSearch.near(best, history, model, objective)
        values = rounded(search.minimum(radius), space)
        explored = not check(values, history, space).accepted
        if explored:
            # The best prediction was tried already: a neighbour of it teaches more than a repetition.
            values = self._untried(lambda: search.surprise(0.5 * radius, generator), history)
        synthesis, reason = words.synthesis(model, objective, best, values, radius, explored)
        return Proposal(
            space.at(values),
            NAME,
            summary,
            words.analysis(model),
            synthesis,
            reason,
            expected=model.predict(values),
        )

    def _generator(self, history: Sequence[Trial]) -> np.random.Generator:
        return np.random.default_rng((self.seed, len(history)))

    def _untried(
        self, draw: Callable[[], NDArray[np.float64]], history: Sequence[Trial]
    ) -> tuple[float, ...]:
        points = (draw() for _ in range(DRAWS))
        return untried(points, history, self.brief.space, NAME, 'near the best trial')[0]

    def _near(
        self, centre: Sequence[float], history: Sequence[Trial], generator: np.random.Generator
    ) -> tuple[float, ...]:
        unit, size = self.brief.space.unit(centre), self.brief.space.dimension
        return self._untried(
            lambda: np.clip(unit + generator.uniform(-EXPLORATION, EXPLORATION, size), -1.0, 1.0), history
        )

    def _towards_a_success(self, history: Sequence[Trial]) -> Proposal:
        space, summary = self.brief.space, words.no_success(history)
        neutral = space.values(space.neutral)
        if check(neutral, history, space).accepted:
            reason = 'No trial succeeded yet, so the policy that changes nothing is tried.'
            return Proposal(space.neutral, NAME, summary, '', reason, reason)
        nearest = min(history, key=self._rank)
        # Half way back to the neutral policy, which is the safest known place.
        centre = (np.asarray(space.values(nearest)) + np.asarray(neutral)) / 2.0
        values = self._near(tuple(centre), history, self._generator(history))
        reason = (
            f'No trial succeeded yet: between the policy that changes nothing and the trial that came nearest '
            f'(outcome {nearest.outcome}), with a small random step.'
        )
        return Proposal(space.at(values), NAME, summary, '', reason, reason)

    def _rank(self, trial: Trial) -> int:
        """How far its outcome is from success."""
        known = self.brief.outcomes
        return known.index(trial.outcome) if trial.outcome in known else len(known)
