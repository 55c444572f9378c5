"""Seals on messages: who has the key of the run knows which of them come from its nodes."""

from array import array
from collections.abc import Callable
from struct import pack
from typing import Any, Final

import numpy as np
from rclpy.node import Node

from llm_policy_improver.core.security import SecuritySettings, packed
from llm_policy_improver.nodes.messages import stamp_of

SEAL: Final = 'seal'
"""The field of a message that holds it."""
_QUIET: Final = 5.0
"""s between two log lines about messages that are left out."""


class Seals:
    """Of the messages of one node.

    Args:
        node: whose messages they are.
        security: where the key of the run is; without one nothing is sealed, and everything is taken for genuine.

    Attributes:
        left_out: how many messages were not genuine.

    Raises:
        SettingsError: the key cannot be read or made.
    """

    def __init__(self, node: Node, security: SecuritySettings) -> None:
        self._node = node
        self._key = security.key()
        self.left_out = 0
        if security.insecure:
            node.get_logger().warning(
                'security.insecure is true: anybody on the network may approve, arm and send parameters'
            )

    @property
    def asked(self) -> bool:
        """Whether messages are sealed here."""
        return self._key is not None

    def sealed(self, message: Any) -> Any:
        """The same message with its seal."""
        if self._key is not None:
            message.seal = self._key.seal(self._purpose(message), content(message))
        return message

    def genuine(self, message: Any) -> bool:
        """Whether a node of this run has sealed it; else it is counted, and told in the log now and then."""
        if self._key is None or self._key.holds(message.seal, self._purpose(message), content(message)):
            return True
        self.leave_out(f'a message {type(message).__name__} that no node of this run has sealed')
        return False

    def guarded(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """A callback that takes genuine messages alone."""

        def only_genuine(message: Any) -> None:
            if self.genuine(message):
                take(message)

        return only_genuine

    def latest(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """The same of statuses: one that is older than another before it was sent once more, and is left out."""
        newest = 0

        def only_newer(message: Any) -> None:
            nonlocal newest
            stamp = stamp_of(message.header.stamp)
            if self.asked and stamp < newest:
                self.leave_out(f'a message {type(message).__name__} that is older than one before it')
                return
            newest = stamp
            take(message)

        return self.guarded(only_newer)

    def leave_out(self, what: str) -> None:
        """Count a message, and say now and then that there are some."""
        self.left_out += 1
        self._node.get_logger().warning(
            f'left out: {what}; {self.left_out} messages so far', throttle_duration_sec=_QUIET
        )

    def _purpose(self, message: Any) -> str:
        return f'{self._node.get_namespace()} {type(message).__name__}'


def content(message: Any) -> bytes:
    """All fields but the seal, in their order, exactly: two messages that differ in anything differ here."""
    fields = message.get_fields_and_field_types()
    return packed(*(_bytes(getattr(message, name)) for name in fields if name != SEAL))


def _bytes(value: Any) -> bytes:
    for kind, encode in _ENCODINGS:
        if isinstance(value, kind):
            return encode(value)
    return content(value)


_ENCODINGS: Final[tuple[tuple[type, Callable[[Any], bytes]], ...]] = (
    (float, lambda value: pack('<d', value)),
    (int, lambda value: str(int(value)).encode()),
    (str, lambda value: value.encode('utf-8', 'surrogatepass')),
    (bytes, bytes),
    (array, lambda value: value.tobytes()),
    (np.ndarray, lambda value: value.tobytes()),
    (list, lambda value: packed(*map(_bytes, value))),
)
