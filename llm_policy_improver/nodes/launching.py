"""What the launch files share. Needs `launch_ros`, which a ROS 2 installation brings."""

from datetime import datetime
from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from llm_policy_improver.share import share_folder
from llm_policy_improver.tracing.run_folder import default_run_folder

_OPTIMIZER_ARGUMENTS = {
    'objective': (
        str,
        'plain words, e.g. "as far right as possible"; empty: wait for the service set_objective',
    ),
    'optimizer': (str, 'auto, sas or least_squares'),
    'base_url': (str, 'of an OpenAI-compatible endpoint; the key comes from OPENAI_API_KEY'),
    'model': (str, 'name of the language model; empty: least_squares'),
    'trials': (int, 'balls in a run, the first trials included'),
    'first_trials': (int, 'balls before the optimizer is asked'),
    'seed': (int, 'draws the first trials and the balls'),
}


def description(executables: tuple[str, ...], config: str) -> LaunchDescription:
    """Start these nodes with a configuration file of ``config/`` and what the command line overrides."""
    arguments = [
        DeclareLaunchArgument(
            'config', default_value=str(share_folder() / 'config' / config), description='parameter file'
        ),
        DeclareLaunchArgument('namespace', default_value='', description='of all nodes'),
        DeclareLaunchArgument(
            'output_folder', default_value='', description='of the run; empty: a new one under runs'
        ),
        DeclareLaunchArgument(
            'resume', default_value='false', description='continue the trials in output_folder'
        ),
    ]
    arguments += [
        DeclareLaunchArgument(name, default_value='', description=f'{text}; empty: as in config')
        for name, (_, text) in _OPTIMIZER_ARGUMENTS.items()
    ]

    def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
        given = {name: LaunchConfiguration(name).perform(context) for name in _OPTIMIZER_ARGUMENTS}
        folder = LaunchConfiguration('output_folder').perform(context)
        # Trace logger and optimizer write into the same run.
        run = {
            'output_folder': str(
                Path(folder) if folder else default_run_folder(given['objective'], datetime.now())
            )
        }
        resume = {'resume': LaunchConfiguration('resume').perform(context).lower() in ('true', '1')}
        asked = {name: kind(given[name]) for name, (kind, _) in _OPTIMIZER_ARGUMENTS.items() if given[name]}
        overrides = {'trace_logger': run | resume, 'optimizer': run | asked}
        return [
            Node(
                package='llm_policy_improver',
                executable=executable,
                name=executable,
                namespace=LaunchConfiguration('namespace'),
                parameters=[LaunchConfiguration('config'), overrides.get(executable, {})],
                output='screen',
            )
            for executable in executables
        ]

    return LaunchDescription([*arguments, OpaqueFunction(function=start)])
