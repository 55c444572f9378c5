"""The inner loop's thread, and what becomes of the arm where it fails."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from ros_graph import RosGraph
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.hardware_arm import HardwareArm
from llm_policy_improver.nodes.inner_loop_thread import InnerLoopThread
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.safety import SafeCommand
from llm_policy_improver.table_tennis.settings import ControllerSettings

MOVING = np.full(8, 0.1)
TIMEOUT = 10.0


class Loop:
    """Counts cycles, and fails as told.

    Attributes:
        errors: that were passed on.
    """

    def __init__(self, fails: Callable[[int], bool], stops: bool = True) -> None:
        self._fails, self._stops = fails, stops
        self.errors: list[Exception] = []
        self._many = Event()
        self.thread = InnerLoopThread(0.001, self._cycle, self._failed)

    def _cycle(self, number: int) -> None:
        if number == 20:
            self._many.set()
        if self._fails(number):
            raise ZeroDivisionError(f'in cycle {number}')

    def _failed(self, error: Exception) -> None:
        self.errors.append(error)
        if not self._stops:
            raise ConnectionError('nothing can be sent')

    def finish(self) -> None:
        assert self._many.wait(TIMEOUT)
        self.thread.end()
        self.thread.join(TIMEOUT)
        assert not self.thread.running


def test_thread_goes_on_after_an_error_that_was_seen_to() -> None:
    loop = Loop(lambda number: number == 3)
    loop.finish()
    assert [str(error) for error in loop.errors] == ['in cycle 3']
    assert loop.thread.cycles > 20


def test_thread_goes_on_where_nothing_can_be_sent_and_counts_no_such_cycle() -> None:
    loop = Loop(lambda number: number >= 3, stops=False)
    loop.finish()
    assert len(loop.errors) >= 18
    assert loop.thread.cycles == 3


class Arm:
    """A controller of the arm that sends a motion, and what the drives hear."""

    def __init__(self, graph: RosGraph, monkeypatch: pytest.MonkeyPatch) -> None:
        self.graph = graph
        monkeypatch.setattr(GuardedController, 'sending', True)
        self.commands: Callable[[], SafeCommand] = lambda: SafeCommand(MOVING, ())
        monkeypatch.setattr(GuardedController, 'cycle', lambda _: self.commands())
        self.faults: list[str] = []
        self.failed = Event()
        monkeypatch.setattr(GuardedController, 'fail', self._fail)
        settings = ControllerSettings(
            lockstep=False,
            gantry_command_topic='',
            arm_command_topic='arm',
            security=SecuritySettings(insecure=True),
        )
        self.node = graph.add(ControllerNode, settings)
        self.heard = graph.collect(Float64MultiArray, 'arm')
        graph.spin_until(lambda: self.heard, 'a command')
        assert self.heard[-1].data[0] == 0.1

    def _fail(self, sentence: str) -> None:
        self.faults.append(sentence)
        if sentence.startswith('the inner loop failed: ConnectionError'):
            self.failed.set()


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    with RosGraph() as graph:
        yield Arm(graph, monkeypatch)


def test_process_of_the_controller_has_no_language_model_no_storage_and_no_prompts() -> None:
    """What may pause is not in it: not even loaded."""
    look = 'import sys, llm_policy_improver.nodes.controller; print(*sys.modules)'
    loaded = subprocess.run([sys.executable, '-c', look], check=True, capture_output=True, text=True).stdout.split()
    rooms = {name.split('.')[1] for name in loaded if name.startswith('llm_policy_improver.')}
    assert {'nodes', 'table_tennis'} <= rooms
    assert not rooms & {'llm', 'methods', 'loop', 'report', 'experiments'}
    assert not {'openai', 'httpx', 'llm_policy_improver.runs.store'} & set(loaded)


def test_control_ticks_send_zeros_where_the_inner_loop_hangs(arm: Arm) -> None:
    go_on = Event()

    def hang() -> SafeCommand:
        go_on.wait(TIMEOUT)
        return SafeCommand(np.zeros(8), ())

    arm.commands = hang
    arm.graph.spin_until(lambda: arm.faults, 'a fault')
    assert arm.faults[0] == 'the inner loop has sent nothing for 5 control ticks'
    arm.graph.spin_until(lambda: not any(arm.heard[-1].data), 'zeros')
    go_on.set()


def test_command_that_was_computed_before_a_pause_is_not_sent_after_it(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_back = Event()
    monkeypatch.setattr(GuardedController, 'withdraw', lambda _: taken_back.set())
    late = SafeCommand(7.0 * MOVING, ())

    def paused() -> SafeCommand:
        if taken_back.is_set():
            return SafeCommand(MOVING, ())
        time.sleep(0.06)
        return late

    arm.commands = paused
    arm.graph.spin_until(taken_back.is_set, 'the end of the pause')
    count = len(arm.heard)
    arm.graph.spin_until(lambda: len(arm.heard) > count + 5, 'commands after it')
    assert not any(message.data[0] == late.velocity[2] for message in arm.heard)


def test_node_ends_where_not_even_zeros_can_be_sent(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    def publish(_: Any) -> None:
        raise ConnectionError('nothing can be sent')

    assert isinstance(arm.node._arm, HardwareArm)
    ((publisher, _, _),) = arm.node._arm._groups
    monkeypatch.setattr(publisher, 'publish', publish)
    with pytest.raises(ConnectionError, match='nothing can be sent'):
        arm.graph.spin_until(lambda: False, 'the end of the node', 5.0)
    # Where the thread had to wait for a core, the ticks have missed it before.
    assert arm.failed.wait(TIMEOUT), arm.faults
    monkeypatch.undo()
