"""Node: timers that do nothing, as the measure of how regular anything can be on this machine at this time."""

import time
from functools import partial
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from llm_policy_improver.nodes import realtime
from llm_policy_improver.nodes.diagnostics import Diagnostics
from llm_policy_improver.nodes.running import run
from llm_policy_improver.table_tennis.guard.guarded import Health, Level
from llm_policy_improver.table_tennis.guard.tick_times import TickTimes

PERIODS = {'control tick': 0.02, 'inner loop': 0.004}
"""s, and what in the controller each is to be compared with."""


class EmptyTimerNode(Node):
    """Says on ``/diagnostics`` how irregular its timers are, under the controller's own names for that."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('empty_timer', **node_arguments)
        self.declare_parameter(realtime.PARAMETER, 0, ParameterDescriptor(read_only=True))
        self._times = {name: TickTimes(period) for name, period in PERIODS.items()}
        for times in self._times.values():
            self.create_timer(
                times.period, partial(self._on_time, times), clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
        Diagnostics(self, 'timers', realtime.reporting(self._health))

    def _on_time(self, times: TickTimes) -> None:
        times.add(time.monotonic_ns())

    def _health(self) -> Health:
        values = {}
        for name, times in self._times.items():
            values[f'{name} jitter p99 [ms]'] = f'{1e3 * times.jitter():.2f}'
            values[f'{name} overruns'] = str(times.overruns)
        return Health(Level.OK, 'empty', values)


def main(args: list[str] | None = None) -> None:
    """Entry point of the process."""
    run(EmptyTimerNode, args)


if __name__ == '__main__':
    main()
