"""A person's approval: a proposal waits until somebody approves it, rejects it with a reason, or edits it.

approval = Approval(space)            # a gate of the loop, which waits in its own thread
approval.decide(7, APPROVE, 'Ada')    # from any other
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from llm_policy_improver.core.audit import Audit, Decision, GateVerdict, audit_of
from llm_policy_improver.core.gate import GateCase, WithdrawnError
from llm_policy_improver.core.policy import Parameters, Program
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.ranges import require_choice
from llm_policy_improver.core.space import Carrier, ParameterSpace, Place, policy_of
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check

APPROVE: Final = 'approve'
REJECT: Final = 'reject'
EDIT: Final = 'edit'
DECISIONS: Final = (APPROVE, REJECT, EDIT)

NEVER: Final = 'never'
SMALL_STEPS: Final = 'small_steps'
AUTO_APPROVE: Final = (NEVER, SMALL_STEPS)

NEUTRAL: Final = 'neutral'
"""Who proposed the policy that changes nothing, where no trial with it succeeded."""

LONGEST_REASON: Final = 500
"""Characters of a person's reason that are kept and told."""


class ApprovalError(ValueError):
    """A decision cannot be taken; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class ApprovalConfig:
    """Which proposals a person must see.

    Attributes:
        required: whether proposals wait for a person at all.
        auto_approve: ``'never'``: all; ``'small_steps'``: those near a trial that succeeded need nobody.
        small_step: largest step of any parameter from such a trial, in the cube -1 ... +1 of the bounds: 0.1 is a
            twentieth of the parameter's range.

    Raises:
        ValueError: a value is none of these.
    """

    required: bool = False
    auto_approve: str = NEVER
    small_step: float = 0.1

    def __post_init__(self) -> None:
        require_choice('auto_approve', self.auto_approve, AUTO_APPROVE)
        if not 0.0 <= self.small_step <= 0.5:
            raise ValueError(
                f'small_step must be between 0 and 0.5, a quarter of a range; got {self.small_step:g}'
            )


class Approval:
    """A gate that lets pass what a person lets pass. Of one run: once closed it stays so.

    There is no time limit: the run waits, and the arm keeps its parameters.

    Args:
        space: the bounds, which hold for a person's numbers, too.
        config: what needs nobody.
        repeats_allowed: how often the same parameters may be tried again, as in the checks.
        on_change: told, in the waiting thread, when a proposal begins to wait and when it no longer does.
    """

    name = 'approval'

    def __init__(
        self,
        space: ParameterSpace,
        config: ApprovalConfig | None = None,
        *,
        repeats_allowed: int = 0,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._space = space
        self._config = config or ApprovalConfig()
        self._repeats_allowed = repeats_allowed
        self._on_change = on_change
        self._changed = threading.Condition()
        self._pending: GateCase | None = None
        self._verdict: GateVerdict | None = None
        self._closed = False
        self._confirmed = False

    @property
    def pending(self) -> GateCase | None:
        """The proposal that waits for a person."""
        with self._changed:
            return None if self._closed else self._pending

    def judge(self, case: GateCase) -> GateVerdict:
        """Wait for a person's decision; a small step within a proven region needs none where that is allowed.

        The first proposal that is let through always waits: whoever lets it through confirms what is aimed at. So does
        every program, as nobody can tell how far one is from another.

        Raises:
            WithdrawnError: it was closed before anybody decided.
        """
        small = self._config.auto_approve == SMALL_STEPS and not isinstance(case.proposal.policy, Program)
        if self._confirmed and small:
            near = proven_neighbour(case.proposal, case.history, self._space, self._config.small_step)
            if near is not None:
                reason = (
                    f'no person was asked, as it is a small step from trial {near.number}, which succeeded'
                )
                return GateVerdict(self.name, True, reason)
        with self._changed:
            self._pending, self._verdict = case, None
        self._on_change()
        verdict = self._decision()
        self._on_change()
        if verdict is None:
            raise WithdrawnError('the run ended before a person decided')
        return verdict

    def _decision(self) -> GateVerdict | None:
        """Wait for it; None where there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._verdict is not None or self._closed)
            if self._verdict is not None:
                self._pending = None
            return self._verdict

    def decide(
        self,
        version: int,
        decision: str,
        decided_by: str,
        reason: str = '',
        values: Sequence[float] = (),
    ) -> str:
        """Take a person's decision on the proposal that waits.

        Args:
            version: of the proposal that the person has seen.
            decision: one of `DECISIONS`.
            decided_by: who decides.
            reason: for the record; a rejection must have one, and it goes into the next prompt.
            values: (n,) the person's numbers in the order of the space, for an edit only.

        Returns:
            What happens now, in one sentence.

        Raises:
            ApprovalError: it cannot be taken; the proposal still waits.
        """
        person, reason = clean_line(decided_by, LONGEST_REASON), clean_line(reason, LONGEST_REASON)
        with self._changed:
            case = self._pending
            if case is None or self._verdict is not None or self._closed:
                raise ApprovalError('no proposal waits for approval')
            if version != case.version:
                raise ApprovalError(
                    f'version {case.version} waits for approval, not {version}: look at it before you decide'
                )
            if not person:
                raise ApprovalError('decided_by is empty: say who decides, for the record')
            self._verdict, said = self._decided(case, decision, person, reason, values)
            self._confirmed = self._confirmed or self._verdict.passed
            self._changed.notify_all()
        return said

    def _decided(
        self, case: GateCase, decision: str, person: str, reason: str, values: Sequence[float]
    ) -> tuple[GateVerdict, str]:
        if decision not in DECISIONS:
            raise ApprovalError(f'decision must be {", ".join(DECISIONS)}; got "{clean_line(decision, 50)}"')
        if len(values) and decision != EDIT:
            raise ApprovalError(f'values are for decision {EDIT} only: leave them empty to {decision}')
        if decision == REJECT:
            if not reason:
                raise ApprovalError('reason is empty: say what is wrong, as the next prompt tells it')
            said = (
                f'version {case.version} is rejected; the parameters in force stay until another is approved'
            )
            return GateVerdict(self.name, False, reason, by=person), said
        if decision == APPROVE:
            verdict = GateVerdict(self.name, True, reason or 'approved', by=person)
            return verdict, f'version {case.version} is approved'
        if isinstance(case.proposal.policy, Program):
            raise ApprovalError(
                'a program cannot be edited here: approve it as it is, or reject it with a reason'
            )
        checked = check(
            values, case.history, self._space, case.objective, repeats_allowed=self._repeats_allowed
        )
        if not checked.accepted:
            raise ApprovalError(f'the edited parameters cannot be used: {"; ".join(checked.reasons)}')
        reason = '; '.join((reason or 'edited', *map(str, checked.findings)))
        instead = Proposal(self._space.at(checked.values), person, reason=reason)
        verdict = GateVerdict(self.name, True, reason, instead, person)
        return verdict, f'version {case.version} is edited; the gates before the approval judge it again'

    def close(self) -> GateCase | None:
        """Let nobody decide any more; returns the proposal that is withdrawn by that, if any."""
        with self._changed:
            waits = self._pending if self._verdict is None and not self._closed else None
            self._closed = True
            self._changed.notify_all()
        return waits


