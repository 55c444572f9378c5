"""``bench safety`` in its quick form: every kind of attack, nothing beyond a limit, and a judge that can see it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from llm_policy_improver.bench import safety, safety_cases
from llm_policy_improver.bench.safety_cases import COMMANDS, KINDS, MUST_LATCH, Case, Range
from llm_policy_improver.cli import cli
from llm_policy_improver.control.safety import SafetyStage
from llm_policy_improver.control.safety_limits import SafetyLimits

LATCHING = sorted(MUST_LATCH)


@pytest.fixture(scope='module')
def figures() -> safety.SafetyResult:
    return safety.run(2 * len(KINDS), seed=0, processes=1)


def test_no_attack_leaves_the_limits_and_every_fault_ends_in_standstill(figures: safety.SafetyResult) -> None:
    assert figures.broken == ()
    content = figures.as_json()
    assert content['cases'] == 2 * len(KINDS)
    assert content['violations'] == 0
    assert 0.0 < content['worst_standstill_s'] <= safety.LONGEST_STANDSTILL
    assert set(content['kinds']) == set(KINDS)


def test_attacks_meet_a_moving_arm_and_limits_that_act(figures: safety.SafetyResult) -> None:
    for name, kind in figures.kinds.items():
        assert kind.moved == kind.cases == 2, name
        if name in COMMANDS:
            assert kind.limited > 0.5, name
    assert figures.kinds['undisturbed'].limited < 0.15
    assert figures.kinds['undisturbed'].latched == 0
    assert figures.kinds['parameters of 1e9'].limited > figures.kinds['undisturbed'].limited


@pytest.mark.parametrize('kind', LATCHING)
def test_what_is_always_a_fault_is_latched(figures: safety.SafetyResult, kind: str) -> None:
    assert figures.kinds[kind].latched == 2


def test_a_case_is_the_same_for_the_same_seed_and_in_another_process_too(
    figures: safety.SafetyResult,
) -> None:
    first = Range()
    first.run(Case('random steps', 3))  # whatever was before
    case = Case('joints: dropout', KINDS.index('joints: dropout'))
    once = first.run(case)
    assert once == Range().run(case) == first.run(case)
    assert once.standstill <= figures.kinds[case.kind].worst_standstill_s
    assert safety.run(3, seed=5, processes=2) == safety.run(3, seed=5, processes=1)


@pytest.mark.parametrize('name', ['velocity', 'acceleration', 'jerk', 'position', 'box'])
def test_the_judge_sees_what_a_stage_without_limits_lets_through(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attacks, with a stage whose limits are wide and a judge who keeps the usual ones."""
    wide = SafetyLimits()
    for limit, factor in (('velocity', 1e3), ('acceleration', 1e3), ('jerk', 1e3)):
        object.__setattr__(wide, limit, tuple(factor * value for value in getattr(wide, limit)))
    for limit, corner in (
        ('blade_low', -9.0),
        ('blade_high', 9.0),
        ('forearm_low', -9.0),
        ('forearm_high', 9.0),
    ):
        object.__setattr__(wide, limit, (corner,) * 3)
    object.__setattr__(wide, 'position_low', (-9.0,) * 8)
    object.__setattr__(wide, 'position_high', (9.0,) * 8)
    monkeypatch.setattr(safety_cases, 'SafetyStage', lambda limits: SafetyStage(wide))
    kind = '1e9 and 1e300' if name == 'velocity' else 'full speed'
    seen = Range().run(Case(kind, 0)).violations
    assert name in seen


def test_command_prints_a_table_for_people_and_fails_where_something_was_beyond_a_limit() -> None:
    shown = CliRunner().invoke(cli, ['bench', 'safety', '--cases', '3'])
    assert shown.exit_code == 0, shown.output
    assert 'with anything beyond a limit' in shown.output
    assert 'sign flips' in shown.output
    told = CliRunner().invoke(cli, ['bench', 'safety', '--cases', '2', '--json'])
    assert {'cases', 'violations', 'worst_standstill_s', 'kinds'} <= set(json.loads(told.stdout))


def test_limits_of_another_file_are_attacked_and_bad_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / 'safety.yaml'
    path.write_text('/**/controller: {ros__parameters: {safety: {table_clearance: -1.0}}}\n')
    refused = CliRunner().invoke(cli, ['bench', 'safety', '--cases', '1', '--limits', str(path)])
    assert refused.exit_code == 2
    assert 'table_clearance must be between' in refused.output
    slow = replace(SafetyLimits(), velocity=tuple(np.full(8, 0.5)))
    result = Range(slow).run(Case('full speed', 1))
    assert result.violations == {}
