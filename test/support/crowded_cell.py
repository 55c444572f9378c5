"""A rehearsal's cell into which a test puts nodes that must not be there."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from respawned_cell import RespawnedCell

from llm_policy_improver.msg import ControllerStatus
from llm_policy_improver.nodes.lease import TOPIC
from llm_policy_improver.nodes.qos import EACH_LATCHED
from llm_policy_improver.nodes.rehearsal_cell import RehearsalSettings


class CrowdedCell(RespawnedCell):
    """Arguments and attributes as those of the rehearsal's cell.

    Attributes:
        beats: heartbeats by node, and by who held its lease.
    """

    def __init__(self, settings: RehearsalSettings, folder: Path, namespace: str) -> None:
        self._beside: list[SingleThreadedExecutor] = []
        self.beats: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        super().__init__(settings, folder, namespace)
        self.node.create_subscription(DiagnosticStatus, TOPIC, self._on_beat, EACH_LATCHED)

    def _on_beat(self, message: DiagnosticStatus) -> None:
        self.beats[message.name.rpartition('/')[2]][message.hardware_id] += 1

    def kill_and_start_again(self, name: str) -> None:
        """By force, and at once; returns when its successor is well."""
        before = set(self.beats[name])
        self.kill(name)

        def well() -> bool:
            return any(count > 5 for holder, count in self.beats[name].items() if holder not in before)

        assert self.until(well, 60.0), f'{name} was not started again'

    @contextmanager
    def beside(self, make: Callable[..., Node]) -> Iterator[Any]:
        """A node more in the namespace of the others; as a composed one it neither waits nor ends."""
        context = Context()
        context.init(args=[])
        executor = SingleThreadedExecutor(context=context)
        node = make(namespace=self.node.get_namespace(), context=context)
        executor.add_node(node)
        self._beside.append(executor)
        try:
            yield node
        finally:
            self._beside.remove(executor)
            node.destroy_node()
            vars(node).pop('_state_machine', None)  # or a lifecycle node's keeps the participant
            executor.shutdown()
            context.try_shutdown()

    def check(self) -> None:
        """The nodes beside have their turns, too."""
        super().check()
        for executor in self._beside:
            executor.spin_once(timeout_sec=0.01)

    def stopped_by(self, make: Callable[..., Node]) -> str:
        """Why an armed arm was stopped once this node had come."""
        self.make_ready()
        before = len(self.faults)
        with self.beside(make):
            assert self.until(lambda: len(self.faults) > before, 30.0), f'{self.state}: nobody stopped the arm'
            # The operator of the cell resumes and arms all the time; as long as the other one is there, in vain.
            self.wait(3.0)
            assert self.state != ControllerStatus.READY
        return self.faults[before]
