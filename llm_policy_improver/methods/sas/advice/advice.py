"""What the landing model says before a step: where the best trial really is, what to try, and what parameters do there.

For language models, which choose by it, and for whoever judges what they chose. Made anew from the trials at each step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.landing.outlook import Expected, Outlook
from llm_policy_improver.methods.ranking import ranked
from llm_policy_improver.methods.sas.advice.around import Around
from llm_policy_improver.methods.sas.advice.candidates import Candidate, candidates_of

Array = NDArray[np.float64]

WORLDS: Final = 100
"""Drawn, to tell how sure it is that one policy is better than another."""


@dataclass(frozen=True, slots=True, eq=False)
class Advice:
    """Of one step.

    Attributes:
        outlook: what is held after the trials.
        history: the trials, oldest first.
        best: position of the trial whose policy has the least expected loss; None where nothing was tried.
        losses: (n,) of the trials' policies, as candidates are compared.
        luckiest: position of the trial that was seen nearest to the objective; None where none can be measured.
        optimism: by how much it was seen nearer than is expected of its policy.
        candidates: to try, that of least expected loss first.
        around: the first candidate.
        drawn: `WORLDS` functions of (k, d) points, the expected losses as they may truly be.
        worlds: (`WORLDS`, n) those of the n trials' policies.
    """

    outlook: Outlook
    history: Sequence[Trial]
    best: int | None
    losses: Array
    luckiest: int | None
    optimism: float | None
    candidates: tuple[Candidate, ...]
    around: Around
    drawn: Sequence[Callable[[Array], Array]]
    worlds: Array

    @classmethod
    def of(cls, outlook: Outlook, history: Sequence[Trial], seed: int = 0) -> 'Advice':
        """By an outlook on these trials; the same ones give the same."""
        generator = np.random.default_rng((seed, len(history)))
        explored, objective, brief = outlook.explored, outlook.objective, outlook.brief
        tried = explored.points(history)
        losses = outlook.losses(tried) if len(tried) else np.empty(0)
        tested = [position for position, trial in enumerate(history) if trial.tested]
        best = min(tested, key=lambda position: losses[position], default=None)
        drawn = [outlook.draw(generator) for _ in range(WORLDS)]
        worlds = np.array([losses_in(tried) for losses_in in drawn]) if len(tried) else np.empty((WORLDS, 0))

        def better(points: Array) -> Array:
            return np.mean([world(points) < held[best] for world, held in zip(drawn, worlds, strict=True)], axis=0)

        candidates = candidates_of(outlook, history, generator, None if best is None else better)
        luckiest = next(iter(ranked(history, objective)), None)
        centre = candidates[0].values if candidates else brief.space.values(history[best or 0])
        return cls(
            outlook,
            history,
            best,
            losses,
            luckiest,
            None if luckiest is None else _optimism(outlook, tried[luckiest], history[luckiest]),
            candidates,
            Around.of(outlook, centre, outlook.expected(explored.point(centre)), generator),
            drawn,
            worlds,
        )

    @property
    def brief(self) -> Brief:
        """Of the task."""
        return self.outlook.brief

    @property
    def objective(self) -> Objective:
        """What the person asked."""
        return self.outlook.objective

    def scatter(self, values: Sequence[float]) -> dict[str, float]:
        """Standard deviation of trials of these parameters (n,), in each measure that is wanted, by name."""
        point = self.outlook.explored.point(values)[None, :]
        processes = self.outlook.processes
        return {
            term.measure.name: float(np.sqrt(processes[term.measure.name].noise(point)[0]))
            for term in self.objective.terms
        }

    @property
    def noise(self) -> float:
        """Standard deviation of another trial of the policy seen nearest, or expected best, in a measure wanted."""
        centre = self.luckiest if self.luckiest is not None else self.best
        return 0.0 if centre is None else max(self.scatter(self.brief.space.values(self.history[centre])).values())

    def expected(self, values: Sequence[float]) -> Expected:
        """Of a trial of these parameters (n,)."""
        return self.outlook.expected(self.outlook.explored.point(values))

    def chance_better(self, one: Sequence[float], other: Sequence[float]) -> float:
        """That the true expected loss of one set of parameters (n,) is less than that of another one."""
        points = self.outlook.explored.point(one), self.outlook.explored.point(other)
        losses = np.array([world(np.array(points)) for world in self.drawn])
        return float(np.mean(losses[:, 0] < losses[:, 1]))

    def candidate(self, values: Sequence[float]) -> Candidate | None:
        """The candidate with just these parameters (n,)."""
        return next((each for each in self.candidates if each.values == tuple(values)), None)


def expected_distance(expected: Expected) -> float | None:
    """Mean distance of trials that succeed; None where none would."""
    if expected.success < 1e-3:
        return None
    return (expected.loss - (1.0 - expected.success) * FAILED_LOSS) / expected.success


def _optimism(outlook: Outlook, point: Array, trial: Trial) -> float | None:
    seen, held = outlook.objective.distance(trial), expected_distance(outlook.expected(point))
    return None if seen is None or held is None else held - seen
