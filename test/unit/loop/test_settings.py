import math
import re
from array import array
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_policy_improver.core.settings import SettingsError, from_mapping, read_settings, to_mapping
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import CHOICES, PROGRAMS, WITH_MODEL
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

KINDS: dict[str, type[Any]] = {
    'simulator': SimulatorSettings,
    'controller': ControllerSettings,
    'trace_logger': TraceLoggerSettings,
    'optimizer': OptimizerSettings,
    'visualizer': VisualizerSettings,
}
from paths import CONFIG

SHIPPED = sorted(path.name for path in CONFIG.glob('*.yaml'))


def written(folder: Path, content: str) -> Path:
    path = folder / 'settings.yaml'
    path.write_text(content)
    return path


@pytest.mark.parametrize('node', KINDS)
def test_settings_survive_the_round_trip(node: str) -> None:
    kind = KINDS[node]
    flat = to_mapping(kind())
    assert from_mapping(kind, flat, node) == kind()
    assert from_mapping(kind, yaml.safe_load(yaml.safe_dump(flat)), node) == kind()


def test_mapping_is_flat_with_dots_and_lists_as_ros_parameters_are() -> None:
    flat = to_mapping(SimulatorSettings())
    assert flat['simulation.launcher.position'] == [0.1, 1.5, 0.3]
    assert flat['simulation.ball.table_friction'] == 0.25
    assert 'simulation.ball.drag' not in flat  # follows from the others


def test_given_settings_are_taken_and_the_others_keep_their_defaults() -> None:
    given = {'simulation.camera_noise': 0.003, 'simulation.launcher.spin': [1, 2.5, -3], 'command_timeout': 2}
    settings = from_mapping(SimulatorSettings, given, 'simulator')
    assert settings.simulation.camera_noise == 0.003
    assert settings.simulation.launcher.spin == (1.0, 2.5, -3.0)
    assert settings.command_timeout == 2.0
    assert settings.simulation.control_period == SimulatorSettings().simulation.control_period


def test_arrays_of_ros_are_taken_as_lists_are() -> None:
    given = {'simulation.launcher.spin': array('d', [1.0, 2.5, -3.0])}
    assert from_mapping(SimulatorSettings, given, 'simulator').simulation.launcher.spin == (1.0, 2.5, -3.0)


BAD = [
    (
        'simulator',
        {'simulation.gravity': 9.81},
        'simulator: unknown setting "simulation.gravity"; did you mean simulation.ball.gravity',
    ),
    (
        'simulator',
        {'simulation.camera_noise': 'low'},
        "simulator: simulation.camera_noise must be of type float; got 'low'",
    ),
    (
        'simulator',
        {'simulation.camera_noise': True},
        'simulator: simulation.camera_noise must be of type float; got True',
    ),
    (
        'simulator',
        {'simulation.camera_noise': math.nan},
        'simulator: simulation.camera_noise must be finite; got nan',
    ),
    (
        'simulator',
        {'simulation.launcher.spin': [1.0, 2.0]},
        'simulator: simulation.launcher.spin must have 3 entries; got 2',
    ),
    (
        'simulator',
        {'simulation.launcher.spin': 'fast'},
        "simulator: simulation.launcher.spin must be a list; got 'fast'",
    ),
    (
        'simulator',
        {'simulation.control_period': 0.0205},
        'simulator: control_period must be a whole number of physics steps',
    ),
    (
        'controller',
        {'driver_joint_names': ['a'] * 8},
        'controller: driver_joint_names must be 8 different names',
    ),
    ('controller', {'peers': [3]}, 'controller: peers must be of type str; got 3'),
    ('controller', {'lockstep': 1}, 'controller: lockstep must be of type bool; got 1'),
    ('controller', {'controller.period': 0.5}, 'controller: period must be between 0.001 and 0.02 s'),
    ('optimizer', {'trials': 3.5}, 'optimizer: trials must be of type int; got 3.5'),
    (
        'optimizer',
        {'method': 'least_square'},
        'unknown method "least_square"; did you mean least_squares?',
    ),
    (
        'optimizer',
        {'method': 'xyz'},
        'unknown method "xyz"; there are auto, sas, icpi, hybrid, ',
    ),
    ('optimizer', {'method': 'hybrid'}, 'method hybrid needs a language model: give its name'),
    ('optimizer', {'optimizer': 'knn'}, 'optimizer: the setting optimizer is called method now'),
    (
        'optimizer',
        {'attenuation_low': [0.6] * 7},
        'optimizer: attenuation_low must hold 8 numbers, one a joint (slide_y, ',
    ),
    (
        'optimizer',
        {'attenuation_low': [1.4] * 8, 'attenuation_high': [0.6] * 8},
        'optimizer: the bounds of a (slide_y) are upside down: low 1.4 must be below high 0.6',
    ),
    (
        'optimizer',
        {'residual_low': [0.1] * 8},
        'optimizer: the bounds of i (slide_y residual) must contain 0, which changes nothing; got 0.1 to 0.4',
    ),
    ('optimizer', {'parameters': 'all'}, 'parameters must be attenuation, residual, both; got "all"'),
]


