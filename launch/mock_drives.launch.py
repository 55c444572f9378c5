"""ros2_control with drives that are none, in the place of the physical arm's: to try hardware.launch.py against it.

ros2 launch llm_policy_improver mock_drives.launch.py

Never where the real arm's drivers run: they take the same commands.
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.table_tennis.arm.drive_interfaces import description_with_drives
from llm_policy_improver.table_tennis.settings import ControllerSettings

CONTROLLERS = ('joint_state_broadcaster', 'gantry_velocity_controller', 'arm_velocity_controller')


def generate_launch_description() -> LaunchDescription:
    config = share_folder() / 'config'
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'config',
                default_value=str(config / 'hardware.yaml'),
                description='parameter file of the arm, which names the joints',
            ),
            DeclareLaunchArgument(
                'controllers',
                default_value=str(config / 'ros2_control' / 'controllers.yaml'),
                description='parameter file of ros2_control',
            ),
            OpaqueFunction(function=start),
        ]
    )


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    config = Path(LaunchConfiguration('config').perform(context))
    controllers = LaunchConfiguration('controllers').perform(context)
    names = read_settings(config, ControllerSettings, 'controller').driver_joint_names
    return [
        Node(
            package='robot_state_publisher',
            executable='robot_state_publisher',
            parameters=[{'robot_description': description_with_drives(names)}],
            output='screen',
        ),
        Node(
            package='controller_manager',
            executable='ros2_control_node',
            parameters=[controllers],
            output='screen',
        ),
        Node(
            package='controller_manager',
            executable='spawner',
            arguments=[*CONTROLLERS, '--param-file', controllers],
            output='screen',
        ),
    ]
