"""``bench safety``: a judge that sees what goes beyond a limit. The campaign itself is an acceptance test."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.table_tennis.arm.facts import ARM, HOME
from llm_policy_improver.table_tennis.bench import safety
from llm_policy_improver.table_tennis.bench.attacks import range as attacks_range
from llm_policy_improver.table_tennis.bench.attacks.braking import Braking
from llm_policy_improver.table_tennis.bench.attacks.case import Case
from llm_policy_improver.table_tennis.bench.attacks.pauses import KIND as PAUSES
from llm_policy_improver.table_tennis.bench.attacks.range import KINDS, Range
from llm_policy_improver.table_tennis.guard import takeover
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout


def test_a_case_is_the_same_for_the_same_seed_and_in_another_process_too() -> None:
    first = Range()
    first.run(Case('random steps', 3))  # whatever was before
    for kind in ('joints: dropout', 'controller killed twice'):
        case = Case(kind, KINDS.index(kind))
        assert first.run(case) == Range().run(case) == first.run(case)
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
    monkeypatch.setattr(attacks_range, 'SafetyStage', lambda limits: SafetyStage(wide))
    kind = '1e9 and 1e300' if name == 'velocity' else 'full speed'
    seen = Range().run(Case(kind, 0)).violations
    assert name in seen


def moving_again() -> Case:
    """A controller that is back while the arm still moves."""
    return Case('controller killed', 2)


def test_every_attack_that_was_asked_for_is_a_kind() -> None:
    for words in (
        'NaN and inf', '1e9', 'wrong length', 'sign flips', 'stale stamps', 'replayed', 'versions out of order',
        'dropout', 'frozen', 'jump', 'swapped', 'latency spikes', 'controller killed', 'drivers killed',
        'trace logger killed',
    ):  # fmt: skip
        assert any(words in kind for kind in KINDS), words


def zeros_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, 'confirmed', lambda first, second: np.zeros(8))


def too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, 'confirmed', lambda first, second: 1.5 * second.velocity)


def hesitating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, '_APART', 36_000_000)


def soft_braking(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = replace(SafetyLimits(), acceleration=tuple(0.05 * value for value in SafetyLimits().acceleration))
    stage = SafetyStage
    monkeypatch.setattr(
        'llm_policy_improver.table_tennis.guard.guarded.SafetyStage', lambda limits: stage(slow)
    )


def armed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = GuardedController.tick

    def eager(controller: GuardedController) -> object:
        controller.arm()
        return tick(controller)

    monkeypatch.setattr(GuardedController, 'tick', eager)


@pytest.mark.parametrize(
    ('fault', 'seen'),
    [
        (zeros_at_once, 'first step'), (too_fast, 'first step'), (hesitating, 'sent too late'),
        (soft_braking, 'stood still too late'), (soft_braking, 'further than braking takes'),
        (armed_by_itself, 'armed by itself'),
    ],
    ids=['zeros', 'too fast', 'late', 'soft', 'soft: way', 'armed'],
)  # fmt: skip
def test_the_judge_sees_a_controller_that_takes_over_badly(
    fault: Callable[[pytest.MonkeyPatch], None], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Range()
    fine = place.run(moving_again())
    assert fine.moved
    assert fine.violations == {}
    fault(monkeypatch)
    assert seen in place.run(moving_again()).violations


@pytest.mark.parametrize('fault', ['rough', 'unaware'])
def test_the_judge_sees_who_comes_back_from_a_pause_as_if_nothing_had_been(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that goes on from the velocity that it sent last; one whose drives brake later than it reckons with."""

    def found(place: Range) -> set[str]:
        return {name for seed in range(0, 24, 2) for name in place.run(Case(PAUSES, seed)).violations}

    if fault == 'rough':
        monkeypatch.setattr(
            'llm_policy_improver.table_tennis.guard.safety.after_silence',
            lambda limits, position, velocity, acceleration, since: (
                position + velocity * since, velocity, acceleration,
            ),
        )  # fmt: skip
        assert found(Range()) & {'jerk', 'acceleration'}
    else:
        monkeypatch.setattr(DriveTimeout, 'of', lambda limits: DriveTimeout(timeout=0.4))
        assert found(Range()) & {'position of the arm', 'box of the arm'}


def test_the_judge_knows_the_shortest_way_to_rest() -> None:
    limits = SafetyLimits()
    velocity = 0.9 * np.array(limits.velocity) * np.array([1, -1, 1, -1, 0.02, -0.02, 1, 0])
    braking = Braking(limits, velocity)
    times = np.linspace(0.0, braking.time, 40_001)
    course = np.array([braking.velocity(time) for time in times])
    acceleration = np.diff(course, axis=0) / times[1]
    assert np.allclose(course[0], velocity)
    assert np.allclose(course[-1], 0.0)
    assert np.allclose(course.mean(axis=0) * braking.time, braking.way, atol=1e-5)
    assert (np.abs(acceleration) <= np.array(limits.acceleration) * 1.001).all()
    assert (np.abs(np.diff(acceleration, axis=0)) / times[1] <= np.array(limits.jerk) * 1.01).all()
    assert np.abs(acceleration).max(axis=0)[0] == pytest.approx(limits.acceleration[0], rel=1e-3)
    rest = braking.path(np.array(HOME), np.array(HOME))[-1]
    ends = np.clip(HOME + braking.way, [joint.low for joint in ARM], [joint.high for joint in ARM])
    assert rest == pytest.approx(ends, abs=0.01)


def test_command_prints_a_table_for_people_and_fails_where_something_was_beyond_a_limit() -> None:
    shown = CliRunner().invoke(cli, ['bench', 'safety', '--cases', '3', '--pauses', '1'])
    assert shown.exit_code == 0, shown.output
    assert 'with anything beyond a limit' in shown.output
    assert 'sign flips' in shown.output
    told = CliRunner().invoke(cli, ['bench', 'safety', '--cases', '2', '--pauses', '2', '--json'])
    content = json.loads(told.stdout)
    assert {'cases', 'violations', 'worst_standstill_s', 'kinds'} <= set(content)
    assert (content['cases'], content['pauses'], content['pause_violations']) == (2, 2, 0)


def test_limits_of_another_file_are_attacked_and_bad_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / 'safety.yaml'
    path.write_text('/**/controller: {ros__parameters: {safety: {table_clearance: -1.0}}}\n')
    refused = CliRunner().invoke(cli, ['bench', 'safety', '--cases', '1', '--pauses', '0', '--limits', str(path)])
    assert refused.exit_code == 2
    assert 'table_clearance must be between' in refused.output
    slow = replace(SafetyLimits(), velocity=tuple(np.full(8, 0.5)))
    result = Range(slow).run(Case('full speed', 1))
    assert result.violations == {}
