"""Attends to everything until something holds: how programs that are no nodes wait for some."""

import time
from collections.abc import Callable
from typing import Final

from rclpy.executors import Executor

_LOOK: Final = 0.1
"""s of one look, always the same: with another one rclpy begins a new round, and who comes late in one has no turn."""


def attend(
    executor: Executor,
    condition: Callable[[], bool],
    patience: float,
    look: Callable[[], None] = lambda: None,
) -> bool:
    """Handle what arrives until ``condition`` holds, for ``patience`` s at most; whether it does.

    Args:
        look: is called after each turn; what it raises ends the waiting.
    """
    end = time.monotonic() + patience
    while not condition() and time.monotonic() < end:
        executor.spin_once(timeout_sec=_LOOK)
        look()
    return condition()
