"""Start and end of a node's process."""

import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from llm_policy_improver.llm.chat import EndpointError
from llm_policy_improver.tracing.store import StoreError


def run(make_node: Callable[[], Node], args: list[str] | None = None) -> None:
    """Spin one node until it is interrupted; bad settings end the process with one sentence and status 2.

    One thread on purpose: rclpy's multi-threaded executor collapses under sensor streams (ros2/rclpy#1452).
    """
    rclpy.init(args=args)
    node = None
    try:
        try:
            node = make_node()
        except (ValueError, OSError, StoreError, EndpointError) as error:  # each says what is wrong
            print(f'error: {error}', file=sys.stderr)
            raise SystemExit(2) from None
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
