"""What the loop reports: its steps, each trial's result, and the result of the whole run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.ranking import best_trial
from llm_policy_improver.methods.rules import UNTRIED

ATTEMPTS: Final = 3
"""Balls for one step, until one of them says something about its parameters."""


def counts(trace: ExecutionTrace, attempt: int) -> bool:
    """Whether this trial is that of its step: one that was broken off is played again, but not for ever.

    Args:
        trace: of a trial.
        attempt: how many trials the step has had by now, this one included.
    """
    return trace.outcome not in UNTRIED or attempt >= ATTEMPTS


@dataclass(frozen=True, slots=True)
class Step:
    """What to try next.

    Attributes:
        number: of the trial within the run, from 1.
        parameters: to publish; they are within the bounds.
        proposal: where they come from and why, with all requests to a language model.
        seed: of the incoming ball.
        verdict: what the checks said, for people.
        unchanged: whether these are the parameters of before, with their old version, as nothing usable was
            proposed.
    """

    number: int
    parameters: PolicyParameters
    proposal: Proposal
    seed: int
    verdict: str
    unchanged: bool = False

    @property
    def reason(self) -> str:
        """One sentence for the person: why these parameters."""
        return self.proposal.reason


def claimed_in(steps: Sequence[Step]) -> tuple[int, int, int]:
    """How many effects claimed in these steps agree with the trials, contradict them, and are undecided."""
    agreeing, contradicted, undecided = (
        sum(step.proposal.claimed[place] for step in steps) for place in range(3)
    )
    return agreeing, contradicted, undecided


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What one trial came to.

    Attributes:
        number: of the trial within the run, from 1.
        step: what was tried.
        trace: what happened.
        distance: m to the objective; None without a good return or without a measure.
        best: the best trial so far; None where none can be ranked.
        best_distance: m to the objective.
        improved: whether this trial is the new best.
    """

    number: int
    step: Step
    trace: ExecutionTrace
    distance: float | None
    best: ExecutionTrace | None
    best_distance: float | None
    improved: bool


@dataclass(frozen=True, slots=True)
class ImprovementResult:
    """What a run came to.

    Attributes:
        objective: the person's words.
        metric: how progress was measured; empty where it could not be.
        optimizer: who was asked to propose.
        trials: recorded in this run.
        initial_distance_m: of the first trial of this run that could be measured.
        best_distance_m: of the best trial of this run or before; None where the language model ranks.
        best_trial: its number in the store, or within the run where it was not stored; 0 if there is none.
        best: that trial.
        returned: share of this run's trials that were good returns.
        fallbacks: how many proposals the fallback made.
        unchanged: how many trials repeated the last parameters for want of a proposal.
        prompt_tokens, completion_tokens: of all requests to a language model.
        claims_agreeing, claims_contradicted, claims_undecided: how many of the effects that a language model claimed
            the trials confirm, refute, and leave open.
        stopped: why the run ended before all its trials; empty where it did not.
    """

    objective: str
    metric: str
    optimizer: str
    trials: int
    initial_distance_m: float | None
    best_distance_m: float | None
    best_trial: int
    best: ExecutionTrace | None
    returned: float
    fallbacks: int = 0
    unchanged: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    claims_agreeing: int = 0
    claims_contradicted: int = 0
    claims_undecided: int = 0
    stopped: str = ''

    @classmethod
    def of(
        cls,
        objective: Objective,
        optimizer: str,
        earlier: Sequence[ExecutionTrace],
        run: Sequence[tuple[Step, ExecutionTrace]],
        stopped: str = '',
    ) -> 'ImprovementResult':
        """Sum up a run.

        Args:
            objective: what was asked.
            optimizer: name of the one asked.
            earlier: trials of earlier runs.
            run: the steps and trials of this run.
            stopped: why it ended early, if it did.
        """
        traces = [trace for _, trace in run]
        measured = [distance for trace in traces if (distance := objective.distance(trace)) is not None]
        best = best_trial([*earlier, *traces], objective, [step.proposal for step, _ in run])
        within = next((step.number for step, trace in run if trace is best), 0)
        exchanges = [exchange for step, _ in run for exchange in step.proposal.exchanges]
        agreeing, contradicted, undecided = claimed_in([step for step, _ in run])
        return cls(
            objective=objective.words,
            metric=objective.metric,
            optimizer=optimizer,
            trials=len(traces),
            initial_distance_m=measured[0] if measured else None,
            best_distance_m=None if best is None else objective.distance(best),
            best_trial=0 if best is None else best.trial or within,
            best=best,
            returned=sum(trace.landed for trace in traces) / len(traces) if traces else 0.0,
            fallbacks=sum(bool(step.proposal.fallback) for step, _ in run),
            unchanged=sum(step.unchanged for step, _ in run),
            prompt_tokens=sum(exchange.prompt_tokens for exchange in exchanges),
            completion_tokens=sum(exchange.completion_tokens for exchange in exchanges),
            claims_agreeing=agreeing,
            claims_contradicted=contradicted,
            claims_undecided=undecided,
            stopped=stopped,
        )

    @property
    def best_parameters(self) -> PolicyParameters | None:
        """Of the best trial."""
        return None if self.best is None else self.best.parameters

    def as_json(self) -> dict[str, Any]:
        """Plain data for a JSON line; what is not known is null."""
        best = self.best_parameters
        return {
            'objective': self.objective,
            'metric': self.metric,
            'optimizer': self.optimizer,
            'trials': self.trials,
            'initial_distance_m': self.initial_distance_m,
            'best_distance_m': self.best_distance_m,
            'best_trial': self.best_trial or None,
            'best_parameters': None if best is None else list(best.attenuation),
            'returned': self.returned,
            'fallbacks': self.fallbacks,
            'unchanged': self.unchanged,
            'prompt_tokens': self.prompt_tokens,
            'completion_tokens': self.completion_tokens,
            'claims_agreeing': self.claims_agreeing,
            'claims_contradicted': self.claims_contradicted,
            'claims_undecided': self.claims_undecided,
            'stopped': self.stopped or None,
        }
