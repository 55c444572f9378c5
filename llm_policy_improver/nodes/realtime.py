"""Real-time priority of a node's process, so that what else runs on the machine cannot make the arm late.

As ros2_control's controller_manager does it: it is tried, and where the system does not permit it the node goes on
after a warning that says what to do. What is in force is read back from the system, for ``/diagnostics``.
"""

import os
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from rclpy.node import Node

from llm_policy_improver.table_tennis.guard.guarded import Health

PARAMETER: Final = 'realtime_priority'
"""Of a node: 0 is ordinary scheduling, 1 to 99 are the priorities of Linux' SCHED_FIFO."""
IN_FORCE: Final = 'real-time priority'
"""What ``/diagnostics`` calls the one in force."""
_THREADS: Final = Path('/proc/self/task')
_HOW: Final = (
    'permit it in /etc/security/limits.d ("@realtime - rtprio 99" and this user in the group realtime), or in a '
    'container by --cap-add SYS_NICE; see docs/hardware.md'
)


def run_at(priority: int) -> str:
    """Give all threads of this process this priority, 1 to 99; those that they start inherit it.

    Returns:
        Why not, in words; empty where it is in force.
    """
    if not _THREADS.is_dir():
        return 'real-time priorities are set on Linux only'
    _, most = resource.getrlimit(resource.RLIMIT_RTPRIO)
    resource.setrlimit(resource.RLIMIT_RTPRIO, (most, most))  # what is permitted needs no further asking
    done: set[int] = set()
    try:
        # Again and again: one that is not reached yet may just start another one.
        while threads := _threads() - done:
            for thread in threads:
                with suppress(ProcessLookupError):  # it has just ended
                    os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
            done |= threads
    except PermissionError:
        return f'real-time priority {priority} is not permitted: {_HOW}'
    except OSError as error:
        return f'real-time priority {priority} was refused: {error.strerror}'
    return ''


def in_force() -> int:
    """The lowest real-time priority among the threads of this process; 0 where one of them has none."""
    priorities = []
    for thread in _threads():
        with suppress(ProcessLookupError):
            priorities.append(os.sched_getparam(thread).sched_priority)
    return min(priorities, default=0)


def request(node: Node) -> None:
    """Give the process of this node the priority that its parameter names, with a warning where that cannot be."""
    priority = int(node.get_parameter(PARAMETER).value) if node.has_parameter(PARAMETER) else 0
    if priority == 0:
        return
    refused = run_at(priority)
    if refused:
        node.get_logger().warning(
            f'{refused}. It runs with ordinary priority, so that other programs on this machine can make it late'
        )
    else:
        node.get_logger().info(f'runs with real-time priority {in_force()}')


def reporting(health: Callable[[], Health]) -> Callable[[], Health]:
    """The same health, with the priority that is in force."""

    def reported() -> Health:
        told = health()
        return replace(told, values=told.values | {IN_FORCE: str(in_force())})

    return reported


def _threads() -> set[int]:
    return {int(entry.name) for entry in _THREADS.iterdir()} if _THREADS.is_dir() else set()
