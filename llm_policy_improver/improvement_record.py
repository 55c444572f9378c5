"""Writes the loop's steps into a run's store."""

from llm_policy_improver.improvement_result import Step
from llm_policy_improver.objective import Objective
from llm_policy_improver.tracing.store import RunStore


def store_step(store: RunStore, objective: Objective, step: Step) -> None:
    """Store a step with its reasons and its requests to a language model, before its trial runs.

    Raises:
        StoreError: it is not stored.
    """
    proposal = step.proposal
    store.add_step(
        objective.words, step.parameters, step.seed,
        summary=proposal.summary, analysis=proposal.analysis, synthesis=proposal.synthesis,
        reason=step.reason, verdict=step.verdict, fallback=proposal.fallback, unchanged=step.unchanged,
        exchanges=proposal.exchanges,
    )  # fmt: skip
