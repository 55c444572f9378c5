"""Sends what the checks let through to the gates, and keeps a record of every proposal and of what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from llm_policy_improver.core.audit import PROGRAM, Audit, Decision, GateVerdict, audit_of
from llm_policy_improver.core.finding import Failure, Finding
from llm_policy_improver.core.gate import Gate, GateCase
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import KeptBack
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.consult import Answer, clause
from llm_policy_improver.loop.gates import pass_gates, passed


class Gatekeeper:
    """Of one run; `begin` it for every step.

    Args:
        gates: judge in their order; all must pass a proposal before it is published.
        clock: the time of day, for the audit records.

    Attributes:
        audits: the records of this step so far, oldest first.
    """

    def __init__(self, gates: Sequence[Gate], clock: Callable[[], datetime]) -> None:
        self._gates = tuple(gates)
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Nothing was proposed for the coming step yet."""
        self.audits: list[Audit] = []

    @property
    def rejected_by_person(self) -> bool:
        """Whether a person rejected what was proposed last."""
        return bool(self.audits) and self.audits[-1].decision is Decision.REJECTED

    @property
    def kept_back(self) -> tuple[KeptBack, ...]:
        """What the gates kept from the arm in this step."""
        return kept_back_in(self.audits)

    def judge(self, answer: Answer, version: int, history: Sequence[Trial], objective: Objective) -> Answer:
        """The answer as the gates leave it: with what may be published, or with why nothing may.

        Args:
            answer: as the checks left it.
            version: that its policy would have.
            history: all trials so far, oldest first.
            objective: what the person asked.

        Raises:
            WithdrawnError: from a gate, as the run has ended.
        """
        if answer.checked is None:
            self._keep(answer, version, Decision.REFUSED, reason=answer.detail)
            return answer
        case = pass_gates(self._gates, GateCase(answer.checked, version, answer.findings, history, objective))
        if not passed(case):
            verdict = case.verdicts[-1]
            decision = Decision.REJECTED if verdict.by else Decision.REFUSED
            self._keep(answer, version, decision, case.verdicts, verdict.by, verdict.reason)
            return replace(answer, checked=None, failure=Failure.KEPT_BACK, detail=clause(str(verdict)))
        # A person's word counts more than that of a program which judged the person's numbers afterwards.
        asked = [verdict for verdict in reversed(case.verdicts) if verdict.by]
        decided = next(iter((*asked, *reversed(case.verdicts))), None)
        by, reason = (PROGRAM, '') if decided is None else (decided.by, decided.reason)
        edited = not case.proposal.same_as(answer.checked)
        decision = Decision.EDITED if edited else Decision.APPROVED if by else Decision.AUTOMATIC
        self._keep(answer, version, decision, case.verdicts, by, reason)
        if not edited or answer.proposal is None:
            return replace(answer, checked=case.proposal)
        # What was expected of the proposal does not hold for a person's numbers; the next prompt tells of them.
        told = Finding(
            'approval', f'a person changed the parameters before the trial: {reason}', changed=True
        )
        proposal = replace(answer.proposal, findings=(*answer.proposal.findings, told))
        return replace(answer, proposal=proposal, checked=replace(case.proposal, expected={}))

    def _keep(
        self,
        answer: Answer,
        version: int,
        decision: Decision,
        verdicts: tuple[GateVerdict, ...] = (),
        by: str = PROGRAM,
        reason: str = '',
    ) -> None:
        self.audits.append(
            audit_of(
                answer.asked, answer.exchanges, version, decision, self._clock(), proposal=answer.checked,
                findings=answer.findings, verdicts=verdicts, decided_by=by, reason=reason,
            )
        )  # fmt: skip


def kept_back_in(audits: Sequence[Audit]) -> tuple[KeptBack, ...]:
    """What the gates kept from the arm, of these records."""
    kept = []
    for audit in audits:
        if audit.verdicts and audit.proposal is not None and not audit.decision.let_through:
            verdict = audit.verdicts[-1]
            judged = verdict.instead or audit.proposal
            kept.append(KeptBack(judged, verdict.by or verdict.gate, bool(verdict.by), verdict.reason))
    return tuple(kept)
