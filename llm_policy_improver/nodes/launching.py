"""What the launch files share. Needs `launch_ros`, which a ROS 2 installation brings."""

import os
from datetime import datetime
from pathlib import Path

from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch.utilities.type_utils import coerce_to_type
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from llm_policy_improver.core.settings import SettingsError, named_settings, read_sections, read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import PROGRAMS
from llm_policy_improver.nodes.enclaves import SIMULATION, enclave_arguments, security_sentence
from llm_policy_improver.nodes.transport import of_simulation, without_shared_memory
from llm_policy_improver.runs.run_folder import default_run_folder
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.store_schema import DATABASE
from llm_policy_improver.table_tennis.settings import require_limits
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

_OPTIMIZER_ARGUMENTS = {
    'objective': (str, 'plain words, e.g. "as far right as possible"; none: wait for set_objective'),
    'method': (str, 'who proposes: auto, sas, icpi, hybrid, opro, prompt_po, sensorimotor or a numeric one'),
    'base_url': (str, 'of an OpenAI-compatible endpoint; the key comes from OPENAI_API_KEY'),
    'model': (str, 'name of the language model; none: a regression proposes'),
    'parameters': (str, 'what is searched: attenuation, residual or both'),
    'all_trials': (bool, 'whether all trials are played even when the objective is reached before, or little is left'),
    'trials': (int, 'balls in a run, the first trials included'),
    'first_trials': (int, 'balls before the method is asked'),
    'seed': (int, 'draws the first trials and the balls'),
}  # fmt: skip

