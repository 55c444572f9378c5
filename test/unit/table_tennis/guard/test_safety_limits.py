"""Limits that are not what they must be stop the start with one sentence; the file and the defaults are the same."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_policy_improver.core.settings import SettingsError, read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.table_tennis.arm.facts import ARM, HOME
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.settings import ControllerSettings

FILE = share_folder() / 'config' / 'safety.yaml'
PER_JOINT = (
    'velocity', 'acceleration', 'jerk', 'position_low', 'position_high', 'position_margin', 'soft_zone',
    'attenuation_low', 'attenuation_high', 'residual', 'following_error',
)  # fmt: skip
SCALARS = ('forearm_radius', 'table_clearance', 'workspace_margin', 'longest_tick', 'drive_timeout')
BOXES = ('blade_low', 'blade_high', 'forearm_low', 'forearm_high')


def changed(name: str, number: int, value: float) -> Any:
    values = list(getattr(SafetyLimits(), name))
    values[number] = value
    return tuple(values)


def refusal(**changes: Any) -> str:
    with pytest.raises(ValueError) as refused:
        replace(SafetyLimits(), **changes)
    sentence = str(refused.value)
    assert sentence.startswith('safety: ')
    assert '\n' not in sentence
    return sentence


def test_the_file_and_the_defaults_are_the_same_and_the_file_names_every_limit() -> None:
    assert read_settings(FILE, ControllerSettings, 'controller').safety == SafetyLimits()
    named = yaml.safe_load(FILE.read_text())['/**/controller']['ros__parameters']['safety']
    assert list(named) == [entry.name for entry in fields(SafetyLimits)]
    assert {entry.name for entry in fields(SafetyLimits)} == {*PER_JOINT, *BOXES, *SCALARS}


@pytest.mark.parametrize('name', PER_JOINT)
def test_a_limit_without_one_of_the_joints_is_refused(name: str) -> None:
    shorter = getattr(SafetyLimits(), name)[:-1]
    sentence = refusal(**{name: shorter})
    assert f'{name} must have 8 numbers, one a joint (slide_y' in sentence
    assert sentence.endswith('got 7')


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e9])
@pytest.mark.parametrize(
    'name',
    ['velocity', 'acceleration', 'jerk', 'position_margin', 'soft_zone', 'following_error'],
)
def test_numbers_that_are_no_limit_are_refused_by_the_joints_name(name: str, value: float) -> None:
    for number, joint in enumerate(ARM):
        assert f'{name} of {joint.name} must be between' in refusal(**{name: changed(name, number, value)})


@pytest.mark.parametrize('number', range(8))
def test_a_range_beyond_the_joints_own_or_upside_down_or_without_the_ready_pose_is_refused(
    number: int,
) -> None:
    joint = ARM[number]
    for name, value in (
        ('position_low', joint.low - 1e-3), ('position_high', joint.high + 1e-3),
        ('position_low', joint.high), ('position_high', joint.low),
        ('position_low', HOME[number] + 1e-3), ('position_high', HOME[number] - 1e-3),
        ('position_low', math.nan), ('position_high', math.nan), ('position_low', -math.inf),
    ):  # fmt: skip
        assert f'{name} of {joint.name} must be between' in refusal(**{name: changed(name, number, value)})


@pytest.mark.parametrize('number', range(8))
def test_a_speed_beyond_the_joints_own_is_refused(number: int) -> None:
    sentence = refusal(velocity=changed('velocity', number, ARM[number].speed + 0.01))
    assert f'velocity of {ARM[number].name} must be between 0.01 and {ARM[number].speed:g}' in sentence


@pytest.mark.parametrize('part', ['blade', 'forearm'])
@pytest.mark.parametrize(('axis', 'number'), [('x', 0), ('y', 1), ('z', 2)])
def test_a_box_upside_down_or_through_floor_and_net_or_not_finite_is_refused(
    part: str, axis: str, number: int
) -> None:
    low = getattr(SafetyLimits(), f'{part}_low')[number]
    assert f'got {low:g} and {low:g} m in {axis}' in refusal(
        **{f'{part}_high': changed(f'{part}_high', number, low)}
    )
    for corner in (f'{part}_low', f'{part}_high'):
        for value in (math.nan, math.inf, -math.inf, 5.0, -5.0):
            assert f'{corner}, {axis}, must be between' in refusal(**{corner: changed(corner, number, value)})
    assert 'must have 3 numbers, x, y and z; got 2' in refusal(**{f'{part}_low': (0.0, 0.0)})


def test_a_time_out_of_the_drives_shorter_than_a_late_tick_is_refused() -> None:
    assert 'drive_timeout must be at least longest_tick, 0.03 s' in refusal(longest_tick=0.03, drive_timeout=0.025)


@pytest.mark.parametrize('name', SCALARS)
@pytest.mark.parametrize('value', [math.nan, math.inf, -0.01, 1.0])
def test_other_numbers_that_are_no_limit_are_refused(name: str, value: float) -> None:
    assert f'{name} must be between' in refusal(**{name: value})


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('velocity: [1.9, 1.9]', 'velocity must have 8 numbers'),
        ('velocity: [.nan, 1.9, 3.4, 3.9, 2.3, 3.9, 5.3, 6.9]', 'velocity must be finite'),
        ('velocity: fast', 'velocity must be a list'),
        ('velocity: [fast, 1.9, 3.4, 3.9, 2.3, 3.9, 5.3, 6.9]', 'must be of type float'),
        ('jerk: [0.0, 1.9, 3.4, 3.9, 2.3, 3.9, 5.3, 6.9]', 'jerk of slide_y must be between 1 and'),
        ('blade_low: [0.0, 0.0]', 'blade_low must have 3 entries'),
        ('velocitty: [1.0]', 'unknown setting "safety.velocitty"; did you mean safety.velocity'),
        ('table_clearance: -0.5', 'table_clearance must be between 0 and 0.3'),
    ],
)
def test_a_malformed_file_stops_the_start_with_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / 'safety.yaml'
    path.write_text(f'/**/controller:\n  ros__parameters:\n    safety:\n      {text}\n')
    with pytest.raises(SettingsError) as refused:
        read_settings(path, ControllerSettings, 'controller')
    assert said in str(refused.value)
    assert '\n' not in str(refused.value)
