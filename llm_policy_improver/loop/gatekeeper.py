"""Sends what the checks let through to the gates, and keeps a record of every proposal and of what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from llm_policy_improver.core.audit import PROGRAM, Audit, Decision, GateVerdict, audit_of
from llm_policy_improver.core.gate import Gate, GateCase
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.loop.consult import Answer
from llm_policy_improver.loop.gates import pass_gates, passed


class Gatekeeper:
    """Of one run; `begin` it for every step.

    Args:
        gates: judge in their order; all must pass a proposal before it is published.
        clock: the time of day, for the audit records.

    Attributes:
        rejected: what did not get through in this step, as sentences for the next prompts.
        audits: the records of this step so far, oldest first.
    """

    def __init__(self, gates: Sequence[Gate], clock: Callable[[], datetime]) -> None:
        self._gates = tuple(gates)
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Nothing was proposed for the coming step yet."""
        self.rejected: list[str] = []
        self.audits: list[Audit] = []

    @property
    def rejected_by_person(self) -> bool:
        """Whether a person rejected what was proposed last."""
        return bool(self.audits) and self.audits[-1].decision is Decision.REJECTED

    def judge(
        self, name: str, answer: Answer, version: int, history: Sequence[ExecutionTrace], objective: Objective
    ) -> Answer:
        """The answer as the gates leave it: with what may be published, or without a proposal.

        Args:
            name: of the optimizer that was asked.
            answer: as the checks left it.
            version: that its parameters would have.
            history: all trials so far, oldest first.
            objective: what the person asked.

        Raises:
            WithdrawnError: from a gate, as the run has ended.
        """
        if answer.proposal is None:
            self._keep(name, answer, version, Decision.REFUSED, reason=answer.text)
            return answer
        case = pass_gates(
            self._gates,
            GateCase(answer.attenuation, version, answer.proposal, answer.text, history, objective),
        )
        said = '; '.join((answer.text, *map(str, case.verdicts)))
        if not passed(case):
            verdict = case.verdicts[-1]
            decision = Decision.REJECTED if verdict.by else Decision.REFUSED
            self._keep(name, answer, version, decision, case.verdicts, verdict.by, verdict.reason)
            self.rejected.append(verdict.told)
            return Answer(
                None, (), f'the proposal of {name} was kept from the arm ({said})', answer.exchanges
            )
        # A person's word counts more than that of a program which judged the person's numbers afterwards.
        asked = [verdict for verdict in reversed(case.verdicts) if verdict.by]
        decided = next(iter((*asked, *reversed(case.verdicts))), None)
        by, reason = (PROGRAM, '') if decided is None else (decided.by, decided.reason)
        edited = case.attenuation != answer.attenuation
        decision = Decision.EDITED if edited else Decision.APPROVED if by else Decision.AUTOMATIC
        self._keep(name, answer, version, decision, case.verdicts, by, reason, case.attenuation)
        proposal = answer.proposal
        if edited:
            told = f'a person changed the parameters before the trial: {reason}'
            verdict_told = '; '.join(filter(None, (proposal.verdict, told)))
            proposal = replace(proposal, attenuation=case.attenuation, verdict=verdict_told)
        return Answer(proposal, case.attenuation, said, answer.exchanges)

    def _keep(
        self,
        name: str,
        answer: Answer,
        version: int,
        decision: Decision,
        verdicts: tuple[GateVerdict, ...] = (),
        by: str = PROGRAM,
        reason: str = '',
        published: tuple[float, ...] = (),
    ) -> None:
        self.audits.append(
            audit_of(
                name, answer.exchanges, version, decision, self._clock(), proposed=answer.attenuation,
                attenuation=published, checks=answer.text, verdicts=verdicts, decided_by=by, reason=reason,
            )
        )  # fmt: skip
