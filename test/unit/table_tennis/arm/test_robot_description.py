"""The URDF says the same as MuJoCo's model, and is one that others can read."""

import subprocess
import sys

import mujoco
import numpy as np
import pytest
from urdf_chain import Urdf, numbers, origin_of

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.links import LINKS, Link, link_poses
from llm_policy_improver.table_tennis.arm.robot_description import robot_description
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.scene import build_scene

POSES = [np.array(arm.HOME), *np.random.default_rng(4).uniform(JOINT_LOW, JOINT_HIGH, (40, len(JOINTS)))]


@pytest.fixture(scope='module')
def model() -> mujoco.MjModel:
    return build_scene(BallModel(), 0.001).compile()


def test_every_link_lies_where_mujoco_has_it(model: mujoco.MjModel) -> None:
    urdf, data = Urdf.read(robot_description()), mujoco.MjData(model)
    for q in POSES:
        data.qpos[: len(JOINTS)] = q
        mujoco.mj_kinematics(model, data)
        poses, ours = urdf.poses(dict(zip(JOINTS, q, strict=True))), link_poses(q)
        assert poses['paddle'][:3, 3] == pytest.approx(data.site('blade').xpos, abs=1e-9)
        for link in LINKS:
            body = data.body(link.name)
            assert poses[link.name][:3, 3] == pytest.approx(body.xpos, abs=1e-9)
            assert poses[link.name][:3, :3].ravel() == pytest.approx(body.xmat, abs=1e-9)
            assert ours[link.name].translation == pytest.approx(body.xpos, abs=1e-9)
            assert ours[link.name].rotation.ravel() == pytest.approx(body.xmat, abs=1e-9)


def test_mass_and_inertia_of_every_link_are_those_of_mujoco(model: mujoco.MjModel) -> None:
    urdf = Urdf.read(robot_description())
    for link in LINKS:
        inertial, body = urdf.link(link.name).find('inertial'), model.body(link.name)
        assert inertial is not None
        tensor = {name: float(value) for name, value in inertial.find('inertia').attrib.items()}  # type: ignore[union-attr]
        found = np.array([[tensor[f'i{"".join(sorted(a + b))}'] for b in 'xyz'] for a in 'xyz'])
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, body.iquat)
        wanted = turn.reshape(3, 3) @ np.diag(body.inertia) @ turn.reshape(3, 3).T
        assert numbers(inertial.find('mass').get('value')) == pytest.approx(body.mass)  # type: ignore[union-attr]
        assert origin_of(inertial)[:3, 3] == pytest.approx(body.ipos, abs=1e-9)
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize('link', LINKS, ids=lambda link: link.name)
def test_shapes_of_every_link_are_those_of_mujoco(model: mujoco.MjModel, link: Link) -> None:
    """By the corners of each box, the axis of the disc, the cylinder and both ends of each capsule."""
    shown = [
        (origin_of(each), each.find('geometry')[0])  # type: ignore[index]
        for each in Urdf.read(robot_description()).link(link.name).findall('visual')
    ]
    balls = [place[:3, 3] for place, form in shown if form.tag == 'sphere']
    others = [(place, form) for place, form in shown if form.tag != 'sphere']
    own = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] == model.body(link.name).id]
    assert len(own) == len(others)
    for geom, (place, form) in zip(own, others, strict=True):
        size, middle, turn = model.geom_size[geom], model.geom_pos[geom], np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        assert place[:3, 3] == pytest.approx(middle, abs=1e-9)
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX:
            assert numbers(form.get('size')) == pytest.approx(2.0 * size)
            continue
        along = turn.reshape(3, 3)[:, 2]
        assert abs(place[:3, 2] @ along) == pytest.approx(1.0)
        assert numbers(form.get('radius')) == pytest.approx([size[0]])
        assert numbers(form.get('length')) == pytest.approx([2.0 * size[1]])
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE:
            ends = [middle + way * size[1] * along for way in (-1.0, 1.0)]
            assert len(balls) == len(ends)
            assert all(min(np.linalg.norm(end - ball) for ball in balls) < 1e-9 for end in ends)


def test_limits_are_those_of_the_arm() -> None:
    urdf = Urdf.read(robot_description())
    limits = {joint.get('name'): joint.find('limit') for joint in urdf.joints}
    for joint in arm.ARM:
        told = limits[joint.name]
        assert told is not None
        assert (float(told.attrib['lower']), float(told.attrib['upper'])) == (joint.low, joint.high)
        assert float(told.attrib['velocity']) == joint.speed
        assert float(told.attrib['effort']) > 0.0


def test_joints_are_called_what_the_drivers_call_them() -> None:
    theirs = tuple(f'cell_2/{name}' for name in JOINTS)
    urdf = Urdf.read(robot_description(theirs))
    assert tuple(urdf.moving) == theirs
    q = POSES[1]
    renamed = urdf.poses(dict(zip(theirs, q, strict=True)))['paddle']
    assert renamed == pytest.approx(Urdf.read(robot_description()).poses(dict(zip(JOINTS, q, strict=True)))['paddle'])


@pytest.mark.parametrize('names', [JOINTS[:-1], (*JOINTS[:-1], JOINTS[0])])
def test_joint_names_that_cannot_be_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match='driver_joint_names'):
        robot_description(names)


def test_description_is_small_and_has_no_meshes() -> None:
    text = robot_description()
    assert len(text) < 16_000
    assert 'mesh' not in text
    urdf = Urdf.read(text)
    used = {each.get('name') for each in urdf.root.findall('link/visual/material')}
    assert used == {each.get('name') for each in urdf.root.findall('material')}


def test_description_needs_neither_ros_nor_mujoco() -> None:
    look = (
        'import sys; from llm_policy_improver.table_tennis.arm.robot_description import robot_description; '
        'robot_description(); print(sorted({"mujoco", "rclpy"} & set(sys.modules)))'
    )
    done = subprocess.run([sys.executable, '-c', look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
