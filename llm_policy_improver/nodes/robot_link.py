"""The nodes of a running arm or simulation, for a page beside them: what they say, and what a person asks of them."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Final, Self

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from std_srvs.srv import Trigger

from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.text import clean_text
from llm_policy_improver.core.tokens import ARM, RESUME
from llm_policy_improver.msg import OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.claims import SILENT, Claim, Timing
from llm_policy_improver.nodes.improvement_messages import expected_in
from llm_policy_improver.nodes.lease import SIMULATOR, TOPIC, claim_in
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import line_of, name_of, values_in
from llm_policy_improver.nodes.operator_client import CONTROLLER, OPTIMIZER, PARAMETERS, OperatorClient
from llm_policy_improver.nodes.qos import EACH_LATCHED
from llm_policy_improver.report.robot import Kind, Number, Offer, RobotError, RobotState
from llm_policy_improver.report.told_steps import Change, changed, expected_text
from llm_policy_improver.srv import ApproveParameters, Operate, SetObjective
from llm_policy_improver.table_tennis.rehearsal import Rehearsal

NAME: Final = 'console'
"""Of the node."""
CONTROLLER_ROLE: Final = 'controller'
"""Role of the controller; see `nodes.lease`."""
_OPERATED: Final = (
    (Trigger, 'controller/emergency_stop'), (Trigger, 'controller/disarm'), (Trigger, 'cancel_improvement'),
    (Operate, 'controller/arm'), (Operate, 'controller/resume'), (SetObjective, 'set_objective'),
    (ApproveParameters, 'optimizer/approve_parameters'),
)  # fmt: skip


class RobotLink:
    """A `report.robot.Robot` whose nodes are in the graph of ROS.

    Statuses are believed where the run has sealed them. Who moves is told by leases, which nobody seals: the arm is
    taken for a physical one unless its stand-in is heard beside it.

    Args:
        security: where the keys are.
        space: labels and ranges of the parameters.
        by: who asks where nobody is named.
        namespace: of the nodes.

    Raises:
        SettingsError: a key cannot be read.
    """

    def __init__(self, security: SecuritySettings, space: ParameterSpace, by: str, namespace: str = '') -> None:
        self.keyed = security.asked
        self._parameters = {each.name: each for each in space.parameters}
        self._lock = Lock()
        self._claims: dict[str, tuple[float, Claim]] = {}
        self._client = OperatorClient(security, by, namespace, NAME, self._listen)
        for kind, service in _OPERATED:  # found now, and not when somebody is in a hurry
            self._client.client(kind, service)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _listen(self, node: Node) -> None:
        subscribe(node, DiagnosticStatus, TOPIC, self._on_claim, EACH_LATCHED)

    def _on_claim(self, message: DiagnosticStatus) -> None:
        claim = claim_in(message)
        if claim is not None and claim.role in (CONTROLLER_ROLE, SIMULATOR):
            with self._lock:
                self._claims[claim.role] = time.monotonic(), claim

    def _holder(self, role: str) -> tuple[Claim | None, bool]:
        """Who was heard last in a role, and whether that was just now."""
        with self._lock:
            at, claim = self._claims.get(role, (0.0, None))
        return claim, time.monotonic() - at <= SILENT

    def _kind(self, known: bool) -> Kind:
        controller, _ = self._holder(CONTROLLER_ROLE)
        if controller is None:
            return Kind.PHYSICAL if known else Kind.NOBODY
        if controller.timing is Timing.LOCKSTEP:
            return Kind.SIMULATION
        stand_in, there = self._holder(SIMULATOR)
        return Kind.STAND_IN if stand_in is not None and there else Kind.PHYSICAL

    def state(self) -> RobotState:
        """What was heard last."""
        controller, optimizer = self._client.heard(CONTROLLER), self._client.heard(OPTIMIZER)
        claim, there = self._holder(CONTROLLER_ROLE)
        state = RobotState(
            kind=self._kind(controller is not None),
            silent=claim is not None and not there,
            left_out=self._client.left_out,
        )
        if controller is not None:
            state = replace(
                state, controller=name_of(controller.state), fault=line_of(controller.fault),
                message=line_of(controller.message),
            )  # fmt: skip
        if optimizer is None:
            return state
        published = self._client.heard(PARAMETERS)
        waits = optimizer.state == OptimizerStatus.WAITING_FOR_APPROVAL
        run = optimizer.run or ('' if published is None else published.run)
        return replace(
            state, optimizer=name_of(optimizer.state), objective=line_of(optimizer.objective),
            aim=line_of(optimizer.aim), method=name_of(optimizer.method), played=int(optimizer.iteration),
            trials=int(optimizer.trials), reason=line_of(optimizer.reason), run=name_of(run),
            offer=self._offer(optimizer, published) if waits else None,
        )  # fmt: skip

    def _offer(self, status: OptimizerStatus, published: PolicyParameters | None) -> Offer:
        proposed = [
            (name_of(name), float(value))
            for name, value in zip(status.parameter_names, status.proposed_values, strict=False)
        ]
        before = _values(published)
        compared = 'what the controller was given last' if before else 'the unchanged controller'
        before = before or {name: each.neutral for name, each in self._parameters.items()}
        changes = [
            change
            for name, value in proposed
            if name in before and (change := self._change(name, before[name], value)) is not None
        ]
        checks = status.verdict.removesuffix(f'; {Rehearsal.name}: {status.rehearsal}')
        told = (
            ('Why', status.reason), ('Expected', expected_text(expected_in(status))), ('Its claims', status.claims),
            ('Automatic checks', checks), ('Rehearsal', status.rehearsal),
        )  # fmt: skip
        thoughts = (('Summary', status.summary), ('Analysis', status.analysis), ('Synthesis', status.synthesis))
        return Offer(
            version=int(status.proposed_version),
            proposed_by=name_of(status.proposed_by),
            told=tuple((name, line_of(text)) for name, text in told),
            changed_from='' if status.proposed_source else compared,
            changes=tuple(sorted(changes, key=lambda change: -abs(change.share))),
            contradictions=(),
            thoughts=tuple((name, clean_text(text)) for name, text in thoughts if text),
            source=clean_text(status.proposed_source),
            numbers=tuple(Number(self._label(name), value) for name, value in proposed),
            landing=_place(status.expected_landing),
        )

    def _label(self, name: str) -> str:
        known = self._parameters.get(name)
        return name if known is None else known.label

    def _change(self, name: str, before: float, after: float) -> Change | None:
        known = self._parameters.get(name)
        if known is None:
            return None if before == after else Change(name, before, after)
        return changed(known, before, after)

    def emergency_stop(self) -> str:
        """Stop the arm."""
        return self._client.stop('controller/emergency_stop')

    def disarm(self) -> str:
        """Slow the arm down and keep it standing."""
        return self._client.stop('controller/disarm')

    def cancel(self) -> str:
        """End the run after the ball in flight."""
        return self._client.stop('cancel_improvement')

    def arm(self, by: str) -> str:
        """Let the arm move: it goes to its ready pose at once."""
        return self._client.operate(ARM, _named(by))

    def resume(self, by: str) -> str:
        """After a fault or a stop: disarmed, to be armed again."""
        return self._client.operate(RESUME, _named(by))

    def understood(self, words: str) -> tuple[str, str]:
        """What would be aimed at, and what would happen; nothing begins."""
        return self._client.ask_for(words, understand_only=True)

    def begin(self, words: str) -> str:
        """Begin a run towards an objective."""
        return self._client.ask_for(words)[1]

    def decide(self, offer: Offer, decision: str, by: str, reason: str, values: Sequence[float]) -> str:
        """Decide on what was shown, and on nothing else."""
        status = self._client.waiting()
        if self._offer(status, self._client.heard(PARAMETERS)) != offer:
            raise RobotError('something else waits by now: look at it first')
        return self._client.decide(status, decision, reason, values, _named(by))


def _named(by: str) -> str:
    """Who is recorded for what was done; whoever started the console did not do it."""
    if not by:
        raise RobotError('nobody is named: say who does it, for the record')
    return by


def _place(said: Sequence[float]) -> tuple[float, float] | None:
    """Of two finite numbers; None of anything else."""
    numbers = tuple(map(float, said))
    return (numbers[0], numbers[1]) if len(numbers) == 2 and all(map(math.isfinite, numbers)) else None


def _values(published: PolicyParameters | None) -> dict[str, float]:
    """By the names of the parameters; empty of a program, and of what cannot be read."""
    try:
        return {} if published is None else values_in(published)
    except ParameterError:
        return {}
