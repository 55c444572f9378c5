"""Whether the nodes that a simulated arm talks with have all been found, each by each topic.

Nodes find each other topic by topic, and not at once: on a busy machine seconds lie between the first and the last. A
ball that is played before misses its controller, or is seen by nobody who records it.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

_SETTLED: Final = 0.4
"""s without a change, once all that is known of has been found."""
_PATIENCE: Final = 3.0
"""s without a change after which what has not been found will not be: subscribers whose quality of service does not
suit, or a program that commands without looking at everything."""


class Meeting:
    """Of a node that publishes what an arm and its cameras tell, and takes commands.

    Args:
        node: that asks.
        streams: it publishes, which a controller listens to.
        commands: it takes, all sent by a controller.
    """

    def __init__(self, node: Node, streams: Sequence[Publisher], commands: Sequence[Subscription]) -> None:
        self._node = node
        self._streams = streams
        self._commands = commands
        self._seen: Any = None
        self._since = 0.0

    def look(self) -> bool:
        """Whether a ball can be played; to be asked again and again, as it counts for how long nothing has changed."""
        listening = [
            self._names(self._node.get_subscriptions_info_by_topic(s.topic_name)) for s in self._streams
        ]
        commanding = [
            self._names(self._node.get_publishers_info_by_topic(s.topic_name)) for s in self._commands
        ]
        reached = [stream.get_subscription_count() for stream in self._streams]
        heard = [command.get_publisher_count() for command in self._commands]
        seen = listening, commanding, reached, heard
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        if not all(reached) or not all(heard):
            return False
        complete = (
            [len(names) for names in listening] == reached
            and [len(names) for names in commanding] == heard
            and all(set(names) <= set(ears) for names in commanding for ears in listening)
        )
        return time.monotonic() - self._since >= (_SETTLED if complete else _PATIENCE)

    @staticmethod
    def _names(endpoints: Sequence[Any]) -> list[tuple[str, str]]:
        """Of the nodes; one comes as often as it has endpoints."""
        return sorted((str(each.node_namespace), str(each.node_name)) for each in endpoints)
