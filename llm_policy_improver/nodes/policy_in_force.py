"""Publishes the policy that is to be in force, and hears what the controller makes of it."""

from typing import Final

from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.msg import ControllerStatus, PolicyParameters
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.table_tennis.arm.modulation import Modulation

_PATIENCE: Final = 5.0
"""s that a controller is given to take up what was published; it does so between balls."""


class PolicyInForce:
    """Between the optimizer and whoever runs its policies.

    Args:
        node: publishes, and its coroutines wait here.
        space: the bounds within which a program chooses.
        memory: keeps what was published last.
    """

    def __init__(self, node: WaitingNode, space: ParameterSpace, memory: RunMemory) -> None:
        self._node = node
        self._space = space
        self._memory = memory
        self._status: ControllerStatus | None = None
        self._version = 0
        self._refusal = ''
        self._out = node.create_publisher(PolicyParameters, 'policy_parameters', LATCHED)
        node.create_subscription(ControllerStatus, 'controller/status', self._on_controller, LATCHED)

    def publish(self, version: int, proposal: Proposal, bounds: ParameterSpace | None = None) -> None:
        """Put a policy in force.

        Args:
            bounds: of what was published and approved in an earlier process; those of now where None.
        """
        modulation = Modulation.within(bounds or self._space, proposal.policy, version, proposal.proposed_by)
        self._memory.in_force = version, proposal
        self._version, self._refusal = version, ''
        self._out.publish(parameters_message(modulation, self._node.get_clock().now().nanoseconds))

    def revert(self) -> int:
        """Go back to the last good policy; the version that it has now."""
        try:
            version, good = self._memory.revert(self._active)
        except StoreError as error:  # going back must work with a full disk, too
            self._node.get_logger().error(str(error))
            version, good = self._memory.version, self._memory.good_before(self._active)
        self.publish(version, good)
        return version

    async def why_unused(self, version: int) -> str:
        """Wait for the controller to use what was published; in words why it does not, empty where it does."""
        if self._status is None:
            return 'no controller has said anything yet'
        await self._node.until(lambda: bool(self._refusal) or self._active >= version, _PATIENCE)
        if self._active >= version:
            return ''
        return self._refusal or f'the controller has not taken it up within {_PATIENCE:g} s'

    @property
    def _active(self) -> int:
        return 0 if self._status is None else int(self._status.active_version)

    def _on_controller(self, status: ControllerStatus) -> None:
        self._status = status
        if not self._refusal and 0 < self._version == status.refused_version:
            self._refusal = status.message
            self._node.get_logger().error(f'the controller has not taken what was published: {self._refusal}')
        self._node.notify()
