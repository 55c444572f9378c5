"""Writes the loop's steps, and what was kept from the arm, into a run's store."""

from collections.abc import Sequence

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.loop.improvement_result import Step
from llm_policy_improver.runs.store import RunStore


def store_step(store: RunStore, objective: Objective, step: Step) -> None:
    """Store a step, with its reasons, requests to a language model and audit records, before its trial runs.

    Raises:
        StoreError: it is not stored.
    """
    proposal = step.proposal
    store.add_step(
        objective.words, step.parameters, step.seed,
        summary=proposal.summary, analysis=proposal.analysis, synthesis=proposal.synthesis,
        reason=step.reason, verdict=step.verdict, fallback=proposal.fallback, unchanged=step.unchanged,
        exchanges=proposal.exchanges, audits=proposal.audits,
    )  # fmt: skip


def store_audits(store: RunStore, audits: Sequence[Audit]) -> None:
    """Store what became of proposals that no step came of.

    Raises:
        StoreError: they are not all stored.
    """
    for audit in audits:
        store.add_audit(audit)
