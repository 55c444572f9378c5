"""Tells on ``optimizer/status`` where the optimizer stands."""

from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.step import Step
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.improvement_messages import status_message
from llm_policy_improver.nodes.qos import LATCHED, REPEATED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.waiting import WaitingNode


class StatusBoard:
    """The latched status of an optimizer.

    Args:
        node: publishes.
        space: the bounds within which a program chooses.
        run: name of the run.
        seals: of the run.
    """

    def __init__(self, node: WaitingNode, space: ParameterSpace, run: str, seals: Seals) -> None:
        self._node = node
        self._run = run
        self._seals = seals
        self._space = space
        self._out = node.create_publisher(OptimizerStatus, 'optimizer/status', LATCHED)
        self._last: OptimizerStatus | None = None
        if seals.asked:
            node.create_timer(REPEATED, self._repeat, clock=node.steady)

    def say(self, state: str, method: str, objective: str = '') -> None:
        """A state beside any run."""
        self._publish(OptimizerStatus(state=state, objective=objective, method=method))

    def show(
        self, improvement: Improvement, state: str, step: Step | None, waiting: GateCase | None = None
    ) -> None:
        """Where a run stands: its last step, and the proposal that waits for a person, if any."""
        status = status_message(improvement, state, step, self._space, waiting, self._run)
        self._publish(status)

    def _repeat(self) -> None:
        if self._last is not None:
            self._publish(self._last)

    def _publish(self, status: OptimizerStatus) -> None:
        self._last = status
        status.header.stamp = self._node.get_clock().now().to_msg()
        self._out.publish(self._seals.sealed(status))