_VISUALIZER = 'visualizer'
_REFUSED = 2
"""Exit code of a node that was given bad settings: see `running.run`."""
_RESPAWN_DELAY = 1.0
"""s; above 0, as `ended` must come before a node that was refused would be started again."""


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
            'resume', default_value='false', description='continue the run in output_folder'
        ),
        DeclareLaunchArgument(
            'insecure', default_value='false',
            description='whether anybody on the network may approve, arm and send parameters to the physical arm',
        ),
        DeclareLaunchArgument(
            'visualize', default_value='false',
            description='whether arm, ball and landings are published for RViz and Foxglove',
        ),
    ]
    arguments += [
        DeclareLaunchArgument(name, default_value='', description=f'{text}; empty: as in config')
        for name, (_, text) in _OPTIMIZER_ARGUMENTS.items()
    ]

    have_run: set[int] = set()

    def ended(event: ProcessExited, context: LaunchContext) -> None:
        # On the arm, a crash in mid-stroke must not take the controller with it: the node is started again. What has
        # run was given good settings: refused when it is started again, e.g. as its endpoint is away, it is tried anew.
        refused = event.returncode == _REFUSED and id(event.action) not in have_run
        have_run.add(id(event.action))
        crashed = bool(event.returncode) and 'simulator' in executables and _VISUALIZER not in event.process_name
        if not context.is_shutdown and (refused or crashed):  # who only watches ends no run by its crash
            raise RuntimeError(f'{event.process_name} failed, see above; the other nodes are ended')

    def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
        def given(name: str) -> str:
            return str(LaunchConfiguration(name).perform(context))

        for former, name in OptimizerSettings.FORMER.items():  # launch takes any name without a word
            if former in context.launch_configurations:
                raise SettingsError(f'the launch argument {former} is called {name} now')
        folder = given('output_folder')
        if not _typed('resume', bool, given('resume')) and folder:
            _require_unused(Path(folder))
        # Trace logger and optimizer write into the same run, and go on with it when they are started again.
        run = {
            'output_folder': folder or str(default_run_folder(given('objective'), datetime.now())),
            'resume': True,
        }
        asked = {
            name: _typed(name, kind, given(name))
            for name, (kind, _) in _OPTIMIZER_ARGUMENTS.items()
            if given(name)
        }
        overrides = {'trace_logger': run, 'optimizer': run | {'draw_landings': True} | asked}
        started = executables + ((_VISUALIZER,) if _typed('visualize', bool, given('visualize')) else ())
        _require_usable(given('config'), given('namespace'), started)
        read = read_settings(Path(given('config')), OptimizerSettings, 'optimizer')
        if asked.get('method', read.method) in PROGRAMS:
            # They choose for each ball, so that balls must differ, in simulation and in the rehearsal, too.
            overrides['controller'] = {'programs': True}
            overrides['simulator'] = overrides['stand_in_arm'] = {'simulation.balls': 'rally'}
            rehearsed = read.rehearsal.in_rally()
            overrides['optimizer'] |= {
                'vary_balls': True,
                'rehearsal.balls': rehearsed.balls,
                'rehearsal.joint_margin': rehearsed.joint_margin,
            }
        guarded = 'simulator' not in executables
        if _VISUALIZER in started:
            _require_for_this_clock(Path(given('config')), lockstep=not guarded)
        if guarded:
            safety = Path(given('safety'))
            if _typed('insecure', bool, given('insecure')):
                for name in ('controller', 'trace_logger', 'optimizer', _VISUALIZER):
                    overrides.setdefault(name, {})['security.insecure'] = True
            _require_usable(given('safety'), given('namespace'), started)
            require_limits(named_settings(safety, 'controller'), str(safety))
            # What is rehearsed is the arm that runs.
            for name in ('config', 'safety'):
                overrides['optimizer'][f'rehearsal.{name}'] = str(Path(given(name)).absolute())
        # A simulation must not meet the arm of another machine.
        simulated = 'simulator' in executables or 'stand_in_arm' in executables
        transport = of_simulation(os.environ) if simulated else without_shared_memory(os.environ)
        return [
            *([LogInfo(msg=security_sentence(os.environ))] if guarded else []),
            *(SetEnvironmentVariable(name, value) for name, value in transport.items()),
            *(
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
                    ros_arguments=enclave_arguments(executable if guarded else SIMULATION + executable),
                    output='screen',
                    on_exit=ended,
                    respawn=guarded,
                    respawn_delay=_RESPAWN_DELAY,
                )
                for executable in started
            ),
        ]

    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def _require_unused(folder: Path) -> None:
    if not (folder / DATABASE).exists():
        return
    with RunStore.open(folder) as store:
        held = 'trials' if store.trials() else 'a run that has begun' if store.settings() else ''
    if held:
        raise StoreError(
            f'{folder} already holds {held}: choose another output_folder, or set resume to continue '
            f'{"them" if held == "trials" else "it"}'
        )


def _typed(name: str, kind: type, text: str) -> str | int | bool:
    try:
        value: str | int | bool = coerce_to_type(text, data_type=kind)
    except ValueError:
        raise SettingsError(f'{name} must be of type {kind.__name__}; got "{text}"') from None
    return value


def _require_for_this_clock(config: Path, lockstep: bool) -> None:
    """One without a section for the visualizer, as files of earlier versions, would show the arm as a simulation."""
    if read_settings(config, VisualizerSettings, _VISUALIZER).lockstep is not lockstep:
        example = 'sim.yaml' if lockstep else 'hardware.yaml'
        raise SettingsError(
            f'config {config}: the visualizer must have lockstep: {str(lockstep).lower()} here; take over the section '
            f'/**/{_VISUALIZER} of config/{example}'
        )


def _require_usable(config: str, namespace: str, executables: tuple[str, ...]) -> None:
    """ROS leaves out a missing file with a warning, and sections that name no node here without a word."""
    try:
        sections = read_sections(Path(config))
    except SettingsError as error:
        raise SettingsError(f'config {error}') from None
    bare = [executable for executable in executables if executable in sections]
    if namespace.strip('/') and bare:
        raise SettingsError(
            f'config {config}: "{bare[0]}:" is the node outside any namespace; write "/**/{bare[0]}:"'
        )
