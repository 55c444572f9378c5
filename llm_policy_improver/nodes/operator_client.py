"""What a person does on a running arm, from a program of their own: look, decide, arm, resume, stop.

    with OperatorClient(security, by='Ada') as operator:
        status = operator.waiting()             # the proposal that waits
        print(operator.decide(status, APPROVE))

It makes the tokens that the services ask for with the operator's key, and trusts no status that the run has not sealed.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any, Final, Self

from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.core.tokens import CHECK, operation_token
from llm_policy_improver.msg import ControllerStatus, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.enclaves import enclave_arguments
from llm_policy_improver.nodes.improvement_messages import shown_in
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import line_of, values_in
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.report.robot import RobotError
from llm_policy_improver.srv import ApproveParameters, Operate, SetObjective
from llm_policy_improver.table_tennis.guard.drive_check import CHECKED, UNCHECKED

CONTROLLER: Final = 'controller/status'
OPTIMIZER: Final = 'optimizer/status'
PARAMETERS: Final = 'policy_parameters'
_FOUND: Final = 5.0
"""s that nodes are given to be found."""
_LOOK: Final = 0.02
"""s between two looks whether somebody serves: the graph tells nobody when it changes."""
_ANSWERED: Final = 10.0
"""s that a service is given to answer: arming may look half a second for a way home."""
_READ: Final = 300.0
"""s that reading an objective may take, for which a language model may be asked."""
_LONGEST: Final = 2000
"""Characters of an answer that are shown: why an objective is not understood takes many."""
_CHECKED: Final = 15.0
"""s that a check of the drives may take, which itself takes 3.4 s."""


class OperatorClient:
    """A person at the arm; any thread may use it. What arrives is attended to in a thread of its own.

    Args:
        security: where the keys are.
        by: who does it, for the record.
        namespace: of the nodes.
        name: of its node, and of its enclave.
        beside: given the node before anything arrives, for subscriptions of its own.

    Raises:
        SettingsError: a key cannot be read.
    """

    def __init__(
        self,
        security: SecuritySettings,
        by: str,
        namespace: str = '',
        name: str = 'operator',
        beside: Callable[[Node], None] = lambda node: None,
    ) -> None:
        self.by = by
        self._key = security.operator()
        self._context = Context()
        self._context.init(['--ros-args', *enclave_arguments(name)])
        self._closing = ExitStack()
        self._closing.callback(self._context.try_shutdown)
        self._node = Node(name, namespace=namespace, context=self._context)
        self._closing.callback(self._node.destroy_node)
        self._seals = Seals(self._node, security)
        self._heard: dict[str, Any] = {}
        self._clients: dict[str, Client] = {}
        self._news = Condition()
        for kind, topic in (
            (ControllerStatus, CONTROLLER),
            (OptimizerStatus, OPTIMIZER),
            (PolicyParameters, PARAMETERS),
        ):
            subscribe(self._node, kind, topic, self._seals.latest(self._hear(topic)), LATCHED)
        beside(self._node)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        spinning = Thread(target=self._executor.spin, name=name, daemon=True)
        spinning.start()
        self._closing.callback(spinning.join)
        self._closing.callback(self._executor.shutdown)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the graph."""
        self._closing.close()

    @property
    def left_out(self) -> int:
        """Messages that no node of this run has sealed."""
        return self._seals.left_out

    def heard(self, topic: str) -> Any:
        """The last message on `CONTROLLER`, `OPTIMIZER` or `PARAMETERS`; None where none has come."""
        return self._heard.get(topic)

    def _hear(self, topic: str) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            with self._news:
                self._heard[topic] = message
                self._news.notify_all()

        return take

    def _last(self, topic: str, who: str) -> Any:
        with self._news:
            found = self._news.wait_for(lambda: topic in self._heard, _FOUND)
        if not found:
            foreign = self._seals.left_out
            said = (
                f'{foreign} messages came that no node of this run has sealed'
                if foreign
                else 'nobody was heard'
            )
            raise RobotError(f'no {who} was found on {self._node.resolve_topic_name(topic)}: {said}')
        return self._heard[topic]

    def controller(self) -> ControllerStatus:
        """The latest status of the controller.

        Raises:
            RobotError: none was heard.
        """
        return self._last(CONTROLLER, 'controller')

    def waiting(self) -> OptimizerStatus:
        """The status with the proposal that waits for a person.

        Raises:
            RobotError: no optimizer was heard, or nothing waits.
        """
        status: OptimizerStatus = self._last(OPTIMIZER, 'optimizer')
        if status.state != OptimizerStatus.WAITING_FOR_APPROVAL:
            raise RobotError(f'no proposal waits for approval: the optimizer is {status.state}')
        return status

    def in_force(self) -> dict[str, float]:
        """The parameters published last, by their names; empty where there are none."""
        message = self._heard.get(PARAMETERS)
        if message is None:
            return {}
        return values_in(message)

    def operate(self, operation: str, by: str = '') -> str:
        """Arm, resume or check the drives.

        Args:
            operation: `core.tokens.ARM`, `RESUME` or `CHECK`.
            by: who does it, where that is somebody else.

        Returns:
            What happens now.

        Raises:
            RobotError: it was refused.
        """
        person = by or self.by
        request = Operate.Request(operated_by=person)
        if self._key is not None:
            request.token = operation_token(self._key, operation, self.controller().challenge, person)
        return self._done(self._asked(Operate, f'controller/{operation}', request))

    def check_drives(self) -> str:
        """Have the drives checked, and wait for what comes of it.

        Raises:
            RobotError: it was refused, or the drives are not as the safety file says.
        """
        self.operate(CHECK)
        told = (CHECKED, UNCHECKED)
        with self._news:
            ended = self._news.wait_for(lambda: self._heard[CONTROLLER].message.startswith(told), _CHECKED)
        if not ended:
            raise RobotError(f'the check did not end within {_CHECKED:g} s: look at the log of the controller')
        status = self.controller()
        if status.message.startswith(UNCHECKED):
            raise RobotError(status.message + (f' ({status.fault})' if status.fault else ''))
        return str(status.message)

    def stop(self, service: str) -> str:
        """Stop or disarm the arm, or end the run after the ball in flight, for which nobody needs a key.

        Args:
            service: ``'controller/emergency_stop'``, ``'controller/disarm'`` or ``'cancel_improvement'``.

        Raises:
            RobotError: nobody answered.
        """
        return self._done(self._asked(Trigger, service, Trigger.Request()))

    def ask_for(self, words: str, *, understand_only: bool = False) -> tuple[str, str]:
        """Begin a run towards an objective, or have it read alone.

        Returns:
            What is aimed at, empty where the words allow no measure; and what happens now, or would.

        Raises:
            RobotError: it was not understood, or a run is under way.
        """
        request = SetObjective.Request(objective=words, understand_only=understand_only)
        answer = self._asked(SetObjective, 'set_objective', request, _READ)
        return line_of(answer.aim), self._done(answer)

    def decide(
        self,
        status: OptimizerStatus,
        decision: str,
        reason: str = '',
        values: Sequence[float] = (),
        by: str = '',
    ) -> str:
        """Decide on what a status showed, and on nothing else.

        Args:
            status: of `waiting`.
            decision: one of `loop.approval.DECISIONS`.
            reason: why; a rejection must have one.
            values: to edit: one number a parameter.
            by: who decides, where that is somebody else.

        Raises:
            RobotError: it was refused.
        """
        person = by or self.by
        request = ApproveParameters.Request(
            version=status.proposed_version, decision=decision, decided_by=person, reason=reason,
            values=list(values),
        )  # fmt: skip
        if self._key is not None:
            request.token = shown_in(status).token(self._key, decision, person, reason, values)
        return self._done(self._asked(ApproveParameters, 'optimizer/approve_parameters', request))

    def client(self, kind: Any, service: str) -> Client:
        """Of a service, kept until the end: who has one before it is needed waits for nobody to be found."""
        with self._news:
            if service not in self._clients:
                self._clients[service] = self._node.create_client(kind, service)
            return self._clients[service]

    def _asked(self, kind: Any, service: str, request: Any, patience: float = _ANSWERED) -> Any:
        client = self.client(kind, service)
        end, name = time.monotonic() + _FOUND, self._node.resolve_service_name(service)
        while not client.service_is_ready():
            if time.monotonic() > end:
                raise RobotError(f'nobody serves {name}: do the nodes run, and in this namespace?')
            time.sleep(_LOOK)
        answered = Event()
        asked = client.call_async(request)
        asked.add_done_callback(lambda _: answered.set())
        if not answered.wait(patience):
            client.remove_pending_request(asked)
            raise RobotError(f'{name} did not answer within {patience:g} s')
        return asked.result()

    @staticmethod
    def _done(answer: Any) -> str:
        """What happens now, or `RobotError` with why not."""
        message = clean_line(answer.message, _LONGEST)
        if not (answer.success if hasattr(answer, 'success') else answer.accepted):
            raise RobotError(message)
        return message
