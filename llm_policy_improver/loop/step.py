"""One step of the loop: what is published, where it comes from, and what was found on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.finding import Finding, Vain
from llm_policy_improver.core.policy import Parameters, Policy, require_parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.task import LearningTask, Task
from llm_policy_improver.core.trial import Trial

ATTEMPTS: Final = 3
"""Trials for one step, until one of them says something about its policy."""


def counts(trial: Trial, attempt: int, fed: bool) -> bool:
    """Whether this trial is that of its step: one that was interrupted is played again, but not for ever.

    Args:
        trial: any.
        attempt: how many trials the step has had by now, this one included.
        fed: whether the loop asks for its balls. Where a person throws them, one that says nothing uses nothing up.
    """
    return trial.tested or (fed and attempt >= ATTEMPTS)


@dataclass(frozen=True, slots=True)
class Step:
    """What to try next.

    Attributes:
        number: of the trial within the run, from 1.
        policy: to publish; it is within the bounds.
        version: under which it is published; that of an earlier step where it is unchanged.
        proposal: where it comes from and why, as it was proposed, with all requests to a language model.
        seed: of the trial.
        findings: of the checks.
        audits: what was judged on the way to it and with it, oldest first.
        in_vain: who was asked for a change and gave none, so that the policy of before stays; empty where it is new.
    """

    number: int
    policy: Policy
    version: int
    proposal: Proposal
    seed: int
    findings: tuple[Finding, ...] = ()
    in_vain: tuple[Vain, ...] = ()
    audits: tuple[Audit, ...] = ()

    @property
    def parameters(self) -> Parameters:
        """The policy, where it is numbers.

        Raises:
            ParameterError: it is a program.
        """
        return require_parameters(self.policy)

    @property
    def unchanged(self) -> bool:
        """Whether this is the policy of before, as nothing usable was proposed."""
        return bool(self.in_vain)

    @property
    def proposed_by(self) -> str:
        """Who proposed the policy that is published."""
        return self.proposal.proposed_by

    @property
    def reason(self) -> str:
        """One sentence for the person: why this policy."""
        return self.proposal.reason

    @property
    def changes(self) -> dict[str, tuple[float, float]]:
        """What was proposed and what is published instead, by name; empty where they are the same, and of programs."""
        proposed, published = self.proposal.policy, self.policy
        if not (isinstance(proposed, Parameters) and isinstance(published, Parameters)):
            return {}
        pairs = zip(proposed.items(), published.values, strict=True)
        return {name: (before, after) for (name, before), after in pairs if before != after}

    def play(self, task: Task, history: Sequence[Trial]) -> Trial:
        """Its trial, under its version, by a task that may learn from all trials before it, oldest first."""
        if isinstance(task, LearningTask):
            task = task.informed_by(history, self.version)
        return self.played(task.run(self.policy, self.seed))

    def played(self, trial: Trial) -> Trial:
        """A trial of this step, under its version."""
        return replace(trial, version=self.version, proposed_by=self.proposed_by)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What one trial came to.

    Attributes:
        number: of the trial within the run, from 1.
        step: what was tried.
        trial: what happened.
        distance: to the objective; None where it did not succeed or nothing measures it.
        best: the best trial so far; None where none can be ranked.
        best_distance: of it to the objective.
        improved: whether this trial is the new best.
        recommended: what would be kept if the run ended now, where trials are noisy and the method has a model of
            them; the best trial seen is partly luck then. None where it has none, and before the method is asked.
    """

    number: int
    step: Step
    trial: Trial
    distance: float | None
    best: Trial | None
    best_distance: float | None
    improved: bool
    recommended: Proposal | None = None
