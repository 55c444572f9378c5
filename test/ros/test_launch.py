"""The launch files. Only a ROS installation has what they are written with: the wheels bring no launch."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    'launch_ros', reason='launch_ros comes with a ROS installation only, not with the ROS wheels of pip'
)

from chat_server import ChatServer
from launch.actions import LogInfo, SetEnvironmentVariable
from launch.launch_description_sources import get_launch_description_from_python_launch_file
from launch.utilities import perform_substitutions
from launch_ros.actions import Node
from paths import ROOT
from ros_graph import TIMEOUT, Process, process
from stored_trials import trace_of

from launch import LaunchContext
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.runs.store import RunStore, StoreError

NODES = {
    'sim.launch.py': ['simulator', 'controller', 'trace_logger', 'optimizer'],
    'hardware.launch.py': ['controller', 'trace_logger', 'optimizer'],
    'rehearsal.launch.py': ['stand_in_arm', 'controller', 'trace_logger', 'optimizer'],
}
RANGE = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
CHOSEN = ('FASTDDS_BUILTIN_TRANSPORTS', 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE', RANGE)
ARGUMENTS = {
    'config',
    'namespace',
    'output_folder',
    'resume',
    'objective',
    'method',
    'base_url',
    'model',
    'parameters',
    'all_trials',
    'trials',
    'first_trials',
    'seed',
    'visualize',
}


def load(name: str) -> Any:
    return get_launch_description_from_python_launch_file(str(ROOT / 'launch' / name))


def nodes(name: str, **arguments: str) -> list[Node]:
    """What would be started with these launch arguments."""
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    found: list[Node] = []
    for entity in load(name).entities:
        found += [made for made in entity.visit(context) or () if isinstance(made, Node)]
    for node in found:
        node._perform_substitutions(context)
    return found


def given(node: Node) -> str:
    """All parameters that the node is given, files included."""
    text = ''
    for argument in node._Node__expanded_parameter_arguments or ():
        content, is_file = argument
        text += Path(content).read_text() if is_file else content.name
    return text


@pytest.mark.parametrize('name', NODES)
def test_launch_file_starts_its_nodes_under_their_names(name: str) -> None:
    started = nodes(name)
    assert [node.node_executable for node in started] == NODES[name]
    assert {node.node_package for node in started} == {'llm_policy_improver'}
    assert [node.node_name.rpartition('/')[2] for node in started] == NODES[name]


@pytest.mark.parametrize('name', NODES)
def test_visualizer_is_started_where_it_is_asked_for(name: str) -> None:
    started = nodes(name, visualize='true')
    assert [node.node_executable for node in started] == [*NODES[name], 'visualizer']
    assert '/**/visualizer:' in given(started[-1])
    enclave = 'simulation/visualizer' if name == 'sim.launch.py' else 'visualizer'
    assert f'--enclave /llm_policy_improver/{enclave}' in ' '.join(map(str, started[-1]._Node__ros_arguments or ()))
    assert [node.node_executable for node in nodes(name, visualize='false')] == NODES[name]


def test_file_without_a_section_for_the_visualizer_shows_no_arm(tmp_path: Path) -> None:
    whole = (ROOT / 'config' / 'hardware.yaml').read_text()
    older = tmp_path / 'older.yaml'
    older.write_text(whole[: whole.index('/**/visualizer:')])
    assert nodes('hardware.launch.py', config=str(older))
    with pytest.raises(SettingsError, match=r'lockstep: false here; take over the section /\*\*/visualizer'):
        nodes('hardware.launch.py', config=str(older), visualize='true')


def test_mock_drives_are_those_of_the_arm_with_all_its_controllers() -> None:
    publisher, manager, spawner = nodes('mock_drives.launch.py')
    assert 'mock_components/GenericSystem' in given(publisher)
    assert 'update_rate: 250' in given(manager)
    started = ' '.join(perform_substitutions(LaunchContext(), each) for each in spawner.cmd[1:4])
    for topic in ('joint_state', 'gantry_velocity', 'arm_velocity'):
        assert f'{topic}_' in started
    assert 'robot_description' not in given(manager)  # it takes it from the publisher


@pytest.mark.parametrize('name', NODES)
def test_every_launch_argument_is_explained(name: str) -> None:
    arguments = {argument.name: argument for argument in load(name).get_launch_arguments()}
    assert set(arguments) >= ARGUMENTS
    for argument in arguments.values():
        assert argument.description
        assert argument.description != 'no description given'


@pytest.mark.parametrize('name', NODES)
def test_trace_logger_and_optimizer_write_into_the_same_run(name: str, tmp_path: Path) -> None:
    run = str(tmp_path / 'run')
    texts = {
        node.node_executable: given(node)
        for node in nodes(name, output_folder=run, objective='as far right as possible', trials='7')
    }
    assert run in texts['trace_logger']
    assert run in texts['optimizer']
    assert 'as far right as possible' in texts['optimizer']
    assert 'trials: 7' in texts['optimizer']
    assert 'lockstep' in texts['controller']
    # One that is killed is started with the same parameters, and finds what it had stored.
    assert 'resume: true' in texts['trace_logger']
    assert 'resume: true' in texts['optimizer']
    assert 'draw_landings: true' in texts['optimizer']


@pytest.mark.parametrize('name', NODES)
def test_method_is_given_to_the_optimizer_and_its_former_name_is_refused(name: str) -> None:
    (optimizer,) = (node for node in nodes(name, method='icpi') if node.node_executable == 'optimizer')
    assert 'method: icpi' in given(optimizer)
    with pytest.raises(SettingsError, match='the launch argument optimizer is called method now'):
        nodes(name, optimizer='icpi')


@pytest.mark.parametrize('name', NODES)
def test_folder_of_another_run_is_refused_unless_that_is_to_be_continued(name: str, tmp_path: Path) -> None:
    with RunStore.create(tmp_path, {}) as store:
        assert nodes(name, output_folder=str(tmp_path))  # nothing was done in it
        store.add_settings({})
        with pytest.raises(
            StoreError, match='already holds a run that has begun: choose another output_folder'
        ):
            nodes(name, output_folder=str(tmp_path))
        store.add_trial(trace_of(0))
    with pytest.raises(
        StoreError,
        match='already holds trials: choose another output_folder, or set resume to continue them',
    ):
        nodes(name, output_folder=str(tmp_path))
    assert nodes(name, output_folder=str(tmp_path), resume='true')


@pytest.mark.parametrize('name', NODES)
def test_method_that_writes_programs_brings_balls_that_vary_and_a_controller_that_takes_programs(name: str) -> None:
    started = {node.node_executable: given(node) for node in nodes(name, method='prompt_po', model='m')}
    assert 'programs: true' in started['controller']
    assert 'vary_balls: true' in started['optimizer']
    assert 'balls: rally' in started['optimizer']
    for arm in {'simulator', 'stand_in_arm'} & set(started):
        assert 'balls: rally' in started[arm]
    usual = {node.node_executable: given(node) for node in nodes(name)}
    assert 'programs: true' not in usual['controller']
    assert 'balls: rally' not in usual['optimizer']


@pytest.mark.parametrize('name', ['hardware.launch.py', 'rehearsal.launch.py'])
def test_proposals_are_rehearsed_with_the_settings_of_the_arm_that_runs(name: str) -> None:
    (optimizer,) = [node for node in nodes(name) if node.node_executable == 'optimizer']
    assert 'rehearsal.config:' in given(optimizer)
    assert 'rehearsal.safety:' in given(optimizer)


def variables(name: str, **environment: str) -> dict[str, str]:
    """What a launch file sets in the environment of its nodes, and this in its own."""
    with pytest.MonkeyPatch.context() as patch:
        for chosen in CHOSEN:
            patch.delenv(chosen, raising=False)
        for chosen, value in environment.items():
            patch.setenv(chosen, value)
        context = LaunchContext()
        made = [each for entity in load(f'{name}.launch.py').entities for each in entity.visit(context) or ()]
    return {
        perform_substitutions(context, each.name): perform_substitutions(context, each.value)
        for each in made
        if isinstance(each, SetEnvironmentVariable)
    }


def test_nodes_of_the_arm_share_no_memory_and_are_found_in_the_network() -> None:
    assert variables('hardware') == {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}


@pytest.mark.parametrize('name', ['sim', 'rehearsal'])
def test_simulation_stays_on_this_machine_unless_somebody_has_chosen_how_far_it_is_found(name: str) -> None:
    alone = variables(name)
    assert set(alone) == {'FASTRTPS_DEFAULT_PROFILES_FILE', RANGE}
    assert Path(alone['FASTRTPS_DEFAULT_PROFILES_FILE']).name == 'loopback.xml'
    assert variables(name, ROS_AUTOMATIC_DISCOVERY_RANGE='SUBNET') == {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}


@pytest.mark.parametrize(('name', 'folder'), [('sim', 'simulation/'), ('hardware', ''), ('rehearsal', '')])
def test_every_node_is_started_in_an_enclave_of_its_own(name: str, folder: str) -> None:
    for node in nodes(f'{name}.launch.py'):
        enclave = f'/llm_policy_improver/{folder}{node.node_executable}'
        assert f'--enclave {enclave}' in ' '.join(map(str, node._Node__ros_arguments or ()))


@pytest.mark.parametrize(('name', 'told'), [('sim', 0), ('hardware', 1), ('rehearsal', 1)])
def test_whether_security_is_enforced_is_told_at_the_start_of_the_arm(
    name: str, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('ROS_SECURITY_ENABLE', raising=False)
    context = LaunchContext()
    made = [each for entity in load(f'{name}.launch.py').entities for each in entity.visit(context) or ()]
    lines = [perform_substitutions(context, each.msg) for each in made if isinstance(each, LogInfo)]
    assert [line.startswith('ROS 2 security is off: ') for line in lines] == [True] * told


@pytest.mark.parametrize(('name', 'again'), [('sim', False), ('hardware', True), ('rehearsal', True)])
def test_nodes_of_the_arm_are_started_again_and_those_of_a_simulation_are_not(name: str, again: bool) -> None:
    for node in nodes(f'{name}.launch.py'):
        assert node._ExecuteLocal__respawn is again
        assert node._ExecuteLocal__respawn_delay > 0.0


@pytest.mark.parametrize('name', NODES)
def test_nodes_in_a_namespace_take_their_settings_from_the_file_all_the_same(name: str) -> None:
    for node in nodes(name, namespace='left'):
        assert node.node_name == f'/left/{node.node_executable}'
        # ROS takes a bare name for the node of no namespace only.
        assert f'/**/{node.node_executable}:' in given(node)


def test_rehearsal_starts_the_nodes_of_the_hardware_with_their_own_settings() -> None:
    rehearsed = {node.node_executable: given(node) for node in nodes('rehearsal.launch.py')}
    for node in nodes('hardware.launch.py'):
        assert '/**/stand_in_arm:' in rehearsed[node.node_executable]
    assert 'lockstep: true' not in ''.join(rehearsed.values())
    assert 'camera_noise: 0.003' in rehearsed['stand_in_arm']


@pytest.mark.parametrize(
    'arguments', [{'trials': 'many'}, {'resume': 'perhaps'}, {'config': '/no/such.yaml'}]
)
def test_wrong_launch_argument_is_refused_by_name(arguments: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(arguments))):
        nodes('sim.launch.py', **arguments)


NAMESPACE = f'/launched_{os.getpid()}'


@contextmanager
def launched(name: str, folder: Path, *arguments: str) -> Iterator[Process]:
    """``ros2 launch``, and the end of all that it started."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        pytest.skip('ros2 is not installed here')
    command = [ros2, 'launch', 'llm_policy_improver', name, f'namespace:={NAMESPACE}', *arguments]
    with process(command, folder, PYTHONUNBUFFERED='1') as started:
        try:
            yield started
        finally:
            if started.running:
                started.interrupt()
                with suppress(AssertionError):
                    started.end()
            for pid in re.findall(r'process started with pid \[(\d+)\]', started.out):
                if started.running:
                    with suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)


