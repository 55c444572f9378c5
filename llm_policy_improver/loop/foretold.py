"""How what a method expected of its proposals compares with what their trials came to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.core.expectation import FAILED_LOSS, Expectation
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step

MEANT: Final = 0.8
"""Share of the distances that an interval is meant to hold."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """Counts over the proposals that said an interval and were played as they were proposed.

    Attributes:
        trials: of them.
        succeeded: how many succeeded, ...
        expected_to_succeed: ... and how many were expected to, the sum of the chances.
        inside: how many distances of those that succeeded lay inside the interval.
    """

    trials: int = 0
    succeeded: int = 0
    expected_to_succeed: float = 0.0
    inside: int = 0

    @classmethod
    def of(cls, run: Iterable[tuple[Step, Trial]], objective: Objective) -> 'Foretold':
        """Count over the steps and trials of a run."""
        trials = succeeded = inside = 0
        chances = 0.0
        for step, trial in run:
            said = _said(step, trial)
            if said is None or not said.has_interval:
                continue
            trials += 1
            chances += said.success
            distance = objective.distance(trial)
            if distance is not None:
                succeeded += 1
                inside += said.low <= distance <= said.high
        return cls(trials, succeeded, chances, inside)

    def as_json(self) -> dict[str, Any]:
        """Plain data; shares are null where nothing was foretold."""
        return {
            'foretold': self.succeeded,
            'foretold_inside': self.inside,
            'foretold_trials': self.trials,
            'foretold_success': self.expected_to_succeed / self.trials if self.trials else None,
            'success': self.succeeded / self.trials if self.trials else None,
        }

    def __str__(self) -> str:
        """For people, one sentence; empty where nothing was foretold."""
        if not self.trials:
            return ''
        return (
            f'Of {self.trials} proposals with an expected result {self.succeeded} succeeded '
            f'({self.expected_to_succeed:.1f} expected), and {self.inside} of these came within the interval that 8 of '
            '10 were expected in.'
        )


def overrated(run: Sequence[tuple[Step, Trial]], objective: Objective, last: int) -> float | None:
    """By how much the last so many proposals that said what they expect came out worse, on average; at least 0.

    In the unit of the objective; None where fewer did.
    """
    pairs = [(said, trial) for step, trial in run if (said := _said(step, trial)) is not None][-last:]
    if len(pairs) < last:
        return None
    losses = [FAILED_LOSS if (distance := objective.distance(trial)) is None else distance for _, trial in pairs]
    excess = [loss - said.loss for loss, (said, _) in zip(losses, pairs, strict=True)]
    return max(0.0, sum(excess) / last)


def _said(step: Step, trial: Trial) -> Expectation | None:
    """What was expected of a trial; None where it is not a trial of that."""
    # What was clipped, or brought nearer for a gate, is not what the method spoke of.
    moved = bool(step.changes) or not step.proposal.expected
    return None if moved or step.unchanged or not trial.tested else Expectation.of(step.proposal)
