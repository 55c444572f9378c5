"""The hybrid: a language model proposes, a model fitted to the trials screens what it says.

What is clearly worse than the best candidate is replaced, what only needs better arithmetic is refined, the rest
passes. Each does what it is good at: the language model reads the person's words and knows where to look, before a
regression does and where it is wrong; the regression says exactly how far to go. Where trials are noisy the landing
model screens in place of a regression, and only against its own first candidate: it has said already how far to go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.method import Method, ProposalError, Recommender
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import Place
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric import words
from llm_policy_improver.methods.numeric.aim_search import AimSearch
from llm_policy_improver.methods.numeric.effect_model import EffectModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.landing.bayesian import memos
from llm_policy_improver.methods.numeric.trust_region import trust_radius
from llm_policy_improver.methods.numeric.untried import untried
from llm_policy_improver.methods.sas import sas
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.methods.setup import MethodSetup

Array = NDArray[np.float64]

SCREEN: Final = 'screen'
"""Name of its findings."""

ROUNDS: Final = 6
DRAWN: Final = 100
"""Candidates: so many a round, each round around the best candidates of the round before."""

ELITE: Final = 5
"""Of a round's candidates, those that the next round is drawn around."""

NARROWING: Final = 0.5
"""Width of a round beside that of the one before."""

REFINEMENT: Final = 0.25
"""Largest change of a coordinate of the cube, of half width 1, that refines a proposal and does not replace it."""

SURE: Final = 0.95
"""Chance, by the landing model, that its own candidate is better, from which on it replaces a proposal."""

WORTHWHILE: Final = 0.01
"""The least predicted gain for which a proposal is refined."""


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """What the trials so far say of a policy that was not tried.

    Attributes:
        model: predicts the measures.
        search: the cost of a point of the cube, margins included.
        objective: with terms.
        radius: of the trust region around the best trial.
    """

    model: EffectModel
    search: AimSearch
    objective: Objective
    radius: float

    @classmethod
    def fit(cls, history: Sequence[Trial], objective: Objective, best: Trial, brief: Brief) -> 'Screen':
        """Fit to all trials.

        Raises:
            TooFewTrialsError: too few tell enough.
        """
        model = EffectModel.fit(history, brief, objective, best)
        search = AimSearch.near(best, history, model, objective)
        return cls(model, search, objective, trust_radius(history, objective, brief.space))

    def gap(self, place: Place) -> tuple[float, float]:
        """Predicted distance to the objective there, and its standard error."""
        predicted, spread = self.model.predict(place), self.model.spread(place)
        errors, doubts = [], []
        for term in self.objective.terms:
            name, (low, high) = term.measure.name, term.target
            if name in predicted:
                weight = term.weight * term.measure.weight
                errors.append(weight * (max(predicted[name] - high, 0.0) - max(low - predicted[name], 0.0)))
                doubts.append(weight * spread[name])
        return float(np.linalg.norm(errors)), float(np.linalg.norm(doubts))

    def failure(self, place: Place) -> str:
        """How the trial is predicted to fail, as a clause; empty where it is not."""
        predicted = self.model.predict(place)
        for measure in self.model.brief.planned:
            value = predicted.get(measure.name)
            below, above = measure.margins
            if value is not None and ((below and value < measure.low) or (above and value > measure.high)):
                return f'to fail, with {measure.column} at {value:.2f} {measure.unit}'
        return ''

    def ranked(self, centre: Array, radius: float, generator: np.random.Generator) -> Array:
        """Random points (m, n) within ``radius`` of ``centre``, a coordinate, least costly first."""
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


Advises = Callable[[Sequence[Trial], Objective, Sequence[Proposal]], Advice | None]
"""From trials, objective and earlier proposals."""


