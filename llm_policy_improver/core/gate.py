"""What stands between a checked proposal and the arm: a rehearsal in simulation, a person's approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llm_policy_improver.core.audit import GateVerdict
from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial


@dataclass(frozen=True, slots=True)
class GateCase:
    """What a gate judges.

    Attributes:
        proposal: its policy is what would be published; the checks let it through.
        version: that it would have.
        findings: what the checks said.
        history: all trials so far, oldest first.
        objective: what the person asked.
        verdicts: of the gates before.
    """

    proposal: Proposal
    version: int
    findings: tuple[Finding, ...]
    history: Sequence[Trial]
    objective: Objective
    verdicts: tuple[GateVerdict, ...] = ()


class Gate(Protocol):
    """Lets a proposal pass, puts a person's numbers in its place, or refuses it."""

    @property
    def name(self) -> str:
        """For people and records."""

    def judge(self, case: GateCase) -> GateVerdict:
        """The verdict on the proposal of this case; may take long, and is called from any thread.

        Raises:
            WithdrawnError: the run has ended; nothing may be published any more.
        """


class WithdrawnError(RuntimeError):
    """The run ended while a gate was judging; nothing of the proposal may be published."""
