"""The whole loop in simulation: simulator, controller, trace logger and optimizer.

ros2 launch llm_policy_improver sim.launch.py objective:="hit the ball as far right as possible"
"""

from launch import LaunchDescription
from llm_policy_improver.nodes.launching import description


def generate_launch_description() -> LaunchDescription:
    return description(('simulator', 'controller', 'trace_logger', 'optimizer'), 'sim.yaml')
