"""The launch files. Only a ROS installation has what they are written with: the wheels bring no launch."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    'launch_ros', reason='launch_ros comes with a ROS installation only, not with the ROS wheels of pip'
)

from launch.launch_description_sources import get_launch_description_from_python_launch_file
from launch_ros.actions import Node

from launch import LaunchContext
from llm_policy_improver.settings import SettingsError

ROOT = Path(__file__).parent.parent
NODES = {
    'sim.launch.py': ['simulator', 'controller', 'trace_logger', 'optimizer'],
    'hardware.launch.py': ['controller', 'trace_logger', 'optimizer'],
    'rehearsal.launch.py': ['stand_in_arm', 'controller', 'trace_logger', 'optimizer'],
}
ARGUMENTS = {
    'config',
    'namespace',
    'output_folder',
    'resume',
    'objective',
    'optimizer',
    'base_url',
    'model',
    'trials',
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
    assert 'joint_names' in texts['controller']


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


@pytest.mark.parametrize('arguments', [{'trials': 'many'}, {'config': '/no/such.yaml'}])
def test_wrong_launch_argument_is_refused_by_name(arguments: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(arguments))):
        nodes('sim.launch.py', **arguments)
