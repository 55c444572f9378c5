"""What a person does on a running arm, from a program of their own: look, decide, arm, resume, stop.

    with OperatorClient(security, by='Ada') as operator:
        status = operator.waiting()             # the proposal that waits
        print(operator.decide(status, APPROVE))

It makes the tokens that the services ask for with the operator's key, and trusts no status that the run has not sealed.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.tokens import CHECK, operation_token
from llm_policy_improver.msg import ControllerStatus, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.attending import attend
from llm_policy_improver.nodes.enclaves import enclave_arguments
from llm_policy_improver.nodes.improvement_messages import shown_in
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import values_in
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.srv import ApproveParameters, Operate
from llm_policy_improver.table_tennis.guard.drive_check import CHECKED, UNCHECKED

_FOUND: Final = 5.0
"""s that nodes are given to be found."""
_ANSWERED: Final = 10.0
"""s that a service is given to answer: arming may look half a second for a way home."""

_CHECKED: Final = 15.0
"""s that a check of the drives may take, which itself takes 3.4 s."""


class OperatorError(RuntimeError):
    """It could not be done; the message says why, in one sentence."""


class OperatorClient:
    """A person at the arm.

    Args:
        security: where the keys are.
        by: who does it, for the record.
        namespace: of the nodes.

    Raises:
        SettingsError: a key cannot be read.
    """

    def __init__(self, security: SecuritySettings, by: str, namespace: str = '') -> None:
        self.by = by
        self._key = security.operator()
        self._context = Context()
        self._context.init(['--ros-args', *enclave_arguments('operator')])
        self._closing = ExitStack()
        self._closing.callback(self._context.try_shutdown)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._closing.callback(self._executor.shutdown)
        self._node = Node('operator', namespace=namespace, context=self._context)
        self._closing.callback(self._node.destroy_node)
        self._executor.add_node(self._node)
        self._seals = Seals(self._node, security)
        self._heard: dict[str, Any] = {}
        for kind, topic in (
            (ControllerStatus, 'controller/status'),
            (OptimizerStatus, 'optimizer/status'),
            (PolicyParameters, 'policy_parameters'),
        ):
            subscribe(self._node, kind, topic, self._seals.latest(self._hear(topic)), LATCHED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _hear(self, topic: str) -> Callable[[Any], None]:
        return lambda message: self._heard.update({topic: message})

    def _last(self, topic: str, who: str) -> Any:
        if not attend(self._executor, lambda: topic in self._heard, _FOUND):
            foreign = self._seals.left_out
            said = (
                f'{foreign} messages came that no node of this run has sealed'
                if foreign
                else 'nobody was heard'
            )
            raise OperatorError(f'no {who} was found on {self._node.resolve_topic_name(topic)}: {said}')
        return self._heard[topic]

    def controller(self) -> ControllerStatus:
        """The latest status of the controller.

        Raises:
            OperatorError: none was heard.
        """
        return self._last('controller/status', 'controller')

    def waiting(self) -> OptimizerStatus:
        """The status with the proposal that waits for a person.

        Raises:
            OperatorError: no optimizer was heard, or nothing waits.
        """
        status: OptimizerStatus = self._last('optimizer/status', 'optimizer')
        if status.state != OptimizerStatus.WAITING_FOR_APPROVAL:
            raise OperatorError(f'no proposal waits for approval: the optimizer is {status.state}')
        return status

    def in_force(self) -> dict[str, float]:
        """The parameters published last, by their names; empty where there are none."""
        message = self._heard.get('policy_parameters')
        if message is None:
            return {}
        return values_in(message)

    def operate(self, operation: str) -> str:
        """Arm, resume or check the drives.

        Args:
            operation: `core.tokens.ARM`, `RESUME` or `CHECK`.

        Returns:
            What happens now.

        Raises:
            OperatorError: it was refused.
        """
        request = Operate.Request(operated_by=self.by)
        if self._key is not None:
            request.token = operation_token(self._key, operation, self.controller().challenge, self.by)
        return self._asked(Operate, f'controller/{operation}', request)

    def check_drives(self) -> str:
        """Have the drives checked, and wait for what comes of it.

        Raises:
            OperatorError: it was refused, or the drives are not as the safety file says.
        """
        self.operate(CHECK)
        told = (CHECKED, UNCHECKED)
        if not attend(self._executor, lambda: self.controller().message.startswith(told), _CHECKED):
            raise OperatorError(f'the check did not end within {_CHECKED:g} s: look at the log of the controller')
        status = self.controller()
        if status.message.startswith(UNCHECKED):
            raise OperatorError(status.message + (f' ({status.fault})' if status.fault else ''))
        return str(status.message)

    def stop(self, service: str) -> str:
        """Stop or disarm, for which nobody needs a key.

        Args:
            service: ``'emergency_stop'`` or ``'disarm'``.

        Raises:
            OperatorError: no controller answered.
        """
        return self._asked(Trigger, f'controller/{service}', Trigger.Request())

    def decide(
        self, status: OptimizerStatus, decision: str, reason: str = '', values: Sequence[float] = ()
    ) -> str:
        """Decide on what a status showed, and on nothing else.

        Args:
            status: of `waiting`.
            decision: one of `loop.approval.DECISIONS`.
            reason: why; a rejection must have one.
            values: to edit: one number a parameter.

        Raises:
            OperatorError: it was refused.
        """
        request = ApproveParameters.Request(
            version=status.proposed_version, decision=decision, decided_by=self.by, reason=reason,
            values=list(values),
        )  # fmt: skip
        if self._key is not None:
            request.token = shown_in(status).token(self._key, decision, self.by, reason, values)
        return self._asked(ApproveParameters, 'optimizer/approve_parameters', request)

    def _asked(self, kind: Any, service: str, request: Any) -> str:
        client = self._node.create_client(kind, service)
        try:
            if not attend(self._executor, client.service_is_ready, _FOUND):
                raise OperatorError(
                    f'nobody serves {client.srv_name}: do the nodes run, and in this namespace?'
                )
            asked = client.call_async(request)
            if not attend(self._executor, asked.done, _ANSWERED):
                raise OperatorError(f'{client.srv_name} did not answer within {_ANSWERED:g} s')
        finally:
            self._node.destroy_client(client)
        answer = asked.result()
        done = answer.accepted if kind is ApproveParameters else answer.success
        if not done:
            raise OperatorError(str(answer.message))
        return str(answer.message)
