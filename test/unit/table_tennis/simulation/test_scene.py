import mujoco
import numpy as np
import pytest
from simulated_ball import STILL, ball_position, ball_velocity, thrown

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.drives import DRIVES
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.scene import build_scene


@pytest.fixture(scope='module')
def model() -> mujoco.MjModel:
    return build_scene(BallModel(), 0.001).compile()


def test_joints_have_the_published_ranges_and_drives(model: mujoco.MjModel) -> None:
    assert [model.joint(index).name for index in range(8)] == [joint.name for joint in arm.ARM]
    for joint in arm.ARM:
        assert tuple(model.joint(joint.name).range) == (joint.low, joint.high)
        assert model.joint(joint.name).limited
        drive, force = model.actuator(joint.name), DRIVES[joint.name].force
        assert tuple(drive.forcerange) == (-force, force)
        assert drive.actrange == pytest.approx((joint.low, joint.high), abs=0.002)
        assert joint.low < drive.actrange[0] < drive.actrange[1] < joint.high
        assert tuple(drive.ctrlrange) == (-joint.speed, joint.speed)


def test_lags_of_the_arm_are_those_of_its_drives() -> None:
    for joint in arm.ARM:
        drive = DRIVES[joint.name]
        assert joint.lag == pytest.approx((drive.kv + drive.damping) / drive.kp, abs=1e-4)


def test_ball_is_a_thin_shell_of_40_mm_and_2_7_g(model: mujoco.MjModel) -> None:
    ball = model.body('ball')
    assert ball.mass == pytest.approx(0.0027)
    assert ball.inertia == pytest.approx(np.full(3, 2.0 / 3.0 * 0.0027 * 0.02**2))
    assert model.geom('ball').size[0] == 0.02


def test_surface_of_the_table_is_at_zero_and_the_net_15_cm_high(model: mujoco.MjModel) -> None:
    table, net = model.geom('table'), model.geom('net')
    assert table.pos[2] + table.size[2] == pytest.approx(0.0)
    assert table.size[:2] == pytest.approx((1.525 / 2, 2.74 / 2))
    assert net.pos[2] + net.size[2] == pytest.approx(0.1525)
    assert net.size[0] == pytest.approx((1.83) / 2)


def test_scene_can_be_written_out_as_mjcf() -> None:
    spec = build_scene(BallModel(), 0.002)
    compiled = spec.compile()
    again = mujoco.MjModel.from_xml_string(spec.to_xml())
    assert (again.nq, again.nu, again.npair) == (compiled.nq, compiled.nu, compiled.npair)
    assert again.opt.timestep == 0.002


@pytest.mark.parametrize('speed', [3.0, 6.0, 10.0, 15.0])
@pytest.mark.parametrize('height', [0.03, 0.09, 0.14])
def test_net_holds_the_ball(speed: float, height: float) -> None:
    simulator = thrown((0.2, 0.4, height), (0.0, -speed, 0.5 * 9.81 * 0.4 / speed))
    nearest = 1.0
    while not simulator.finished and simulator.stamp < 1_000_000_000:
        simulator.step(STILL)
        nearest = min(nearest, ball_position(simulator)[1])
    assert nearest > 0.0
    assert simulator.contacts[0].what == 'net'
    assert ball_velocity(simulator)[1] < 0.2 * speed  # it swallows the ball


@pytest.mark.parametrize('speed', [2.0, 8.0, 15.0])
@pytest.mark.parametrize('name', ['handle', 'axis_3_link', 'axis_5_link'])
def test_links_of_the_arm_throw_the_ball_back(name: str, speed: float) -> None:
    standing = thrown((0.0, 0.0, 3.0), (0.0, 0.0, 0.0))
    mujoco.mj_forward(standing.model, standing.data)
    x, y, z = standing.data.geom(name).xpos
    simulator = thrown((x, y + 0.3, z), (0.0, -speed, 0.0), ball=BallModel(gravity=0.0, air_density=0.0))
    while simulator.stamp < 0.4e9 / speed:
        simulator.step(STILL)
    assert simulator.contacts[0].what != 'blade'
    assert ball_velocity(simulator)[1] > 0.2 * speed


def test_ball_comes_to_rest_on_the_floor() -> None:
    simulator = thrown((0.0, 2.0, 0.3), (0.0, 0.0, 0.0))
    for _ in range(300):
        simulator.step(STILL)
    assert ball_position(simulator)[2] == pytest.approx(-0.76 + 0.02, abs=0.002)
    assert np.abs(ball_velocity(simulator)).max() < 0.01
