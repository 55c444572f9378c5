"""Real-time priority, as the operating system reports it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from diagnostic_msgs.msg import DiagnosticArray
from paths import CONFIG
from ros_graph import Process, RosGraph, node_command, process

from llm_policy_improver.core.settings import SettingsError, read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.nodes.diagnostics import TOPIC
from llm_policy_improver.table_tennis.settings import ControllerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

pytestmark = pytest.mark.real_time
WITHOUT_THE_RIGHT = """
import ctypes, os, resource, sys
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Starts a program that may set no real-time priority, whoever started it."""

COLLECTING = """
import gc
from rclpy.node import Node
import llm_policy_improver.nodes.controller
from llm_policy_improver.nodes.running import run

class Collecting(Node):
    def __init__(self):
        super().__init__('collecting')
        print(len(gc.get_objects()), flush=True)
        self.create_timer(0.1, lambda: print(len(gc.get_objects()), flush=True))

run(Collecting)
"""
"""Tells how many objects a garbage collection has to look through, at the start and in operation."""


def permitted(priority: int) -> bool:
    """Whether the tests may use this priority; asked in a process that ends with it."""
    asked = f'import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({priority}))'
    return subprocess.run([sys.executable, '-c', asked], capture_output=True).returncode == 0


def priorities(started: Process) -> list[int]:
    """Of all threads of a node, as the system tells them; 0 for ordinary ones."""
    found = []
    for thread in Path(f'/proc/{started.pid}/task').iterdir():
        with suppress(ProcessLookupError):  # it has just ended
            found.append(os.sched_getparam(int(thread.name)).sched_priority)
    return found


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as made:
        yield made


class Told:
    """What nodes say on ``/diagnostics``."""

    def __init__(self, graph: RosGraph) -> None:
        self._graph = graph
        self._messages = graph.collect(DiagnosticArray, TOPIC)

    def priority(self, node: str) -> int:
        """That is in force, as the node says next."""
        self._messages.clear()

        def said() -> list[str]:
            return [
                value.value
                for message in self._messages
                for status in message.status
                if status.name.startswith(f'{self._graph.namespace}/{node}:')
                for value in status.values
                if value.key == 'real-time priority'
            ]

        self._graph.spin_until(said, f'diagnostics of {node}')
        return int(said()[-1])


def hardware_node(node: str, graph: RosGraph, priority: int) -> list[str]:
    """Starts a node of the arm."""
    parameters: dict[str, Any] = {'realtime_priority': priority}
    if node == 'controller':
        parameters |= {'lockstep': False, 'gantry_command_topic': 'gantry', 'arm_command_topic': 'arm'}
        parameters['security__insecure'] = True  # nobody asks it for anything
    limits = ['--params-file', str(CONFIG / 'safety.yaml')] if node == 'controller' else []
    return [*node_command(node, graph.namespace, **parameters), *limits]


@pytest.mark.usefixtures('idle')
@pytest.mark.parametrize('node', ['controller', 'stand_in_arm', 'empty_timer'])
def test_all_threads_have_the_priority_and_diagnostics_tell_it(
    graph: RosGraph, node: str, tmp_path: Path
) -> None:
    told = Told(graph)
    wanted = 12
    with process(hardware_node(node, graph, wanted), tmp_path) as started:
        expected = wanted if permitted(wanted) else 0
        graph.spin_until(lambda: 'real-time priority 12' in started.err, 'the log')
        assert told.priority(node) == expected
        found = priorities(started)
        assert len(found) > 5  # of the middleware, too
        assert set(found) == {expected}


def test_without_the_right_the_node_says_what_to_do_and_goes_on(graph: RosGraph, tmp_path: Path) -> None:
    told = Told(graph)
    command = [sys.executable, '-c', WITHOUT_THE_RIGHT, *hardware_node('controller', graph, 40)]
    with process(command, tmp_path) as started:
        graph.spin_until(lambda: '40 is not permitted' in started.err, 'a warning')
        assert told.priority('controller') == 0
        assert started.err.count('limits.d') == 1  # the whole of it is written by now
        assert 'docs/hardware.md' in started.err
        assert set(priorities(started)) == {0}
        started.interrupt()
        assert started.end() == 0


def test_priority_is_ordinary_unless_it_is_asked_for(graph: RosGraph, tmp_path: Path) -> None:
    told = Told(graph)
    with process(hardware_node('controller', graph, 0), tmp_path) as started:
        assert told.priority('controller') == 0
        assert set(priorities(started)) == {0}
        assert 'priority' not in started.err


def test_garbage_collection_of_a_running_node_does_not_look_through_all_that_was_loaded(
    tmp_path: Path,
) -> None:
    with process([sys.executable, '-c', COLLECTING], tmp_path) as started:
        started.wait_until(lambda: len(started.out.split()) > 1, 'two counts')
        at_the_start, running = map(int, started.out.split()[:2])
        assert at_the_start > 40_000  # some 70 ms, in which no command goes out
        assert running < 5_000
        started.interrupt()
        assert started.end() == 0


@pytest.mark.parametrize('priority', [-1, 100])
@pytest.mark.parametrize('settings', [ControllerSettings, StandInSettings])
def test_priority_out_of_range_is_refused(settings: Any, priority: int) -> None:
    with pytest.raises(SettingsError, match=r'realtime_priority must be 0 \(ordinary\) or from 1 to 99'):
        settings(realtime_priority=priority)


def test_controller_comes_before_the_stand_in_arm_and_after_the_drivers() -> None:
    path = share_folder() / 'config' / 'rehearsal.yaml'
    controller = read_settings(path, ControllerSettings, 'controller').realtime_priority
    simulated = read_settings(path, StandInSettings, 'stand_in_arm').realtime_priority
    ros2_control = 50  # thread_priority of its controller_manager
    assert 0 < simulated < controller < ros2_control
