"""What a person does on the arm, done by a program by the same services: resume, arm, approve."""

import time
from typing import Any, Final

from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.tokens import ARM, RESUME, operation_token
from llm_policy_improver.loop.approval import APPROVE
from llm_policy_improver.msg import ControllerStatus, OptimizerStatus
from llm_policy_improver.nodes.improvement_messages import shown_in
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import line_of
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.srv import ApproveParameters, Operate

NAME: Final = 'scripted operator'
"""Who decides, for the audit records."""
LOOKING: Final = 0.2
"""s between two looks."""
ANSWER: Final = 3.0
"""s to wait for a service."""


class ScriptedOperator:
    """Keeps the arm armed and approves every proposal. For rehearsals only.

    Args:
        node: whose executor is spun by the caller.
        security: where the operator's key is, and that of the run: a status that is not sealed says nothing.

    Attributes:
        faults: why the arm was stopped, each time.
        refusals: how often in a row an approval was refused.
        last_refusal: of the last service that refused anything, why.
    """

    def __init__(self, node: Node, security: SecuritySettings) -> None:
        self._key, seals = security.operator(), Seals(node, security)
        self.faults: list[str] = []
        self.refusals = 0
        self.last_refusal = ''
        self._controller: ControllerStatus | None = None
        self._optimizer: OptimizerStatus | None = None
        self._waiting: dict[str, Any] = {}
        self._decided = 0
        subscribe(node, ControllerStatus, 'controller/status', seals.latest(self._on_controller), LATCHED)
        subscribe(node, OptimizerStatus, 'optimizer/status', seals.latest(self._on_optimizer), LATCHED)
        self._arm = node.create_client(Operate, 'controller/arm')
        self._resume = node.create_client(Operate, 'controller/resume')
        self._approve = node.create_client(ApproveParameters, 'optimizer/approve_parameters')
        node.create_timer(LOOKING, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def state(self) -> str:
        """Of the controller; empty before it has said anything."""
        return '' if self._controller is None else str(self._controller.state)

    @property
    def run(self) -> str:
        """State of the optimizer; empty before it has said anything."""
        return '' if self._optimizer is None else str(self._optimizer.state)

    def _on_controller(self, status: ControllerStatus) -> None:
        before = self._controller
        self._controller = status
        if status.state == ControllerStatus.FAULT and (before is None or before.fault != status.fault):
            self.faults.append(line_of(status.fault))

    def _on_optimizer(self, status: OptimizerStatus) -> None:
        self._optimizer = status

    def _look(self) -> None:
        """One question at a time of each kind."""
        if self.state == ControllerStatus.FAULT:
            self._ask(RESUME, self._resume, self._operation(RESUME))
        elif self.state == ControllerStatus.DISARMED:
            self._ask(ARM, self._arm, self._operation(ARM))
        status = self._optimizer
        if (
            status is not None
            and status.state == OptimizerStatus.WAITING_FOR_APPROVAL
            and status.proposed_version > self._decided
        ):
            request = ApproveParameters.Request(
                version=status.proposed_version, decision=APPROVE, decided_by=NAME, reason='a rehearsal'
            )
            if self._key is not None:
                request.token = shown_in(status).token(self._key, APPROVE, NAME, request.reason)
            self._ask('approve', self._approve, request)

    def _operation(self, operation: str) -> Operate.Request:
        request = Operate.Request(operated_by=NAME)
        if self._key is not None and self._controller is not None:
            request.token = operation_token(self._key, operation, self._controller.challenge, NAME)
        return request

    def _ask(self, what: str, client: Client, request: Any) -> None:
        asked, since = self._waiting.get(what, (None, 0.0))
        if asked is not None and not asked.done():
            if time.monotonic() - since < ANSWER:
                return
            client.remove_pending_request(asked)  # an answer can get lost while the nodes find each other
        if not client.service_is_ready():
            return
        asked = client.call_async(request)
        asked.add_done_callback(lambda answered: self._answered(request, answered.result()))
        self._waiting[what] = asked, time.monotonic()

    def _answered(self, request: Any, response: Any) -> None:
        if isinstance(request, ApproveParameters.Request):
            if response.accepted:
                self._decided = max(self._decided, request.version)
                self.refusals = 0
            else:
                self.refusals += 1
                self.last_refusal = line_of(response.message)
        elif not response.success:
            self.last_refusal = line_of(response.message)
