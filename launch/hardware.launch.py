"""The loop on the physical arm: everything but the simulator; disarmed until enabled by the service.

ros2 launch llm_policy_improver hardware.launch.py objective:="hit the ball as far right as possible"
llm-policy-improver arm
"""

from launch import LaunchDescription
from llm_policy_improver.nodes.launching import description


def generate_launch_description() -> LaunchDescription:
    return description(('controller', 'trace_logger', 'optimizer'), 'hardware.yaml')
