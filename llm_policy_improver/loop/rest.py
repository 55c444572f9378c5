"""When a language model that failed is asked again: each request in vain may cost minutes and a person's trust."""

from typing import Final

from llm_policy_improver.core.audit import Decision
from llm_policy_improver.loop.consult import Answer
from llm_policy_improver.loop.step import Step

FAILURES: Final = 3
"""Failures of a language model in a row after which it rests."""
REST: Final = 4
"""Steps that it is not asked then."""


class Rest:
    """Counts the failures in a row. What a person rejected was none: the model is told the reason and asked again."""

    def __init__(self) -> None:
        self.failures = 0
        self._ask_again = 0

    def holds(self, number: int) -> bool:
        """Whether it is not asked for this step."""
        return self.failures >= FAILURES and number < self._ask_again

    def asked(self, number: int, answer: Answer, rejected: bool) -> None:
        """It was asked for a step, and a person rejected what came of it or did not."""
        self._count(number, answer.checked is None and bool(answer.exchanges), rejected)

    def restore(self, step: Step) -> None:
        """The same of a step that is stored."""
        if step.proposal.exchanges:
            rejected = any(audit.decision is Decision.REJECTED for audit in step.audits)
            self._count(step.number, bool(step.proposal.instead_of) or step.unchanged, rejected)

    def _count(self, number: int, in_vain: bool, rejected: bool) -> None:
        self.failures = self.failures + 1 if in_vain and not rejected else 0
        self._ask_again = number + 1 + REST