class Hybrid:
    """Another method proposes, a model fitted to the trials screens what it says.

    Args:
        proposer: who proposes, e.g. `methods.sas.sas.SasPrompt`.
        model: name of the language model that it asks.
        brief: of the task.
        seed: of the candidates that a proposal is compared with.
        advice: of the landing model before a step, which gives none where trials are not noisy.
    """

    def __init__(
        self,
        proposer: Method,
        model: str,
        brief: Brief,
        seed: int = 0,
        advice: Advises = lambda history, objective, earlier: None,
    ) -> None:
        self.proposer = proposer
        self.brief = brief
        self.seed = seed
        self._model = model
        self._advice = advice

    @property
    def name(self) -> str:
        """``'hybrid:'`` and the language model's name."""
        return f'hybrid:{self._model}'

    def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal | None:
        """What the proposer says to keep, where it says anything."""
        if not isinstance(self.proposer, Recommender):
            return None
        return self.proposer.recommend(history, objective, earlier)

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The proposer's policy, passed, refined or replaced; a finding says which, and why.

        Raises:
            ProposalError: the proposer gave nothing usable.
        """
        proposal = replace(self.proposer.propose(history, objective, earlier), proposed_by=self.name)
        best = objective.best(history)
        if not objective.measurable:
            return _judged(proposal, 'not screened: the objective has no measure')
        if best is None:
            return _judged(proposal, 'not screened: no trial can be measured yet')
        try:
            if (advice := self._advice(history, objective, earlier)) is not None:
                return self._by_landing_model(proposal, advice)
            return self._screened(proposal, Screen.fit(history, objective, best, self.brief), history)
        except (TooFewTrialsError, ProposalError) as error:
            return _judged(proposal, f'not screened: {error}')
        except Exception as error:
            # The proposal may have cost minutes and money: a fault in judging it must not throw it away.
            return _judged(proposal, f'not screened: internal error, {type(error).__name__}: {error}')

    def _by_landing_model(self, proposal: Proposal, advice: Advice) -> Proposal:
        space, values = self.brief.space, self.brief.space.values(proposal)
        if not advice.candidates or advice.candidate(values) is not None:
            return _judged(proposal, 'passed, as a candidate of the landing model')
        first, loss = advice.candidates[0], advice.expected(values).loss
        chance = advice.chance_better(first.values, values)
        why = f'candidate {first.letter} is better with {chance:.0%}: loss {first.expected.loss:.2f}, not {loss:.2f}'
        if chance < SURE:
            return _judged(proposal, f'passed: {why}')
        changed = _judged(proposal.at(space.at(first.values)), f'replaced: {why}', changed=True)
        return replace(changed, expected=first.expected.measures, memos=memos(first.expected))

    def _screened(self, proposal: Proposal, screen: Screen, history: Sequence[Trial]) -> Proposal:
        space = self.brief.space
        generator, asked = np.random.default_rng((self.seed, len(history))), space.values(proposal)
        gap, spread = screen.gap(asked)
        failure = screen.failure(asked)
        why = f'as the proposal is predicted {failure or _text(gap, spread)}'
        # The proposer's own region first: what only needs better arithmetic is not thrown away.
        refined = self._least_costly(screen, space.unit(asked), REFINEMENT, generator, history)
        refined_gap, refined_spread = screen.gap(refined)
        other = self._least_costly(screen, screen.search.best, screen.radius, generator, history)
        other_gap, other_spread = screen.gap(other)
        # Worse beyond the doubt in both predictions, one standard error of each; where the proposal is not to
        # be tried as it is, its region must be the better one with all doubt against it.
        margin = -refined_spread if not failure else refined_spread
        if screen.failure(refined) or refined_gap + margin > other_gap + other_spread:
            predicted = f'predicted {_text(other_gap, other_spread)}'
            said = f'replaced by the best candidate near the best trial ({predicted}), {why}'
            return _judged(proposal.at(space.at(other)), said, changed=True)
        if failure or gap - refined_gap > WORTHWHILE:
            changed = ', '.join(words.changes(asked, refined, space, 3))
            said = f'refined by the fitted model ({changed}; predicted {_text(refined_gap, refined_spread)}), {why}'
            return _judged(proposal.at(space.at(refined)), said, changed=True)
        return _judged(proposal, f'passed, {why}')

    def _least_costly(
        self,
        screen: Screen,
        centre: Array,
        radius: float,
        generator: np.random.Generator,
        history: Sequence[Trial],
    ) -> tuple[float, ...]:
        return untried(screen.ranked(centre, radius, generator), history, self.brief.space, self.name)[0]


def make(setup: MethodSetup) -> Hybrid:
    """As registered: SAS-Prompt proposes."""
    proposer = sas.make(setup)
    return Hybrid(proposer, setup.model.model, setup.brief, setup.seed, proposer.advice)


def _text(gap: float, spread: float) -> str:
    return f'{gap:.2f} ± {spread:.2f} from the objective'


def _judged(proposal: Proposal, said: str, changed: bool = False) -> Proposal:
    """With the screen's finding beside the proposer's own; what was expected holds no more where it changed."""
    judged = replace(proposal, findings=(*proposal.findings, Finding(SCREEN, said, changed=changed)))
    if not changed:
        return judged
    return replace(judged, expected={}, reason=f'{proposal.reason} The proposal was {said}.')
