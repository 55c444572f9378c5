"""Any minimizer as a method: trials become points and errors, its next point becomes a proposal."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric import words
from llm_policy_improver.methods.numeric.minimizers.protocol import Minimizer, Observations
from llm_policy_improver.methods.numeric.untried import DRAWS, require_terms, untried

Array = NDArray[np.float64]

FAILED_LOSS: Final = 3.0
"""Loss of a trial that did not succeed: beyond any distance between two landings. It must not depend on the trials, as
what a minimizer was told of one must stay true."""

EVASION: Final = 0.02
"""Largest change of a coordinate of the cube, of half width 1, that keeps a proposal from repeating a trial."""


def _errors(trial: Trial, objective: Objective) -> list[float]:
    """Signed gaps of the terms, weighted; NaN where the trial cannot be measured."""
    errors = []
    for term in objective.terms:
        value = trial.measures.get(term.measure.name) if trial.succeeded else None
        low, high = term.target
        gap = np.nan if value is None else max(value - high, 0.0) - max(low - value, 0.0)
        errors.append(term.weight * term.measure.weight * gap)
    return errors


def own_trials(
    history: Sequence[Trial], earlier: Sequence[Proposal], name: str, space: ParameterSpace
) -> list[Trial]:
    """The trials that the method of this name proposed, oldest first.

    A trial with the version of the one before was proposed by nobody: the loop kept the last policy for want of a
    proposal.
    """
    aligned = min(len(earlier), len(history))
    first = len(history) - aligned
    own = []
    for position, proposal in enumerate(earlier[len(earlier) - aligned :], start=first):
        trial = history[position]
        before = history[position - 1] if position else None
        repeated = before is not None and (space.values(trial), trial.version) == (
            space.values(before),
            before.version,
        )
        if proposal.proposed_by == name and not repeated:
            own.append(trial)
    return own


def observations(
    history: Sequence[Trial], own: Sequence[Trial], objective: Objective, space: ParameterSpace
) -> Observations:
    """The trials as a minimizer takes them, its own ones last.

    Trials that tested nothing are left out, and those of earlier runs with wider bounds, outside of these.
    """
    ours = {id(trial) for trial in own}
    usable = [trial for trial in history if trial.tested and space.contains(trial)]
    ordered = sorted(usable, key=lambda trial: id(trial) in ours)
    points = [space.unit(trial) for trial in ordered]
    errors = [_errors(trial, objective) for trial in ordered]
    return Observations.of(
        np.array(points).reshape(len(ordered), space.dimension),
        np.array(errors).reshape(len(ordered), len(objective.terms)),
        own=sum(id(trial) in ours for trial in ordered),
        failed_loss=FAILED_LOSS,
    )


class NumericMethod:
    """Proposes what a minimizer asks for; the same history always gives the same answer.

    Args:
        minimizer: any, e.g. one of `methods.registry.MINIMIZERS`.
        brief: of the task.
        seed: of the small steps away from what was tried.
    """

    def __init__(self, minimizer: Minimizer, brief: Brief, seed: int = 0) -> None:
        self.minimizer = minimizer
        self.brief = brief
        self.seed = seed

    @property
    def name(self) -> str:
        """The minimizer's."""
        return self.minimizer.name

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The policy that the minimizer asks for, moved a little where it was tried before.

        Raises:
            ProposalError: the objective has no measure, or the bounds leave no room for anything untried.
        """
        require_terms(objective, self.name)
        space = self.brief.space
        seen = observations(history, own_trials(history, earlier, self.name, space), objective, space)
        asked = self.minimizer.ask(seen)
        generator = np.random.default_rng((self.seed, len(history)))
        moved = generator.uniform(-EVASION, EVASION, (DRAWS, space.dimension))
        points = np.clip(np.vstack([asked, asked + moved]), -1.0, 1.0)
        values, evaded = untried(points, history, space, self.name)
        best = objective.best(history)
        summary = words.no_success(history) if best is None else words.summary(history, objective)
        reason = f'{self.name}: {self.minimizer.step}'
        if evaded:
            reason += ', moved a little as it was tried before'
        distance = None if best is None else objective.distance(best)
        if best is None or distance is None:
            reason += '; no trial could be measured yet.'
        else:
            changed = ', '.join(words.changes(best, values, space, 3))
            reason += (
                f'; from the best trial, {distance:.3f} from the objective, it changes mostly {changed}.'
            )
        return Proposal(space.at(values), self.name, summary, synthesis=reason, reason=reason)
