"""The numeric method for noisy trials: what all of them tell of the measures, and the policy of least loss by that.

A prior from simulated trials, where there is one, and Gaussian processes of what real trials correct of it; failures
count as a loss, with their chance. Proposals are by turns what is best in one world of all that the trials leave
possible, drawn by its probability (Thompson 1933), and what is best on the whole.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.method import Prospect
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric import words
from llm_policy_improver.methods.numeric.effect_model import TooFewTrialsError
from llm_policy_improver.methods.numeric.landing.left import left_to_gain
from llm_policy_improver.methods.numeric.landing.outlook import Expected, Outlook
from llm_policy_improver.methods.numeric.landing.prior_source import PriorSource
from llm_policy_improver.methods.numeric.landing.search import least
from llm_policy_improver.methods.numeric.untried import DRAWS, require_terms, rounded, untried

Array = NDArray[np.float64]

NAME: Final = 'bayesian'
BOLD: Final = 12
"""Proposals of its own up to which every second one is by a drawn world; then all are by what is best on the whole."""
STARTS: Final = 6
"""Trials of least expected loss that the search begins near."""
EVASION: Final = 0.02
"""Largest change of a coordinate that keeps a proposal from repeating a trial."""

EIGHT_OF_TEN: Final = 2.563
"""Standard deviations of a normal distribution between its first and its last tenth."""


class Bayesian:
    """Proposes by expected loss; the same history always gives the same answer.

    Args:
        brief: of the task.
        seed: of what is drawn.
        prior: of the task, from simulated trials; None: nothing is known before the first trial.
    """

    def __init__(self, brief: Brief, seed: int = 0, prior: PriorSource | None = None) -> None:
        self.brief = brief
        self.seed = seed
        self._prior = prior

    @property
    def name(self) -> str:
        """``'bayesian'``."""
        return NAME

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The policy of least expected loss, or of least loss in a drawn world.

        Raises:
            ProposalError: the objective has no measure, or the bounds leave no room for anything untried.
        """
        require_terms(objective, NAME)
        space = self.brief.space
        generator = np.random.default_rng((self.seed, len(history)))
        best = objective.best(history)
        summary = words.no_success(history) if best is None else words.summary(history, objective)
        try:
            outlook = self.outlook(history, objective, earlier)
        except TooFewTrialsError as error:
            points = generator.uniform(-1.0, 1.0, (DRAWS, space.dimension))
            values, _ = untried(points, history, space, NAME)
            reason = f'A random policy within the bounds, as {error}.'
            return Proposal(space.at(values), NAME, summary, 'Too few trials to analyse.', reason, reason)
        own = sum(trial.proposed_by == NAME for trial in history)
        bold = own < BOLD and own % 2 == 0
        losses = outlook.draw(generator) if bold else outlook.losses
        found = least(losses, *box(outlook), self._starts(outlook, history), generator)
        units = [outlook.explored.unit(point) for point in found]
        units += list(
            np.clip(units[0] + generator.uniform(-EVASION, EVASION, (DRAWS, len(units[0]))), -1.0, 1.0)
        )
        values, _ = untried(units, history, space, NAME)
        expected = outlook.expected(outlook.explored.point(values))
        reason = f'{_why(bold)} It expects {told(expected, objective)}.'
        return Proposal(
            space.at(values), NAME, summary, synthesis=reason, reason=reason, expected=expected.measures,
            memos=memos(expected),
        )  # fmt: skip

    def outlook(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Outlook:
        """What is held after these trials, and after what was kept from the arm on the way.

        Raises:
            TooFewTrialsError: without a prior, too few of them tell what the objective is about.
        """
        prior = None if self._prior is None else self._prior(self.brief)
        kept_back = [self.brief.space.values(each.proposal) for made in earlier for each in made.kept_back]
        return Outlook(history, self.brief, objective, prior, kept_back)

    def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal | None:
        """What to keep: the point of least expected loss, tried or not; None where nothing can be said."""
        if not objective.measurable:
            return None
        try:
            outlook = self.outlook(history, objective, earlier)
        except TooFewTrialsError:
            return None
        generator = np.random.default_rng((self.seed, len(history)))
        point = least(outlook.losses, *box(outlook), self._starts(outlook, history), generator)[0]
        values = rounded(outlook.explored.unit(point), self.brief.space)
        expected = outlook.expected(outlook.explored.point(values))
        return Proposal(
            self.brief.space.at(values), NAME, reason=f'It expects {told(expected, objective)}.',
            expected=expected.measures, memos=memos(expected),
        )  # fmt: skip

    def prospect(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Prospect | None:
        """What is left to gain beside what is recommended; None where nothing can be said."""
        kept = self.recommend(history, objective, earlier)
        expected = Expectation.of(kept)
        if kept is None or expected is None or not expected.has_interval:
            return None
        outlook = self.outlook(history, objective, earlier)
        generator = np.random.default_rng((self.seed, len(history)))
        ends, starts = box(outlook), self._starts(outlook, history)
        gain = left_to_gain(
            outlook, outlook.explored.point(self.brief.space.values(kept)),
            np.vstack((least(outlook.losses, *ends, starts, generator), np.clip(starts, *ends))), *ends, generator,
        )  # fmt: skip
        return Prospect(gain, (expected.high - expected.low) / EIGHT_OF_TEN)

    def _starts(self, outlook: Outlook, history: Sequence[Trial]) -> Array:
        """(n, d) the tried points of least expected loss."""
        points = outlook.explored.points(history)
        if len(points) == 0:
            return np.zeros((1, self.brief.space.dimension))
        return points[np.argsort(outlook.losses(points), kind='stable')[:STARTS]]


def box(outlook: Outlook) -> tuple[Array, Array]:
    """(d,) low and high ends of what first trials explore, real and simulated ones: beyond it cubics go astray."""
    shares = np.asarray(outlook.brief.space.first_shares)
    return outlook.explored.low * shares, outlook.explored.high * shares


def _why(bold: bool) -> str:
    return (
        'Best if one of the worlds that the trials leave possible is true.'
        if bold
        else 'Least expected loss.'
    )


def told(expected: Expected, objective: Objective) -> str:
    """An expectation for people."""
    unit = objective.terms[0].measure.unit
    return (
        f'a distance of {expected.low:.2f} to {expected.high:.2f} {unit} in 8 of 10 trials that succeed, '
        f'and {expected.success:.0%} to succeed'
    )


def memos(expected: Expected) -> dict[str, str]:
    """An expectation as it is stored with a proposal."""
    return Expectation(expected.loss, expected.low, expected.high, expected.success).memos()
