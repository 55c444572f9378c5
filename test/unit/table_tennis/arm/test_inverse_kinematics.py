import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm.inverse_kinematics import (
    JOINT_HIGH,
    JOINT_LOW,
    joint_velocity,
    solve_pose,
)
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.control.stroke import HOME

KINEMATICS = ArmKinematics()


def test_pose_that_the_arm_can_take_is_found() -> None:
    generator = np.random.default_rng(0)
    for _ in range(60):
        x, z = generator.uniform(-0.7, 0.7), generator.uniform(0.15, 0.45)
        tilt, yaw = generator.uniform(-0.1, 0.4), generator.uniform(-0.3, 0.3)
        normal = (float(np.sin(yaw)), float(np.cos(yaw) * np.cos(tilt)), float(np.cos(yaw) * np.sin(tilt)))
        centre, unit = (x, -1.42, z), np.array(normal) / np.linalg.norm(normal)
        found = solve_pose(KINEMATICS, centre, tuple(unit.tolist()), HOME, HOME)
        pose = KINEMATICS.blade(found.q)
        assert pose.centre == pytest.approx(centre, abs=0.002)
        assert pose.normal == pytest.approx(unit, abs=0.003)
        assert np.all((found.q > JOINT_LOW) & (found.q < JOINT_HIGH))
        assert found.error < 0.004
        assert found.jacobian == pytest.approx(KINEMATICS.blade_with_jacobian(found.q)[1])


def test_joint_at_the_end_of_its_range_leaves_its_part_to_the_others() -> None:
    low, high = JOINT_LOW + 0.03 * (JOINT_HIGH - JOINT_LOW), JOINT_HIGH - 0.03 * (JOINT_HIGH - JOINT_LOW)
    for x, y in ((0.6, -1.25), (0.0, -1.15)):  # over the table
        found = solve_pose(KINEMATICS, (x, y, 0.25), (0.0, 0.95, 0.312), HOME, HOME)
        assert np.any((found.q < low + 1e-9) | (found.q > high - 1e-9))
        assert found.error < 0.004


@pytest.mark.parametrize('centre', [(0.0, 2.0, 0.3), (0.0, -1.4, 3.0), (9.0, -1.4, 0.3)])
def test_pose_out_of_reach_keeps_the_ranges_and_says_how_far_it_misses(
    centre: tuple[float, float, float],
) -> None:
    found = solve_pose(KINEMATICS, centre, (0.0, 1.0, 0.0), HOME, HOME)
    assert np.all((found.q >= JOINT_LOW) & (found.q <= JOINT_HIGH))
    pose = KINEMATICS.blade(found.q)
    missed = np.concatenate((np.subtract(pose.centre, centre), np.subtract(pose.normal, (0.0, 1.0, 0.0))))
    assert found.error == pytest.approx(np.linalg.norm(missed))
    assert found.error > 0.5


def test_joint_velocities_move_the_blade_as_wanted_and_change_the_free_motion_least() -> None:
    generator = np.random.default_rng(1)
    for _ in range(20):
        jacobian = KINEMATICS.blade_with_jacobian(HOME + generator.uniform(-0.1, 0.1, 8))[1]
        velocity = tuple(generator.uniform(-1.0, 1.0, 3).tolist())
        free, effort = generator.uniform(-2.0, 2.0, 8), generator.uniform(0.5, 4.0, 8)
        found = joint_velocity(jacobian, velocity, free, effort)
        assert jacobian @ found == pytest.approx(velocity, abs=1e-6)
        # No motion that leaves the blade where it is could bring it nearer to the free one.
        null_space = np.linalg.svd(jacobian)[2][3:]
        assert null_space @ (effort * (found - free)) == pytest.approx(np.zeros(5), abs=1e-9)
