import math

import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW
from llm_policy_improver.table_tennis.arm.limits import SPEED_LIMIT, Limits

MIDDLE = 0.5 * (JOINT_LOW + JOINT_HIGH)
WILD = (0.0, -0.0, 1e-300, 1.0, 1e9, 1e300, math.inf, -math.inf, math.nan)


def test_commands_stay_five_percent_below_the_published_speed_limits() -> None:
    published = (2.0, 2.0, 4.36, 4.36, 4.36, 5.585, 5.585, 7.33)
    assert tuple(joint.speed for joint in arm.ARM) == published
    assert pytest.approx(0.95 * np.array(published)) == SPEED_LIMIT


def test_no_command_whatsoever_leaves_the_limits() -> None:
    generator, limits = np.random.default_rng(0), Limits()
    for _ in range(5000):
        position = generator.uniform(JOINT_LOW, JOINT_HIGH)
        at_an_end = generator.random(8) < 0.2
        position[at_an_end] = np.where(generator.random(8) < 0.5, JOINT_LOW, JOINT_HIGH)[at_an_end]
        velocity = generator.normal(size=8) * 10.0 ** generator.uniform(-3.0, 9.0)
        wild = generator.random(8) < generator.choice([0.0, 0.3])
        velocity[wild] = generator.choice(WILD, 8)[wild]
        allowed, changed = limits.enforce(velocity, position)
        assert np.all(np.isfinite(allowed))
        assert np.all(np.abs(allowed) <= SPEED_LIMIT)
        ahead = position + limits.horizon * allowed
        assert np.all((ahead >= JOINT_LOW - 1e-12) & (ahead <= JOINT_HIGH + 1e-12))
        assert changed == (not np.array_equal(allowed, velocity))


def test_command_within_the_limits_comes_back_bit_for_bit() -> None:
    generator = np.random.default_rng(1)
    for _ in range(1000):
        velocity = generator.uniform(-1.0, 1.0, 8) * np.minimum(SPEED_LIMIT, (JOINT_HIGH - MIDDLE) / 0.1)
        allowed, changed = Limits().enforce(velocity, MIDDLE)
        assert allowed.tobytes() == velocity.tobytes()
        assert not changed


@pytest.mark.parametrize('wrong', [math.nan, math.inf, -math.inf])
def test_number_that_is_not_finite_stops_the_whole_arm(wrong: float) -> None:
    for joint in range(8):
        broken = np.full(8, 0.1)
        broken[joint] = wrong
        for velocity, position in ((broken, MIDDLE), (np.full(8, 0.1), broken)):
            allowed, changed = Limits().enforce(velocity, position)
            assert np.array_equal(allowed, np.zeros(8))
            assert changed


def test_excess_speed_of_one_joint_slows_all_in_proportion() -> None:
    velocity = np.array([0.2, 4.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0])
    allowed, changed = Limits().enforce(velocity, MIDDLE)
    assert changed
    assert allowed == pytest.approx(velocity * 0.95 / 2.0)


def test_joint_near_the_end_of_its_range_is_slowed_alone_and_may_turn_back() -> None:
    position = MIDDLE.copy()
    position[5] = JOINT_HIGH[5] - 0.05
    towards, away = np.full(8, 1.0), np.full(8, -1.0)
    allowed, changed = Limits(horizon=0.1).enforce(towards, position)
    assert changed
    assert allowed[5] == pytest.approx(0.5)
    assert np.array_equal(np.delete(allowed, 5), np.delete(towards, 5))
    assert not Limits(horizon=0.1).enforce(away, position)[1]


def test_arm_beyond_its_range_may_only_come_back() -> None:
    outside = JOINT_HIGH + 0.01
    assert np.all(Limits().enforce(np.ones(8), outside)[0] == 0.0)
    assert np.all(Limits().enforce(-np.ones(8), outside)[0] < 0.0)
