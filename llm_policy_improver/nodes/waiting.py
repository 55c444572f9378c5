"""A node whose coroutines can wait for events, for a while, and for work in a thread."""

import math
from collections.abc import Callable
from concurrent.futures import Future as Job
from contextlib import suppress
from threading import Thread
from typing import Any, Final, TypeVar

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.task import Future

Value = TypeVar('Value')

_LOOKS: Final = 0.2
"""s after which whoever waits looks again, whatever was heard: a guard condition that is triggered while the executor
collects what is ready can be lost (ros2/rmw_fastrtps#895)."""


class WaitingNode(Node):
    """Callbacks call `notify` when something has changed; coroutines wait with `until`.

    Attributes:
        steady: a clock that nobody sets.
    """

    def __init__(self, name: str, **node_arguments: Any) -> None:
        super().__init__(name, **node_arguments)
        self._changed = Future()
        self._ended = False
        # In a group of its own: a coroutine of a service holds up the group of that service while it waits.
        own = ReentrantCallbackGroup()
        self._woken = self.create_guard_condition(self.notify, callback_group=own)
        self.steady: Final = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time may stand still
        self.create_timer(_LOOKS, self.notify, callback_group=own, clock=self.steady)

    def destroy_node(self) -> None:
        """Whoever waits stays where it is: an executor may resume a coroutine once more after its node has ended."""
        self._ended = True
        super().destroy_node()

    def notify(self) -> None:
        """Something has changed: whoever waits looks again. Of the executor's thread only."""
        changed, self._changed = self._changed, Future()
        changed.set_result(None)

    def wake(self) -> None:
        """The same from any thread, or for after the callback that runs now."""
        with suppress(InvalidHandle):  # the node has ended
            self._woken.trigger()

    async def until(self, condition: Callable[[], bool], patience: float = math.inf) -> bool:
        """Wait for it; False where ``patience`` (s of wall clock) has run out before."""
        expired = []

        def expire() -> None:
            expired.append(True)
            self.notify()

        watch = self.create_timer(patience, expire, clock=self.steady) if math.isfinite(patience) else None
        while not condition() and not expired:
            await self._changed
            while self._ended:
                await Future()
        if watch is not None:
            self.destroy_timer(watch)
        return condition()

    async def in_thread(self, work: Callable[[], Value], cancelled: Callable[[], bool]) -> Value | None:
        """Do ``work`` in a thread that no end of a run, node or process waits for; None if cancelled before."""
        job: Job[Value] = Job()

        def do() -> None:
            try:
                job.set_result(work())
            except BaseException as error:
                job.set_exception(error)
            self.wake()

        Thread(target=do, name='worker', daemon=True).start()
        await self.until(lambda: job.done() or cancelled())
        return job.result() if job.done() else None