def starts(launch: Process, node: str) -> list[int]:
    """Its process ids so far."""
    return [int(pid) for pid in re.findall(rf'\[{node}-\d\]: process started with pid \[(\d+)\]', launch.out)]


def has_started(launch: Process, node: str, times: int) -> bool:
    return len(starts(launch, node)) == times


def test_nodes_that_are_killed_come_back_until_the_launch_ends(tmp_path: Path) -> None:
    run = tmp_path / 'run'
    with launched('hardware.launch.py', tmp_path, f'output_folder:={run}') as launch:
        for node in ('trace_logger', 'optimizer', 'controller'):
            launch.wait_until(partial(has_started, launch, node, 1), f'the {node}')
        launch.wait_until(lambda: launch.out.count('storing trials in') == 1, 'the store', 2 * TIMEOUT)
        for node in ('trace_logger', 'optimizer', 'controller'):
            os.kill(starts(launch, node)[0], signal.SIGKILL)
        for node in ('trace_logger', 'optimizer', 'controller'):
            launch.wait_until(partial(has_started, launch, node, 2), f'the {node} again')
        launch.wait_until(lambda: launch.out.count('storing trials in') == 2, 'the store again', 2 * TIMEOUT)
        launch.interrupt()
        assert launch.end() == 0
        assert len(starts(launch, 'trace_logger')) == 2


