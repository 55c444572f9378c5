"""The numeric proposer: the three steps of SAS-Prompt by regression within a trust region. No language model.

It summarises the trials, analyses what each parameter does by ridge regression, and synthesises the
attenuation whose predicted landing is nearest to the goal, not too far from the best trial. It answers in
the same form as a language model does, serves as the fallback where one fails, and is a baseline.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import NEUTRAL_ATTENUATION, ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace, Outcome
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.numeric import least_squares_words as words
from llm_policy_improver.methods.numeric.landing_model import LandingModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.landing_search import LandingSearch
from llm_policy_improver.methods.numeric.trust_region import trust_radius
from llm_policy_improver.methods.numeric.untried import DRAWS, measured_goal, rounded, untried

NAME: Final = 'least_squares'

EXPLORATION: Final = 0.25
"""Radius, in the unit cube's scaling, of a random step while too few trials landed for a model."""

NEARNESS: Final[tuple[Outcome, ...]] = (Outcome.LANDED, Outcome.OUT, Outcome.NET, Outcome.OWN_SIDE)
"""Outcomes of a hit, the one nearest to a good return first; all others are worse and alike."""


def _rank(trace: ExecutionTrace) -> int:
    return NEARNESS.index(trace.outcome) if trace.outcome in NEARNESS else len(NEARNESS)


class LeastSquares:
    """Proposes by regression; the same history always gives the same answer.

    Args:
        space: the bounds.
        seed: of the small random steps where there is nothing to regress on.
    """

    def __init__(self, space: ParameterSpace, seed: int = 0) -> None:
        self.space = space
        self.seed = seed

    @property
    def name(self) -> str:
        """``'least_squares'``."""
        return NAME

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The attenuation whose predicted landing is nearest to the goal.

        Raises:
            ProposalError: the objective has no measure, or the bounds leave no room for anything untried.
        """
        goal = measured_goal(objective, NAME)
        best = objective.best(history)
        if best is None:
            return self._towards_a_return(history)
        generator = self._generator(history)
        summary = words.summary(history, objective)
        try:
            model = LandingModel.fit(history, self.space, best.parameters.attenuation)
        except TooFewTrialsError as error:
            attenuation = self._near(best.parameters.attenuation, history, generator)
            reason = f'A small random step from the best trial, as only {error}.'
            return Proposal(attenuation, NAME, summary, 'Too few landings to analyse.', reason, reason)
        radius = trust_radius(history, objective, self.space)
        search = LandingSearch.near(best, history, model, goal)
        attenuation = rounded(search.minimum(radius), self.space)
        explored = not check(attenuation, history, self.space).accepted
        if explored:
            # The best prediction was tried already: a neighbour of it teaches more than a repetition.
            attenuation = self._untried(lambda: search.surprise(0.5 * radius, generator), history)
        proposal = Proposal(attenuation, NAME, summary, words.analysis(model))
        synthesis, reason = words.synthesis(model, objective, best, attenuation, radius, explored)
        return replace(proposal, synthesis=synthesis, reason=reason)

    def _generator(self, history: Sequence[ExecutionTrace]) -> np.random.Generator:
        return np.random.default_rng((self.seed, len(history)))

    def _untried(
        self, draw: Callable[[], NDArray[np.float64]], history: Sequence[ExecutionTrace]
    ) -> tuple[float, ...]:
        points = (draw() for _ in range(DRAWS))
        return untried(points, history, self.space, NAME, 'near the best trial')[0]

    def _near(
        self, centre: Sequence[float], history: Sequence[ExecutionTrace], generator: np.random.Generator
    ) -> tuple[float, ...]:
        unit, size = self.space.unit(centre), self.space.dimension
        return self._untried(
            lambda: np.clip(unit + generator.uniform(-EXPLORATION, EXPLORATION, size), -1.0, 1.0), history
        )

    def _towards_a_return(self, history: Sequence[ExecutionTrace]) -> Proposal:
        summary = words.no_return(history)
        if check(NEUTRAL_ATTENUATION, history, self.space).accepted:
            reason = "No trial landed on the opponent's half yet, so the unchanged controller is tried."
            return Proposal(NEUTRAL_ATTENUATION, NAME, summary, '', reason, reason)
        nearest = min(history, key=_rank)
        # Half way back to the unchanged controller, which is the safest known place.
        centre = (np.asarray(nearest.parameters.attenuation) + 1.0) / 2.0
        attenuation = self._near(tuple(centre), history, self._generator(history))
        reason = (
            f'No trial landed yet: between the unchanged controller and the trial that came nearest '
            f'(outcome {nearest.outcome}), with a small random step.'
        )
        return Proposal(attenuation, NAME, summary, '', reason, reason)
