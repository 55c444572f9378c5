"""The numeric method for many parameters: Gaussian processes of the measures within a trust region. No language model.

Like `least_squares` it summarises, analyses and synthesises; but its regressions know what they do not know, and
proposed is what may well come nearest to the objective (the miss left a standard deviation below the expected one)
with the least missing of the margins by expectation. Values that no fit of the others explains are left out: else a
single ball off the racket's edge ends the progress around it. Steps are scaled to the range that first trials explore.
Every other proposal leaves the parameters alone whose first trials explore a smaller share of their range: what the
others can reach by themselves is found with fewer trials. With few parameters `least_squares` is as good, and simpler.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.numeric import words
from llm_policy_improver.methods.numeric.effect_model import TooFewTrialsError
from llm_policy_improver.methods.numeric.explored import Explored
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.numeric.loss_search import LossSearch
from llm_policy_improver.methods.numeric.process_model import ProcessModel
from llm_policy_improver.methods.numeric.trust_region import radius_after
from llm_policy_improver.methods.numeric.untried import DRAWS, require_terms, rounded, untried

NAME: Final = 'gaussian_process'

SMALLEST: Final = 0.2
"""Radius of the trust region below which failures do not shrink it: shorter steps tell of roughness alone."""

WIDENING: Final = 1.1
"""Factor on the radius of a random step after each that leads to what was tried before."""


class GaussianProcess:
    """Proposes by confidence bounds; the same history always gives the same answer.

    Args:
        brief: of the task.
        seed: of the small random steps where the best prediction was tried already.
    """

    def __init__(self, brief: Brief, seed: int = 0) -> None:
        self.brief = brief
        self.seed = seed

    @property
    def name(self) -> str:
        """``'gaussian_process'``."""
        return NAME

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The policy of least loss; as `LeastSquares` does while too few trials tell anything.

        Raises:
            ProposalError: the objective has no measure, or the bounds leave no room for anything untried.
        """
        require_terms(objective, NAME)
        space, best = self.brief.space, objective.best(history)
        try:
            if best is None:
                raise TooFewTrialsError('no trial succeeded')
            model = ProcessModel.fit(history, self.brief, objective, best)
        except TooFewTrialsError:
            started = LeastSquares(self.brief, self.seed).propose(history, objective, earlier)
            return replace(started, proposed_by=NAME)
        radius = self._radius(history, objective)
        search = LossSearch.near(best, history, model, objective)
        point = search.minimum(radius, self._kept(model, history))
        values = rounded(model.explored.unit(point), space)
        explored = not check(values, history, space).accepted
        if explored:
            # The best prediction was tried already: a neighbour of it teaches more than a repetition.
            points = self._beside(search, radius, history)
            values = untried(points, history, space, NAME, 'near the best trial')[0]
        synthesis, reason = words.synthesis(model, objective, best, values, radius, explored)
        return Proposal(
            space.at(values), NAME, words.summary(history, objective), words.analysis(model), synthesis, reason,
            expected=model.predict(values),
        )  # fmt: skip

    def _kept(self, model: ProcessModel, history: Sequence[Trial]) -> NDArray[np.bool_]:
        """(d,) parameters left as in the best trial: every other time all but those of the largest first share."""
        groups, aimed = model.explored.groups, sum(trial.proposed_by != INITIAL for trial in history)
        return np.asarray((groups > 0) & (aimed % 2 == 0))

    def _beside(
        self, search: LossSearch, radius: float, history: Sequence[Trial]
    ) -> Iterator[NDArray[np.float64]]:
        """Points of the cube near the best trial, ever further from it."""
        generator = np.random.default_rng((self.seed, len(history)))
        for number in range(DRAWS):
            yield search.model.explored.unit(search.surprise(0.5 * radius * WIDENING**number, generator))

    def _radius(self, history: Sequence[Trial], objective: Objective) -> float:
        """Of the trust region, in the explored coordinates."""
        distances = [objective.distance(trial) for trial in history]
        losses = np.array([np.inf if distance is None else distance for distance in distances])
        aimed = [trial.proposed_by != INITIAL for trial in history]
        return radius_after(Explored(self.brief.space).points(history), losses, aimed, smallest=SMALLEST)
