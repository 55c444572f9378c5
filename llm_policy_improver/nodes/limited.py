"""Subscriptions that look how long a message is before anything is made of it.

Python holds all threads of a process while it makes strings and lists of a message: of one of 20 MB for 40 ms, and its
seal takes 60 ms more, as measured; after 0.1 s without joint states the arm is stopped.
"""

from collections.abc import Callable
from typing import Any, Final

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription

LONGEST: Final = 256 * 1024
"""Bytes of a message, serialized. The longest that a node of this package sends beside trials, parameters with a
program, has a tenth of that."""
LONGEST_TRIAL: Final = 16 * 1024 * 1024
"""The same of a trial with its time series: 60 s at 100 Hz, and all that may be seen in them, are 3 MB."""
_TOLD: Final = 5.0
"""s between two log lines about messages that are left out."""


def subscribe(
    node: Node,
    kind: Any,
    topic: str,
    take: Callable[[Any], None],
    qos: QoSProfile | int,
    longest: int = LONGEST,
    wanted: Callable[[], bool] = lambda: True,
) -> Subscription:
    """As ``node.create_subscription``; what is longer than so many bytes is left out, and told in the log.

    Args:
        longest: bytes.
        wanted: whether a message would tell anything at this moment; where it would not, nothing is made of it.
    """

    def take_short(data: bytes) -> None:
        message = read(node, kind, topic, data, longest) if wanted() else None
        if message is not None:
            take(message)

    return node.create_subscription(kind, topic, take_short, qos, raw=True)


def read(node: Node, kind: Any, topic: str, data: bytes, longest: int = LONGEST) -> Any:
    """The message that these bytes are; None, told in the log, where they are too many or none of its type."""
    if len(data) > longest:
        node.get_logger().warning(
            f'left out: a message of {len(data):,} bytes on {topic}; {longest:,} at most are read',
            throttle_duration_sec=_TOLD,
        )
        return None
    try:
        return deserialize_message(data, kind)
    except RuntimeError:  # rclpy itself drops such a message without a word
        node.get_logger().warning(
            f'left out: {len(data):,} bytes on {topic} that are no {kind.__name__}', throttle_duration_sec=_TOLD
        )
        return None
