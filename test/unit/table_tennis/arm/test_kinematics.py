import mujoco
import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.scene import build_scene

POSES = np.random.default_rng(0).uniform(JOINT_LOW, JOINT_HIGH, (50, 8))


def test_blade_is_where_mujoco_has_it() -> None:
    model = build_scene(BallModel(), 0.001).compile()
    data = mujoco.MjData(model)
    for q in POSES:
        data.qpos[:8] = q
        mujoco.mj_kinematics(model, data)
        pose = ArmKinematics().blade(q)
        assert pose.centre == pytest.approx(data.site('blade').xpos, abs=1e-12)
        assert pose.normal == pytest.approx(data.site('blade').xmat.reshape(3, 3)[:, 2], abs=1e-12)


def test_jacobian_is_the_derivative_of_the_pose() -> None:
    kinematics, step = ArmKinematics(), 1e-6
    for q in POSES:
        pose, by_centre, by_normal = kinematics.blade_with_jacobian(q)
        assert pose == kinematics.blade(q)
        for joint, change in enumerate(step * np.eye(8)):
            more, less = kinematics.blade(q + change), kinematics.blade(q - change)
            moved = (np.array(more.centre) - less.centre) / (2 * step)
            turned = (np.array(more.normal) - less.normal) / (2 * step)
            assert by_centre[:, joint] == pytest.approx(moved, abs=1e-8)
            assert by_normal[:, joint] == pytest.approx(turned, abs=1e-8)
