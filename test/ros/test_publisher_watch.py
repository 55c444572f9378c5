"""Who publishes what the arm goes by: others on the command topics, and new ones on those of the sensors."""

from collections.abc import Iterator

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from rclpy.node import Node
from ros_graph import RosGraph
from std_msgs.msg import String

from llm_policy_improver.nodes.publisher_watch import PublisherWatch


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def publishing(graph: RosGraph, name: str, topic: str) -> Node:
    node = graph.join(Node(name, namespace=graph.namespace, context=graph.context))
    node.create_publisher(String, topic, 10)
    return node


def test_another_publisher_of_commands_is_named_and_its_own_is_none(graph: RosGraph) -> None:
    watch = PublisherWatch(graph.probe, ('commands', ''), {})
    graph.probe.create_publisher(String, 'commands', 10)
    graph.spin_until(lambda: graph.probe.count_publishers('commands') == 1, 'its own publisher')
    assert watch.look(moving=True) == ''
    other = publishing(graph, 'stranger', 'commands')
    graph.spin_until(lambda: watch.look(moving=False), 'the stranger')
    space = graph.namespace
    assert watch.look(moving=True) == f'{space}/stranger publishes on {space}/commands, too, which moves the arm'
    graph.remove(other)
    graph.spin_until(lambda: not watch.look(moving=True), 'its end')
    publishing(graph, 'probe', 'commands')  # another node of the same name
    graph.spin_until(lambda: f'{space}/probe publishes' in watch.look(moving=True), 'the second one')


def test_new_node_on_a_sensor_is_too_many_while_the_arm_moves(graph: RosGraph) -> None:
    watch = PublisherWatch(graph.probe, (), {'ball': 1, 'joints': 2})
    publishing(graph, 'cameras', 'ball')
    publishing(graph, 'arm', 'joints')
    publishing(graph, 'gantry', 'joints')
    graph.spin_until(lambda: watch.look(moving=False) == '', 'sensors')
    graph.spin_rounds()
    assert watch.look(moving=False) == ''
    publishing(graph, 'arm', 'joints')  # as one that was killed and its successor
    assert watch.look(moving=True) == ''
    publishing(graph, 'bag', 'ball')
    space = graph.namespace
    graph.spin_until(lambda: watch.look(moving=True), 'the stranger')
    assert watch.look(moving=True) == (
        f'{space}/bag publishes on {space}/ball now, beside {space}/cameras'
    )
    assert watch.look(moving=False) == f'{space}/bag and {space}/cameras publish on {space}/ball: 1 may'
    assert watch.look(moving=True) == f'{space}/bag and {space}/cameras publish on {space}/ball: 1 may'
