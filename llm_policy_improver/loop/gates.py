"""Sends a proposal through the gates in their order; and the gate that repeats what a stored run's gates said."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from llm_policy_improver.core.audit import Audit, Decision, GateVerdict
from llm_policy_improver.core.gate import Gate, GateCase


def pass_gates(gates: Sequence[Gate], case: GateCase) -> GateCase:
    """Send a case through the gates in their order, up to the first refusal.

    Where a gate puts another policy in place, the gates before it judge that, too; where one of them refuses, the
    gate that changed it is asked again, with that refusal among the verdicts.

    Returns:
        The case with all verdicts, and with what may be published where the last of them passed.
    """
    for place, gate in enumerate(gates):
        while True:
            verdict = gate.judge(case)
            case = replace(case, verdicts=(*case.verdicts, verdict))
            if not verdict.passed:
                return case
            if verdict.instead is None:
                break
            edited = case.proposal.at(verdict.instead)
            changed = pass_gates(gates[:place], replace(case, proposal=edited))
            if passed(changed):
                case = changed
                break
            case = replace(case, verdicts=changed.verdicts)
    return case


def passed(case: GateCase) -> bool:
    """Whether no gate refused it."""
    return not case.verdicts or case.verdicts[-1].passed


class RecordedGate:
    """Says again what the gates of a stored run said, so that it can be played again without them.

    Steps of runs that were stored without audit records pass.
    """

    name = 'recorded'

    def __init__(self) -> None:
        self._audits: deque[Audit] = deque()

    def load(self, audits: Sequence[Audit]) -> None:
        """Take the audit records of the coming step, oldest first."""
        # What the checks refused never came to a gate, and what was withdrawn was never judged.
        judged = (audit for audit in audits if audit.proposal and audit.decision is not Decision.WITHDRAWN)
        self._audits = deque(judged)

    def judge(self, case: GateCase) -> GateVerdict:
        """The verdict that was decisive."""
        if not self._audits:
            return GateVerdict(self.name, True, 'no record')
        audit = self._audits.popleft()
        if not audit.decision.let_through:
            return audit.verdicts[-1]
        instead = audit.published if audit.decision is Decision.EDITED else None
        return GateVerdict(self.name, True, audit.reason, instead, audit.decided_by if instead else '')
