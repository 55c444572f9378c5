"""Publishes the policy that is to be in force, and says whether the controller uses it."""

from dataclasses import replace
from typing import Final

from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.msg import PolicyParameters
from llm_policy_improver.nodes.controller_view import ControllerView
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.qos import LATCHED, REPEATED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.expected import Expected
from llm_policy_improver.table_tennis.tracing.incoming import to_expect

_PATIENCE: Final = 5.0
"""s that a controller is given to take up what was published; it does so between balls."""
_RECENT: Final = 10
"""Trials among which the one with the policy in force is looked for."""


class PolicyInForce:
    """Between the optimizer and whoever runs its policies.

    Args:
        node: publishes, and its coroutines wait here.
        space: the bounds within which a program chooses.
        memory: keeps what was published last.
        controller: is to use it.
        seals: of the run.
    """

    def __init__(
        self,
        node: WaitingNode,
        space: ParameterSpace,
        memory: RunMemory,
        controller: ControllerView,
        seals: Seals,
    ) -> None:
        self._node = node
        self._space = space
        self._memory = memory
        self._controller = controller
        self._seals = seals
        self._told = ''
        self._last: Modulation | None = None
        self._out = node.create_publisher(PolicyParameters, 'policy_parameters', LATCHED)
        # What is sealed for one start of the controller is none for the next: it gets it anew.
        controller.began = self._send
        if seals.asked:
            node.create_timer(REPEATED, self._repeat, clock=node.steady)

    def publish(self, version: int, proposal: Proposal, bounds: ParameterSpace | None = None) -> None:
        """Put a policy in force.

        Args:
            bounds: of what was published and approved in an earlier process; those of now where None.
        """
        modulation = Modulation.within(bounds or self._space, proposal.policy, version, proposal.proposed_by)
        expected = to_expect(self._memory.history, version)
        modulation = replace(modulation, expected=expected)
        self._tell(expected)
        self._memory.in_force = version, proposal
        self._last = modulation
        self._send()

    def _send(self) -> None:
        if self._last is None:
            return
        now = self._node.get_clock().now().nanoseconds
        message = parameters_message(self._last, now, self._memory.run, self._controller.start)
        self._out.publish(self._seals.sealed(message))

    def _repeat(self) -> None:
        """Until the controller uses it and the trace logger knows it, too, so that a trial with it has come back."""
        if self._last is None:
            return
        version = self._last.version
        if self._controller.version == version:
            needed = not any(trial.version == version and trial.tested for trial in self._memory.history[-_RECENT:])
        else:
            needed = not self._controller.why_never(version)
        if needed:
            self._send()

    def _tell(self, expected: Expected) -> None:
        """Log what is expected of the next ball where that differs from what was last told."""
        if str(expected) != self._told:
            self._told = str(expected)
            self._node.get_logger().info(f'the balls are expected {expected}')

    def revert(self) -> int:
        """Go back to the last good policy; the version that it has now."""
        active = self._controller.version
        try:
            version, good = self._memory.revert(active)
        except StoreError as error:  # going back must work with a full disk, too
            self._node.get_logger().error(str(error))
            version, good = self._memory.version, self._memory.good_before(active)
        self.publish(version, good)
        return version

    async def why_unused(self, version: int) -> str:
        """Wait for the controller to use what was published; in words why it does not, empty where it does."""
        controller = self._controller
        if not controller.known:
            return 'no controller has said anything yet'

        def decided() -> bool:
            return controller.version == version or bool(controller.why_never(version))

        if not await self._node.until(decided, _PATIENCE):
            return f'the controller has not taken it up within {_PATIENCE:g} s'
        return controller.why_never(version)
