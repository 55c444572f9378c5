"""The hybrid: a model fitted to the trials screens what a language model proposes.

The model draws random candidates near the best trial. A proposal that is clearly worse than the best of them is
replaced, what only needs better arithmetic is refined, the rest passes. Each does what it is good at: the language
model reads the person's words and knows where to look, before a regression does and where it is wrong; the
regression says exactly how far to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import Optimizer, Proposal, ProposalError
from llm_policy_improver.core.objective import Goal, Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.numeric import least_squares_words as words
from llm_policy_improver.methods.numeric.landing_model import LandingModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.landing_search import LandingSearch
from llm_policy_improver.methods.numeric.trust_region import trust_radius
from llm_policy_improver.methods.numeric.untried import untried
from llm_policy_improver.table_tennis.ball import table

Array = NDArray[np.float64]

ROUNDS: Final = 6
DRAWN: Final = 100
"""Candidates: so many a round, each round around the best candidates of the round before."""

ELITE: Final = 5
"""Of a round's candidates, those that the next round is drawn around."""

NARROWING: Final = 0.5
"""Width of a round beside that of the one before."""

REFINEMENT: Final = 0.25
"""Largest change of a coordinate of the cube, of half width 1, that refines a proposal and does not replace it."""

WORTHWHILE: Final = 0.01
"""m, the least predicted gain for which a proposal is refined."""


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """What the trials so far say of an attenuation that was not tried.

    Attributes:
        model: predicts the landing.
        search: the cost of a point of the cube, margins from net and edges included.
        goal: the wanted values.
        space: the bounds.
        radius: of the trust region around the best trial.
    """

    model: LandingModel
    search: LandingSearch
    goal: Goal
    space: ParameterSpace
    radius: float

    @classmethod
    def fit(
        cls,
        history: Sequence[ExecutionTrace],
        objective: Objective,
        goal: Goal,
        best: ExecutionTrace,
        space: ParameterSpace,
    ) -> 'Screen':
        """Fit to all trials.

        Raises:
            TooFewTrialsError: too few landed.
        """
        model = LandingModel.fit(history, space, best.parameters.attenuation)
        search = LandingSearch.near(best, history, model, goal)
        return cls(model, search, goal, space, trust_radius(history, objective, space))

    def gap(self, attenuation: Sequence[float]) -> tuple[float, float]:
        """Predicted distance to the goal of an attenuation (8,), and its standard error, both in m."""
        predicted, spread = self.model.predict(attenuation), self.model.spread(attenuation)
        counted = [name for name in predicted if getattr(self.goal, name) is not None]
        errors = np.array([predicted[name] - getattr(self.goal, name) for name in counted])
        return float(np.linalg.norm(errors)), float(np.linalg.norm([spread[name] for name in counted]))

    def failure(self, attenuation: Sequence[float]) -> str:
        """How the ball is predicted to miss the opponent's half, as a clause; empty where it does not."""
        predicted = self.model.predict(attenuation)
        x, y, clearance = predicted['x'], predicted['y'], predicted.get('net_clearance', 0.0)
        if clearance < 0.0:
            return f'to come {-clearance:.2f} m too low to the net'
        return '' if table.on_opponents_half(x, y) else f'to land off the table, at ({x:.2f}, {y:.2f}) m'

    def ranked(self, centre: Array, radius: float, generator: np.random.Generator) -> Array:
        """Random points (n, 8) within ``radius`` of ``centre``, a coordinate, least costly first."""
        low, high = np.maximum(centre - radius, -1.0), np.minimum(centre + radius, 1.0)
        points = generator.uniform(low, high, (DRAWN, len(centre)))
        costs = np.array([self.search.cost(point)[0] for point in points])
        width = radius
        for _ in range(ROUNDS - 1):
            width *= NARROWING
            elite = points[np.argsort(costs, kind='stable')[:ELITE]]
            around = elite[generator.integers(len(elite), size=DRAWN)]
            drawn = np.clip(around + generator.uniform(-width, width, around.shape), low, high)
            points = np.vstack([points, drawn])
            costs = np.concatenate([costs, [self.search.cost(point)[0] for point in drawn]])
        return points[np.argsort(costs, kind='stable')]


