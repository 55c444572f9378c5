"""Who publishes what drives and controller go by, as the graph of ROS shows it.

By the names of the nodes: one that was killed stays in the graph for up to 20 s, and its successor has the same name.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from rclpy.node import Node

LOOKING: Final = 0.25
"""s between two looks."""
_JOINT_STATES: Final = 2
"""Nodes that may report joints: the drivers of the gantry and of the arm."""
_UNKNOWN: Final = '_NODE_NAME_UNKNOWN_'
"""What ROS calls a node of which it has found an endpoint, and its name not yet; programs without ROS stay so."""
_NAMED_WITHIN: Final = 4
"""Looks after which a node without a name counts."""


class PublisherWatch:
    """Of one node; to be asked again and again.

    Args:
        node: that asks.
        commands: topics on which it alone publishes.
        sensors: topics that it listens to, and how many nodes may publish on each.
    """

    def __init__(self, node: Node, commands: Sequence[str], sensors: Mapping[str, int]) -> None:
        self._node = node
        self._commands = [node.resolve_topic_name(topic) for topic in commands if topic]
        self._sensors = {node.resolve_topic_name(topic): most for topic, most in sensors.items()}
        self._own = _full(node.get_namespace(), node.get_name())
        self._accepted: dict[str, frozenset[str]] = {}
        self._nameless: dict[str, int] = {}

    def look(self, moving: bool) -> str:
        """Who publishes and may not, in words; empty where nobody does.

        Args:
            moving: whether the arm may move: then whoever was not there before is too many.
        """
        found = [self._on_commands(topic) for topic in self._commands]
        found += [self._on_sensor(topic, most, moving) for topic, most in self._sensors.items()]
        return next((each for each in found if each), '')

    def _on_commands(self, topic: str) -> str:
        others = self._publishers(topic)
        if self._own in others:
            others.remove(self._own)
        return f'{_names(others)} publishes on {topic}, too, which moves the arm' if others else ''

    def _on_sensor(self, topic: str, most: int, moving: bool) -> str:
        there = frozenset(self._publishers(topic))
        before = self._accepted.get(topic, frozenset())
        if not moving:
            self._accepted[topic] = there
        elif there - before:
            return f'{_names(sorted(there - before))} publishes on {topic} now, beside {_names(sorted(before))}'
        if len(there) > most:
            return f'{_names(sorted(there))} publish on {topic}: {most} may'
        return ''

    def _publishers(self, topic: str) -> list[str]:
        """Names of the nodes, each as often as it publishes there."""
        names = [
            _full(each.node_namespace, each.node_name)
            for each in self._node.get_publishers_info_by_topic(topic)
        ]
        known = [name for name in names if not name.endswith(_UNKNOWN)]
        looks = self._nameless.get(topic, 0) + 1 if len(known) < len(names) else 0
        self._nameless[topic] = looks
        return known if looks < _NAMED_WITHIN else [*known, 'a node without a name']


def of_sensors(joint_state_topic: str, ball_topic: str) -> dict[str, int]:
    """How many nodes may publish on each: two groups of drives have a driver each, and there is one set of cameras."""
    return {joint_state_topic: _JOINT_STATES, ball_topic: 1}


def _full(namespace: str, name: str) -> str:
    return f'{namespace.rstrip("/")}/{name}'


def _names(names: Sequence[str]) -> str:
    return ' and '.join(names) or 'nobody'