def test_node_that_refuses_its_settings_ends_the_launch_and_is_not_started_again(tmp_path: Path) -> None:
    arguments = (f'output_folder:={tmp_path / "run"}', 'method:=sas')
    with launched('hardware.launch.py', tmp_path, *arguments) as launch:
        assert launch.end(2 * TIMEOUT) == 1
        assert len(starts(launch, 'optimizer')) == 1
        assert 'method sas needs a language model' in launch.out + launch.err
        assert 'the other nodes are ended' in launch.out + launch.err


def test_optimizer_that_comes_back_while_its_endpoint_is_away_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ExitStack() as endpoint:
        url = endpoint.enter_context(ChatServer()).url
        arguments = ('method:=sas', 'model:=m', f'base_url:={url}', f'output_folder:={tmp_path / "run"}')
        with launched('hardware.launch.py', tmp_path, *arguments) as launch:
            launch.wait_until(lambda: 'sas:m' in launch.out, 'the optimizer', 2 * TIMEOUT)
            endpoint.close()
            os.kill(starts(launch, 'optimizer')[0], signal.SIGKILL)
            launch.wait_until(lambda: len(starts(launch, 'optimizer')) > 2, 'two more starts', 2 * TIMEOUT)
            assert 'cannot be reached' in launch.out + launch.err
            assert len(starts(launch, 'controller')) == 1
            launch.interrupt()
            assert launch.end() == 0
