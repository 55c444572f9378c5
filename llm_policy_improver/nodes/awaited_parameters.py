"""Whether a controller that has just come back lacks the parameters of the run that is going on."""

from typing import Final

from rclpy.node import Node

from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.seals import Seals

_PLAYING: Final = (OptimizerStatus.RUNNING, OptimizerStatus.WAITING_FOR_APPROVAL)


class AwaitedParameters:
    """Hears the optimizer's status, which is latched: of an optimizer that is gone nothing is heard.

    A controller that was restarted in a run plays the neutral parameters until it is given those of the run, which
    takes moments. Who arms it meanwhile would have a ball played that belongs to no version of the run.

    Args:
        node: the controller.
        seals: of the run.
    """

    def __init__(self, node: Node, seals: Seals) -> None:
        self._node = node
        self._trials = 0
        self._heard = subscribe(node, OptimizerStatus, 'optimizer/status', seals.latest(self._on_status), LATCHED)

    def why_missing(self, version: int) -> str:
        """Why the arm may not be armed with parameters of this version in use, in words; empty where it may."""
        if version > 0 or self._trials == 0:
            return ''
        return (
            f'{self._trials} trials of the run that is going on were played, and this controller has no parameters of '
            'it yet: they come by themselves within seconds; else look at the log of the optimizer'
        )

    def close(self) -> None:
        """Hear nothing more."""
        self._node.destroy_subscription(self._heard)

    def _on_status(self, message: OptimizerStatus) -> None:
        self._trials = message.iteration if message.state in _PLAYING else 0
