"""Start and end of a node's process."""

import gc
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.nodes import realtime
from llm_policy_improver.nodes.lease import RoleTakenError
from llm_policy_improver.runs.store_errors import StoreError


def run(make_node: Callable[[], Node], args: list[str] | None = None) -> None:
    """Spin one node until it is interrupted; bad settings, or a role that another node holds, end the process with one
    sentence and status 2.

    One thread on purpose: rclpy's multi-threaded executor collapses under sensor streams (ros2/rclpy#1452).
    """
    node = None
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        first, ending = not ending, True
        if first and node is None:
            raise KeyboardInterrupt

    # Not rclpy's own handlers: they take the context away under a callback that is about to publish.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        refused = ''
        try:
            rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
            node = make_node()
        except rclpy_implementation.RCLError as error:  # e.g. its enclave is not in the keystore
            refused = f'ROS 2 does not let this node start: {error}'
        except (ValueError, OSError, StoreError, EndpointError, RoleTakenError) as error:  # each says what is wrong
            refused = str(error)
        if node is None:
            # What is there of the node goes now: destroyed after its context, as Python ends, it may crash.
            gc.collect()
            _refuse(refused)
        # What was loaded and compiled so far stays. Looked through for garbage again, it holds up all threads: 70 ms
        # for the controller (once 260 ms, and an arm at rest was stopped), against a watchdog of 100 ms.
        gc.collect()
        gc.freeze()
        realtime.request(node)  # only now: the start is in no hurry
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while not ending:
            executor.spin_once(timeout_sec=0.1)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RoleTakenError as error:  # found only now
        _refuse(str(error))
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        # A second Ctrl-C while Python ends would turn a clean end into a death by signal.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _refuse(why: str) -> NoReturn:
    print(f'error: {why}', file=sys.stderr)
    raise SystemExit(2)