class ScreenedOptimizer:
    """The hybrid: another optimizer proposes, a model fitted to the trials screens what it says.

    Args:
        proposer: who proposes, e.g. `sas.SasPrompt`.
        space: the bounds.
        seed: of the candidates that a proposal is compared with.
    """

    def __init__(self, proposer: Optimizer, space: ParameterSpace, seed: int = 0) -> None:
        self.proposer = proposer
        self.space = space
        self.seed = seed

    @property
    def name(self) -> str:
        """``'hybrid:'`` and the language model's name, or the proposer's where it is none."""
        return f'hybrid:{self.proposer.name.removeprefix("sas:")}'

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The proposer's attenuation, passed, refined or replaced; the verdict says which, and why.

        Raises:
            ProposalError: the proposer gave nothing usable.
        """
        proposal = replace(self.proposer.propose(history, objective, earlier), proposed_by=self.name)
        best = objective.best(history)
        if objective.goal is None:
            return _judged(proposal, 'not screened: the objective has no measure')
        if best is None:
            return _judged(proposal, 'not screened: no trial can be measured yet')
        try:
            screen = Screen.fit(history, objective, objective.goal, best, self.space)
            return self._screened(proposal, screen, history)
        except (TooFewTrialsError, ProposalError) as error:
            return _judged(proposal, f'not screened: {error}')
        except Exception as error:
            # The proposal may have cost minutes and money: a fault in judging it must not throw it away.
            return _judged(proposal, f'not screened: internal error, {type(error).__name__}: {error}')

    def _screened(self, proposal: Proposal, screen: Screen, history: Sequence[ExecutionTrace]) -> Proposal:
        generator, asked = np.random.default_rng((self.seed, len(history))), proposal.attenuation
        gap, spread = screen.gap(asked)
        failure = screen.failure(asked)
        why = f'as the proposal is predicted {failure or _metres(gap, spread)}'
        # The proposer's own region first: what only needs better arithmetic is not thrown away.
        refined = self._least_costly(screen, self.space.unit(asked), REFINEMENT, generator, history)
        refined_gap, refined_spread = screen.gap(refined)
        other = self._least_costly(screen, screen.search.best, screen.radius, generator, history)
        other_gap, other_spread = screen.gap(other)
        # Worse beyond the doubt in both predictions, one standard error of each; where the proposal is not to
        # be tried as it is, its region must be the better one with all doubt against it.
        margin = -refined_spread if not failure else refined_spread
        if screen.failure(refined) or refined_gap + margin > other_gap + other_spread:
            predicted = f'predicted {_metres(other_gap, other_spread)}'
            verdict = f'replaced by the best candidate near the best trial ({predicted}), {why}'
            return _judged(replace(proposal, attenuation=other), verdict)
        if failure or gap - refined_gap > WORTHWHILE:
            predicted = f'{_changes(asked, refined)}; predicted {_metres(refined_gap, refined_spread)}'
            verdict = f'refined by the fitted model ({predicted}), {why}'
            return _judged(replace(proposal, attenuation=refined), verdict)
        return _judged(proposal, f'passed, {why}')

    def _least_costly(
        self,
        screen: Screen,
        centre: Array,
        radius: float,
        generator: np.random.Generator,
        history: Sequence[ExecutionTrace],
    ) -> tuple[float, ...]:
        return untried(screen.ranked(centre, radius, generator), history, self.space, self.name)[0]


def _metres(gap: float, spread: float) -> str:
    return f'{gap:.2f} ± {spread:.2f} m from the goal'


def _changes(before: Sequence[float], after: Sequence[float], top: int = 3) -> str:
    order = sorted(range(len(before)), key=lambda i: -abs(after[i] - before[i]))[:top]
    return ', '.join(f'{words.label(i)} {before[i]:.2f} to {after[i]:.2f}' for i in order)


def _judged(proposal: Proposal, verdict: str) -> Proposal:
    """With the screen's verdict beside the proposer's own; the reason tells it too where it changed something."""
    said = f'screen: {verdict}'
    changed = verdict.startswith(('refined', 'replaced'))
    return replace(
        proposal,
        verdict=f'{proposal.verdict}; {said}' if proposal.verdict else said,
        reason=f'{proposal.reason} The proposal was {verdict}.' if changed else proposal.reason,
    )
