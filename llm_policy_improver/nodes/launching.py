"""What the launch files share. Needs `launch_ros`, which a ROS 2 installation brings."""

from datetime import datetime
from pathlib import Path

import yaml
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch.utilities.type_utils import coerce_to_type
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from llm_policy_improver.settings import SettingsError
from llm_policy_improver.share import share_folder
from llm_policy_improver.tracing.run_folder import default_run_folder

_OPTIMIZER_ARGUMENTS = {
    'objective': (str, 'plain words, e.g. "as far right as possible"; none: wait for set_objective'),
    'optimizer': (str, 'auto, sas, hybrid or a numeric optimizer'),
    'base_url': (str, 'of an OpenAI-compatible endpoint; the key comes from OPENAI_API_KEY'),
    'model': (str, 'name of the language model; none: least_squares'),
    'trials': (int, 'balls in a run, the first trials included'),
    'first_trials': (int, 'balls before the optimizer is asked'),
    'seed': (int, 'draws the first trials and the balls'),
}  # fmt: skip

_REFUSED = 2
"""Exit code of a node that was given bad settings: see `running.run`."""


def description(executables: tuple[str, ...], config: str) -> LaunchDescription:
    """Start these nodes with a configuration file of ``config/`` and what the command line overrides."""
    arguments = [
        DeclareLaunchArgument(
            'config', default_value=str(share_folder() / 'config' / config), description='parameter file'
        ),
        DeclareLaunchArgument(
            'safety',
            default_value=str(share_folder() / 'config' / 'safety.yaml'),
            description="limits of the arm, on top of config; not used with the package's own simulator",
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

    def ended(event: ProcessExited, context: LaunchContext) -> None:
        # On the arm, a crash in mid-stroke must not take the controller with it.
        if not context.is_shutdown and (
            event.returncode == _REFUSED or (event.returncode and 'simulator' in executables)
        ):
            raise RuntimeError(f'{event.process_name} failed, see above; the other nodes are ended')

    def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
        def given(name: str) -> str:
            return str(LaunchConfiguration(name).perform(context))

        folder = given('output_folder')
        # Trace logger and optimizer write into the same run.
        run = {
            'output_folder': str(
                Path(folder) if folder else default_run_folder(given('objective'), datetime.now())
            )
        }
        resume = {'resume': _typed('resume', bool, given('resume'))}
        asked = {
            name: _typed(name, kind, given(name))
            for name, (kind, _) in _OPTIMIZER_ARGUMENTS.items()
            if given(name)
        }
        overrides = {'trace_logger': run | resume, 'optimizer': run | asked}
        _require_usable(given('config'), given('namespace'), executables)
        guarded = 'simulator' not in executables
        if guarded:
            _require_usable(given('safety'), given('namespace'), executables)
        return [
            Node(
                package='llm_policy_improver',
                executable=executable,
                name=executable,
                namespace=LaunchConfiguration('namespace'),
                parameters=[
                    LaunchConfiguration('config'),
                    *([LaunchConfiguration('safety')] if guarded and executable == 'controller' else []),
                    overrides.get(executable, {}),
                ],
                output='screen',
                on_exit=ended,
            )
            for executable in executables
        ]

    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def _typed(name: str, kind: type, text: str) -> str | int | bool:
    try:
        value: str | int | bool = coerce_to_type(text, data_type=kind)
    except ValueError:
        raise SettingsError(f'{name} must be of type {kind.__name__}; got "{text}"') from None
    return value


def _require_usable(config: str, namespace: str, executables: tuple[str, ...]) -> None:
    """ROS leaves out a missing file with a warning, and sections that name no node here without a word."""
    try:
        sections = yaml.safe_load(Path(config).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f'config {config} cannot be read: {" ".join(str(error).split())}') from None
    if not isinstance(sections, dict):
        raise SettingsError(f'config {config} must map node names to ros__parameters')
    bare = [executable for executable in executables if executable in sections]
    if namespace.strip('/') and bare:
        raise SettingsError(
            f'config {config}: "{bare[0]}:" is the node outside any namespace; write "/**/{bare[0]}:"'
        )
