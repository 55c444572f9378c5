"""A person with the operator's key, on a graph under test."""

from typing import Any

from ros_graph import TIMEOUT, RosGraph

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.tokens import ARM, RESUME, operation_token
from llm_policy_improver.msg import ControllerStatus
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.srv import Operate

NAME = 'Ada'


class ArmOperator:
    """Arms and resumes; answers the challenge of the latest status where a key is asked for.

    Attributes:
        states: of the controller, as they came.
    """

    def __init__(self, graph: RosGraph, security: SecuritySettings | None = None) -> None:
        self._graph = graph
        self.key = None if security is None else security.operator()
        self.states: list[Any] = graph.collect(ControllerStatus, 'controller/status', LATCHED)

    def token(self, operation: str) -> str:
        """For this operation, now."""
        if self.key is None:
            return ''
        self._graph.spin_until(lambda: self.states, 'a status of the controller')
        return operation_token(self.key, operation, self.states[-1].challenge, NAME)

    def ask(self, operation: str, token: str | None = None, again: float = TIMEOUT) -> Operate.Response:
        """Ask for it, with this token, or with one that is right by now."""
        request = Operate.Request(operated_by=NAME, token=self.token(operation) if token is None else token)
        return self._graph.call(Operate, f'controller/{operation}', request, again)

    def arm(self, again: float = TIMEOUT) -> Operate.Response:
        """Let the arm move."""
        return self.ask(ARM, again=again)

    def resume(self, again: float = TIMEOUT) -> Operate.Response:
        """After a fault or a stop."""
        return self.ask(RESUME, again=again)
