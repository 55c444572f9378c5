"""Every setting of every node has a range or a form, and a sentence of its own for what has not."""

import math
from pathlib import Path
from typing import Any

import pytest
from paths import CONFIG

from llm_policy_improver.core.settings import SettingsError, from_mapping, to_mapping
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.table_tennis.rehearsal import arm_settings
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
    require_limits,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

KINDS: dict[str, type[Any]] = {
    'simulator': SimulatorSettings,
    'controller': ControllerSettings,
    'trace_logger': TraceLoggerSettings,
    'optimizer': OptimizerSettings,
    'stand_in_arm': StandInSettings,
    'visualizer': VisualizerSettings,
}
ALL = [(node, name) for node, kind in KINDS.items() for name in to_mapping(kind())]
WORDS = (
    'key_file', 'operator_file', 'drives_proof', 'objective', 'base_url', 'model', 'config', 'safety', 'output_folder',
)  # fmt: skip
"""Texts that may be empty: there are none then."""
COMMANDS = ('gantry_command_topic', 'arm_command_topic')


def refusal(node: str, name: str, value: Any) -> str | None:
    try:
        from_mapping(KINDS[node], {name: value}, node)
    except SettingsError as error:
        said = str(error)
        assert len(said) < 300
        assert said.isprintable()
        return said
    return None


def one_of(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


@pytest.mark.parametrize(('node', 'name'), ALL)
def test_no_setting_takes_what_it_cannot_be(node: str, name: str) -> None:
    default = to_mapping(KINDS[node]())[name]
    alike = (lambda value: [value] * len(default)) if isinstance(default, list) else lambda value: value
    wrong: tuple[Any, ...]
    if isinstance(one_of(default), bool):
        wrong = (1, 'true', None)
    elif isinstance(one_of(default), int):
        wrong = (10**19, -(10**19), -1, 0.5, '1')
    elif isinstance(one_of(default), float):
        # A lift that does not saturate is one of an infinite saturation.
        large = () if name.endswith('lift_saturation') else (1e9,)
        wrong = (-1e9, math.nan, math.inf, -math.inf, '1', *large)
    else:
        wrong = ('x' * 20_000, 3, None, *(() if name.endswith((*WORDS, *COMMANDS)) else ('',)))
    for value in wrong:
        assert refusal(node, name, alike(value)) is not None, value
        assert refusal(node, name, [value] * 2000) is not None, value
    assert refusal(node, name, default) is None


FOUND = [
    ('controller', {'controller.filter.sighting': -0.001}, 'filter: sighting must be between 0 and 1 m; got -0.001 m'),
    ('trace_logger', {'filter.bounce_spin': -1.0}, 'filter: bounce_spin must be between 0 and 1000 rad/s'),
    ('optimizer', {'rehearsal.camera_noise': -0.003}, 'rehearsal: camera_noise must be between 0 and 0.099 m'),
    ('optimizer', {'request_retries': 10**9}, 'request_retries must be between 0 and 100; got 1000000000'),
    ('optimizer', {'trials': 10**9}, 'trials must be between 1 and 100000; got 1000000000'),
    ('optimizer', {'request_timeout': 1e300}, 'request_timeout must be between 0.01 and 86400 s'),
    ('controller', {'ball_topic': ''}, "ball_topic must be a topic: letters, digits, _ and /, no digit first; got ''"),
    ('controller', {'joint_state_topic': 'joint states'}, 'joint_state_topic must be a topic'),
    ('controller', {'ball_topic': '/ball/'}, 'ball_topic must be a topic'),
    ('controller', {'ball_topic': 'ball//position'}, 'ball_topic must be a topic'),
    ('controller', {'ball_topic': '1st'}, 'ball_topic must be a topic'),
    ('controller', {'ball_topic': 'joint_states'}, 'joint_state_topic and ball_topic must be different topics'),
    ('controller', {'spin_topic': '/ball/position'}, 'ball_topic and spin_topic must be different topics'),
    ('controller', {'gantry_command_topic': 'a', 'arm_command_topic': 'a'}, 'gantry_command_topic and arm_command_'),
    ('trace_logger', {'ball_topic': 'joint_states'}, 'joint_state_topic and ball_topic must be different topics'),
    ('trace_logger', {'driver_joint_names': ['a'] * 8}, 'driver_joint_names must be 8 different names'),
    ('trace_logger', {'driver_joint_names': ['', *'bcdefgh']}, 'driver_joint_names must be 8 different names'),
    ('trace_logger', {'ball_lost': -1.0}, 'ball_lost must be between 0.05 and 5 s'),
    ('controller', {'peers': ['a b']}, "peers must be names of nodes; got 'a b'"),
    ('controller', {'peers': ['/trace_logger']}, 'peers must be names of nodes'),
    ('controller', {'peers': ['a', 'a']}, 'peers must be different nodes'),
    ('controller', {'lockstep': False, 'peers': []}, 'peers must name a node whose silence stops the arm'),
    ('controller', {'controller.limits.horizon': 0.0}, 'limits: horizon must be between 0.001 and 10 s'),
    ('simulator', {'simulation.launcher.velocity': [0.0, 1e300, 0.0]}, 'launcher: velocity must be between -50 and'),
    ('simulator', {'simulation.ball.gravity': 1e300}, 'gravity must be between 0 and 100 m/s^2; got 1e+300 m/s^2'),
    ('simulator', {'command_timeout': -1.0}, 'command_timeout must be between 0.1 and 3600 s; got -1 s'),
]  # fmt: skip


@pytest.mark.parametrize(('node', 'given', 'sentence'), FOUND)
def test_what_was_taken_before_is_refused_in_a_sentence(
    node: str, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        from_mapping(KINDS[node], given, node)
    assert sentence in str(refused.value)


def test_topics_and_peers_of_ros_are_taken() -> None:
    given = {
        'ball_topic': '~/ball',
        'joint_state_topic': '/arm_1/joint_states',
        'peers': ['trace_logger', 'cell/eyes'],
    }
    settings = from_mapping(ControllerSettings, given, 'controller')
    assert settings.ball_topic == '~/ball'
    assert from_mapping(ControllerSettings, {'lockstep': True, 'peers': []}, 'controller').peers == ()


def test_arm_without_one_of_its_limits_is_refused_and_the_limit_is_named(tmp_path: Path) -> None:
    lines = (CONFIG / 'safety.yaml').read_text().splitlines()
    path = tmp_path / 'safety.yaml'
    path.write_text('\n'.join(line for line in lines if not line.strip().startswith('velocity:')))
    with pytest.raises(
        SettingsError, match=r'safety.yaml: safety.velocity missing: on the arm every limit must be'
    ):
        arm_settings(RehearsalConfig(safety=str(path)))
    path.write_text('/**/controller: {ros__parameters: {lockstep: false}}\n')
    with pytest.raises(SettingsError, match=r'safety.velocity and 19 more missing'):
        arm_settings(RehearsalConfig(safety=str(path)))
    assert (
        arm_settings(RehearsalConfig(safety=str(CONFIG / 'safety.yaml'))).safety
        == ControllerSettings().safety
    )


def test_all_limits_given_are_enough() -> None:
    names = list(to_mapping(ControllerSettings()))
    require_limits(names, 'controller')
    with pytest.raises(SettingsError, match=r'^controller: safety.jerk missing'):
        require_limits(set(names) - {'safety.jerk'}, 'controller')
