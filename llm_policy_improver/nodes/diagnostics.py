"""``/diagnostics`` at 1 Hz (REP 107): how a node is, and for the others a sign that it lives."""

from collections.abc import Callable
from typing import Final

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from llm_policy_improver.nodes.messages import header_of
from llm_policy_improver.table_tennis.guard.guarded import Health, Level

TOPIC: Final = '/diagnostics'
_PERIOD: Final = 1.0
_LEVELS: Final = {
    Level.OK: DiagnosticStatus.OK,
    Level.WARNING: DiagnosticStatus.WARN,
    Level.ERROR: DiagnosticStatus.ERROR,
}


class Diagnostics:
    """Publishes what ``health`` says of a node once a second, named ``/namespace/node: what``."""

    def __init__(self, node: Node, what: str, health: Callable[[], Health]) -> None:
        self._node = node
        self._name = f'{node.get_fully_qualified_name()}: {what}'
        self._health = health
        self._publisher = node.create_publisher(DiagnosticArray, TOPIC, 10)
        # Wall clock: simulated time may stand still.
        self._timer = node.create_timer(_PERIOD, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> None:
        """Publish nothing more."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        health = self._health()
        status = DiagnosticStatus(
            level=_LEVELS[health.level],
            name=self._name,
            message=health.summary,
            hardware_id='',
            values=[KeyValue(key=key, value=value) for key, value in health.values.items()],
        )
        stamp = self._node.get_clock().now().nanoseconds
        self._publisher.publish(DiagnosticArray(header=header_of(stamp), status=[status]))


def nodes_heard(message: DiagnosticArray) -> set[str]:
    """The fully qualified names of the nodes that speak in it; one that reports an error cannot be relied on."""
    return {
        status.name.partition(':')[0].strip()
        for status in message.status
        if status.level != DiagnosticStatus.ERROR
    }
