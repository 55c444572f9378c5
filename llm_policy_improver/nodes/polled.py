"""Streams that are read when somebody looks, and not whenever a message comes.

To wake up for each of 400 messages a second costs a Python node a tenth of a core; a viewer looks ten times a second.
"""

from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy

from llm_policy_improver.nodes.limited import read


class _Never(CallbackGroup):
    """Nothing in it wakes up the executor."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        pass


class Polled:
    """A subscription that keeps the last messages until they are taken.

    It is best effort, so that whoever publishes waits for nobody here.

    Args:
        node: that listens.
        kind: type of the messages.
        topic: where they come.
        depth: messages that are kept.
    """

    def __init__(self, node: Node, kind: Any, topic: str, depth: int) -> None:
        self._node = node
        self._kind = kind
        self._topic = topic
        quality = QoSProfile(
            history=QoSHistoryPolicy.KEEP_LAST, depth=depth, reliability=QoSReliabilityPolicy.BEST_EFFORT
        )
        self._subscription = node.create_subscription(
            kind, topic, lambda data: None, quality, callback_group=_Never(), raw=True
        )

    def take(self) -> list[Any]:
        """What has come since, oldest first; what is too long or no such message is left out."""
        found = []
        handle = self._subscription.handle
        with handle:
            while (taken := handle.take_message(self._kind, True)) is not None:
                message = read(self._node, self._kind, self._topic, taken[0])
                if message is not None:
                    found.append(message)
        return found