def proven_neighbour(
    place: Place, history: Sequence[Trial], space: ParameterSpace, step: float
) -> Trial | None:
    """The nearest trial that succeeded, if no parameter is further than ``step`` from it; None otherwise.

    Args:
        place: to be tried.
        history: all trials so far.
        space: the bounds.
        step: in the cube -1 ... +1 of the bounds.
    """
    here = space.unit(place)
    good = [trial for trial in history if trial.succeeded and isinstance(trial.policy, Parameters)]
    steps = [float(np.max(np.abs(here - space.unit(trial)))) for trial in good]
    if not steps or min(steps) > step + 1e-9:
        return None
    return good[int(np.argmin(steps))]


def last_good(history: Sequence[Trial], current: Parameters | Carrier, neutral: Parameters) -> Proposal:
    """What to go back to: the policy of the latest trial that succeeded with another one than ``current``.

    The neutral one, which changes nothing, where no such trial succeeded.
    """
    here = policy_of(current)
    good = (trial for trial in reversed(history) if trial.succeeded and trial.policy != here)
    found = next(good, None)
    return Proposal(neutral, NEUTRAL) if found is None else Proposal.again(found)


def offered(case: GateCase, now: datetime) -> Audit:
    """The record of a proposal that is shown to a person, who will decide by its version: no other may have that."""
    return _undecided(case, Decision.OFFERED, now, 'waits for a person')


def withdrawn(case: GateCase, now: datetime) -> Audit:
    """The record of a proposal that nobody decided on before its run ended."""
    return _undecided(case, Decision.WITHDRAWN, now, 'the run ended before a person decided')


def _undecided(case: GateCase, decision: Decision, now: datetime, reason: str) -> Audit:
    return audit_of(
        case.proposal.proposed_by, case.proposal.exchanges, case.version, decision, now,
        proposal=case.proposal, findings=case.findings, verdicts=case.verdicts, reason=reason,
    )  # fmt: skip


def reverted(proposal: Proposal, version: int, decided_by: str, now: datetime) -> Audit:
    """The record of going back to an earlier policy, under its new version."""
    return audit_of(
        proposal.proposed_by, (), version, Decision.REVERTED, now,
        proposal=proposal, decided_by=decided_by, reason='back to the last good policy',
    )  # fmt: skip
