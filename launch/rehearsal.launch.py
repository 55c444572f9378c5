"""The loop on the physical arm, rehearsed without it: the nodes of hardware.launch.py and a simulated stand-in.

ros2 launch llm_policy_improver rehearsal.launch.py objective:="hit the ball as far right as possible"
llm-policy-improver arm

Never where the real arm's drivers run: they take their commands from the same topics. The stand-in arm falls silent,
and with it the controller stops, once it sees joint states of somebody else.
"""

from launch import LaunchDescription
from llm_policy_improver.nodes.launching import description


def generate_launch_description() -> LaunchDescription:
    return description(('stand_in_arm', 'controller', 'trace_logger', 'optimizer'), 'rehearsal.yaml')
