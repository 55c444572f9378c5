"""Coroutines that wait: woken by what is told, and not any more once their node has ended."""

from collections.abc import Iterator

import pytest
from ros_graph import RosGraph

from llm_policy_improver.nodes.waiting import WaitingNode


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


class _Waits:
    """A coroutine of a node that waits for ``happened``."""

    def __init__(self, graph: RosGraph) -> None:
        self.node = graph.join(WaitingNode('waits', namespace=graph.namespace, context=graph.context))
        self.begun = self.happened = self.resumed = False
        graph.executor.create_task(self._wait)
        graph.spin_until(lambda: self.begun, 'the coroutine to begin')

    async def _wait(self) -> None:
        self.begun = True
        await self.node.until(lambda: self.happened)
        self.resumed = True


def test_who_waits_looks_again_when_told(graph: RosGraph) -> None:
    waits = _Waits(graph)
    waits.happened = True
    waits.node.notify()
    graph.spin_until(lambda: waits.resumed, 'the coroutine to go on')


def test_who_waits_looks_again_even_if_nobody_tells(graph: RosGraph) -> None:
    waits = _Waits(graph)
    waits.happened = True
    graph.spin_until(lambda: waits.resumed, 'the coroutine to go on')


def test_nobody_goes_on_after_the_end_of_the_node(graph: RosGraph) -> None:
    waits = _Waits(graph)
    waits.happened = True
    waits.node.notify()  # the executor resumes it in its next round, and its node has ended by then
    graph.remove(waits.node)
    graph.spin_rounds()
    assert not waits.resumed