@pytest.mark.parametrize(('node', 'given', 'sentence'), BAD)
def test_wrong_setting_is_one_clear_sentence(node: str, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=f'^{re.escape(sentence)}') as caught:
        from_mapping(KINDS[node], given, node)
    assert '\n' not in str(caught.value)


def test_file_names_the_node_and_where_it_is_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, 'optimizer:\n  ros__parameters:\n    trails: 3\n')
    with pytest.raises(SettingsError, match=f'^{re.escape(str(path))}, optimizer: unknown setting "trails"'):
        read_settings(path, OptimizerSettings, 'optimizer')
    assert read_settings(path, ControllerSettings, 'controller') == ControllerSettings()


def test_settings_of_all_nodes_come_first_and_the_nodes_own_win(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '/**:\n  ros__parameters:\n    lockstep: false\n    autostart: true\n    security: {insecure: true}\n'
        'controller:\n  ros__parameters:\n    autostart: false\n    controller: {stroke: {flight_time: 0.6}}\n',
    )
    settings = read_settings(path, ControllerSettings, 'controller')
    assert (settings.lockstep, settings.autostart) == (False, False)
    assert settings.controller.stroke.flight_time == 0.6


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        ('a: [1, 2', 'is no valid YAML: '),
        ('just words', 'must map node names to ros__parameters'),
        ('', 'must map node names to ros__parameters'),
        ('controller:\n  lockstep: true\n', 'must map node names to ros__parameters'),
        ('controller:\n  ros__parameters: 3\n', 'must map node names to ros__parameters'),
    ],
)
def test_content_that_is_no_parameter_file_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(SettingsError, match=f'^{re.escape(str(path))}.*{sentence}') as caught:
        read_settings(path, ControllerSettings, 'controller')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name', ['', 'missing.yaml'])
def test_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r'cannot be read .*; name an existing YAML file'):
        read_settings(tmp_path / name, ControllerSettings, 'controller')


def test_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'binary.yaml').write_bytes(b'\xff\xfe\x00\x80')
    with pytest.raises(SettingsError, match='cannot be read'):
        read_settings(tmp_path / 'binary.yaml', ControllerSettings, 'controller')


@pytest.mark.parametrize('name', SHIPPED)
@pytest.mark.parametrize('node', KINDS)
def test_shipped_settings_are_valid(name: str, node: str) -> None:
    read_settings(CONFIG / name, KINDS[node], node)
    sections = yaml.safe_load((CONFIG / name).read_text())
    assert {section.rsplit('/', 1)[-1] for section in sections} <= {*KINDS, 'stand_in_arm'}


def test_shipped_settings_of_the_stand_in_arm_are_valid() -> None:
    read_settings(CONFIG / 'rehearsal.yaml', StandInSettings, 'stand_in_arm')


def test_shipped_settings_of_the_simulated_run_are_the_defaults() -> None:
    for node, kind in KINDS.items():
        assert to_mapping(read_settings(CONFIG / 'sim.yaml', kind, node)) == to_mapping(kind())


@pytest.mark.parametrize('name', CHOICES)
def test_every_method_can_be_named_in_the_settings(name: str) -> None:
    model = 'some-model' if name in WITH_MODEL else ''
    assert OptimizerSettings(method=name, model=model).method == name


@pytest.mark.parametrize('name', PROGRAMS)
def test_methods_that_write_programs_need_a_model_and_balls_that_vary(name: str) -> None:
    assert OptimizerSettings(method=name, model='some-model', vary_balls=True).balls == 5
    with pytest.raises(SettingsError, match=f'method {name} writes programs that choose for each ball: set vary_'):
        OptimizerSettings(method=name, model='some-model')
    with pytest.raises(SettingsError, match=f'method {name} needs a language model'):
        OptimizerSettings(method=name, vary_balls=True)
    with pytest.raises(SettingsError, match='balls must be between 1 and 100; got 0'):
        OptimizerSettings(method=name, model='some-model', vary_balls=True, balls=0)


@pytest.mark.parametrize(
    ('searched', 'names'),
    [('attenuation', 'abcdefgh'), ('residual', 'ijklmnop'), ('both', 'abcdefghijklmnop')],
)
def test_settings_say_which_parameters_are_searched(searched: str, names: str) -> None:
    assert OptimizerSettings(parameters=searched).space().names == tuple(names)
