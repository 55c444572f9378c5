"""A program on the arm's side: passes joint states on as they are, and counts the commands that come.

The stand-in arm falls silent where somebody else publishes its joint states: that may be a real arm. Behind this relay,
from ``drivers/joint_states`` to ``joint_states``, it does not hear of whoever forges them. Ten times a second it prints
the time (s, of the machine's monotonic clock) and how many commands have come to the six axes.
"""

import os
import time
from contextlib import suppress
from typing import Final

import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.nodes.qos import RELIABLE

_PRIORITY: Final = 35
"""Between the controller's and the stand-in arm's."""


def main() -> None:
    """Until the process is ended."""
    with suppress(OSError):  # as the drives, which are never late; where that is not permitted, a busy machine shows
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    rclpy.init()
    node, count = rclpy.create_node('arm_side'), 0

    def on_command(_: bytes) -> None:
        nonlocal count
        count += 1

    out = node.create_publisher(JointState, 'joint_states', RELIABLE)
    node.create_subscription(JointState, 'drivers/joint_states', out.publish, qos_profile_sensor_data, raw=True)
    node.create_subscription(Float64MultiArray, 'arm_velocity_controller/commands', on_command, 1000, raw=True)
    node.create_timer(0.1, lambda: print(time.monotonic(), count, flush=True))
    rclpy.spin(node)


if __name__ == '__main__':
    main()
