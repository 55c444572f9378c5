"""Any minimizer as an optimizer: trials become points and errors, its next point becomes a proposal."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import Goal, Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.numeric import least_squares_words as words
from llm_policy_improver.methods.numeric.minimizers.protocol import Minimizer, Observations
from llm_policy_improver.methods.numeric.untried import DRAWS, measured_goal, untried
from llm_policy_improver.methods.rules import UNTRIED

Array = NDArray[np.float64]

FAILED_LOSS: Final = 3.0
"""m, loss of a trial without a good return: beyond any distance between two landings. It must not depend on
the trials, as what a minimizer was told of one must stay true."""

EVASION: Final = 0.02
"""Largest change of a coordinate of the cube, of half width 1, that keeps a proposal from repeating a trial."""


def _errors(trace: ExecutionTrace, goal: Goal) -> list[float]:
    """Signed errors of the quantities that count, m; NaN where the trial cannot be measured."""
    x, y = (trace.landing.x, trace.landing.y) if trace.landed and trace.landing else (None, None)
    pairs = (
        (x, goal.x),
        (y, goal.y),
        (trace.peak_height, goal.peak_height),
        (trace.net_clearance, goal.net_clearance),
    )
    return [
        np.nan if value is None or not trace.landed else value - wanted
        for value, wanted in pairs
        if wanted is not None
    ]


def own_trials(
    history: Sequence[ExecutionTrace], earlier: Sequence[Proposal], name: str
) -> list[ExecutionTrace]:
    """The trials that the optimizer of this name proposed, oldest first.

    A trial with the parameters of the one before, as its version tells, was proposed by nobody: the loop kept
    the last ones for want of a proposal.
    """
    aligned = min(len(earlier), len(history))
    first = len(history) - aligned
    own = []
    for position, proposal in enumerate(earlier[len(earlier) - aligned :], start=first):
        trace = history[position]
        before = history[position - 1].parameters if position else None
        if proposal.proposed_by == name and trace.parameters != before:
            own.append(trace)
    return own


def observations(
    history: Sequence[ExecutionTrace], own: Sequence[ExecutionTrace], goal: Goal, space: ParameterSpace
) -> Observations:
    """The trials as a minimizer takes them, its own ones last.

    Trials that tested nothing are left out, and those of earlier runs with wider bounds, outside of these.
    """
    ours = {id(trace) for trace in own}
    usable = [
        trace
        for trace in history
        if trace.outcome not in UNTRIED and space.contains(trace.parameters.attenuation)
    ]
    ordered = sorted(usable, key=lambda trace: id(trace) in ours)
    points = [space.unit(trace.parameters.attenuation) for trace in ordered]
    errors = [_errors(trace, goal) for trace in ordered]
    width = sum(value is not None for value in (goal.x, goal.y, goal.peak_height, goal.net_clearance))
    return Observations.of(
        np.array(points).reshape(len(ordered), space.dimension),
        np.array(errors).reshape(len(ordered), width),
        own=sum(id(trace) in ours for trace in ordered),
        failed_loss=FAILED_LOSS,
    )


class NumericOptimizer:
    """Proposes what a minimizer asks for; the same history always gives the same answer.

    Args:
        minimizer: works on the distance to the goal, in the cube of the bounds.
        space: the bounds.
        seed: of the small changes that keep a proposal from repeating a trial.
    """

    def __init__(self, minimizer: Minimizer, space: ParameterSpace, seed: int = 0) -> None:
        self.minimizer = minimizer
        self.space = space
        self.seed = seed

    @property
    def name(self) -> str:
        """The minimizer's."""
        return self.minimizer.name

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The attenuation that the minimizer asks for, moved a little where it was tried before.

        Raises:
            ProposalError: the objective has no measure, or the bounds leave no room for anything untried.
        """
        goal = measured_goal(objective, self.name)
        seen = observations(history, own_trials(history, earlier, self.name), goal, self.space)
        asked = self.minimizer.ask(seen)
        generator = np.random.default_rng((self.seed, len(history)))
        moved = generator.uniform(-EVASION, EVASION, (DRAWS, self.space.dimension))
        points = np.clip(np.vstack([asked, asked + moved]), -1.0, 1.0)
        attenuation, evaded = untried(points, history, self.space, self.name)
        best = objective.best(history)
        summary = words.no_return(history) if best is None else words.summary(history, objective)
        reason = f'{self.name}: {self.minimizer.step}'
        if evaded:
            reason += ', moved a little as it was tried before'
        reason += f'; {_difference(attenuation, best, objective)}.'
        return Proposal(attenuation, self.name, summary, synthesis=reason, reason=reason)


def _difference(
    attenuation: Sequence[float], best: ExecutionTrace | None, objective: Objective, top: int = 3
) -> str:
    """In what a proposal differs from the best trial, as a clause."""
    distance = None if best is None else objective.distance(best)
    if best is None or distance is None:
        return 'no trial could be measured yet'
    before = best.parameters.attenuation
    order = sorted(range(len(before)), key=lambda i: -abs(attenuation[i] - before[i]))
    changes = [
        f'{words.label(i)} {before[i]:.2f} to {attenuation[i]:.2f}'
        for i in order[:top]
        if attenuation[i] != before[i]
    ]
    return f'from the best trial, {distance:.3f} m from the goal, it changes mostly {", ".join(changes)}'
