"""The attack campaign: every kind in turn, nothing beyond a limit, every fault latched, standstill in time."""

from collections.abc import Callable

import pytest

from llm_policy_improver.table_tennis.bench import safety
from llm_policy_improver.table_tennis.bench.attacks.case import LONGEST_STANDSTILL
from llm_policy_improver.table_tennis.bench.attacks.commands import COMMANDS
from llm_policy_improver.table_tennis.bench.attacks.range import ATTACKS, KINDS
from llm_policy_improver.table_tennis.bench.attacks.restarts import RESTARTS


@pytest.fixture(scope='module')
def figures(pytestconfig: pytest.Config) -> safety.SafetyResult:
    return safety.run(max(int(pytestconfig.getoption('attacks')), len(KINDS)))


def test_no_attack_leaves_the_limits_and_every_fault_ends_in_standstill(
    figures: safety.SafetyResult, record_property: Callable[[str, object], None]
) -> None:
    content = figures.as_json()
    worst = content['worst_standstill_s']
    said = f'{content["cases"]} cases, {content["violations"]} with anything beyond a limit, still within {worst:.2f} s'
    record_property('attack campaign', said)
    assert figures.broken == ()
    assert 0.0 < worst <= LONGEST_STANDSTILL
    assert set(content['kinds']) == set(KINDS)


def test_attacks_meet_a_moving_arm_and_limits_that_act(figures: safety.SafetyResult) -> None:
    for name, kind in figures.kinds.items():
        # A controller that was killed may be back when nothing moves any more.
        assert kind.moved >= (0.5 if name in RESTARTS else 0.75) * kind.cases, name
        if name in COMMANDS:
            assert kind.limited > 0.5, name
    assert figures.kinds['undisturbed'].limited < 0.15
    assert figures.kinds['undisturbed'].latched == 0
    assert figures.kinds['parameters of 1e9'].limited > figures.kinds['undisturbed'].limited


@pytest.mark.parametrize('kind', sorted(kind for kind, attack in ATTACKS.items() if attack.must_latch))
def test_what_is_always_a_fault_is_latched(figures: safety.SafetyResult, kind: str) -> None:
    assert figures.kinds[kind].latched == figures.kinds[kind].cases
