"""The tasks of Gymnasium against its registry, its simulators and closed forms."""

import math
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip('gymnasium', reason="needs the extra 'suites'")
mujoco = pytest.importorskip('mujoco')

from llm_policy_improver.core.environment import Observation
from llm_policy_improver.tasks.gymnasium import balancing, locomotion, mountain_car
from llm_policy_improver.tasks.gymnasium.environment import GymnasiumEnvironment
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask
from llm_policy_improver.tasks.rollout import mean_return, play

TASKS = {
    task.id: task
    for module in (balancing, mountain_car, locomotion)
    for task in vars(module).values()
    if isinstance(task, GymnasiumTask)
}
MUJOCO = [task for id, task in TASKS.items() if id.endswith('-v5')]


@pytest.fixture(params=[*TASKS.values()], ids=[*TASKS])
def task(request: pytest.FixtureRequest) -> GymnasiumTask:
    assert isinstance(request.param, GymnasiumTask)
    return request.param


def simulated(task: GymnasiumTask) -> Any:
    return gymnasium.make(task.id, **task.options)


def test_horizon_and_spaces_are_those_of_gymnasium(task: GymnasiumTask) -> None:
    theirs = simulated(task)
    brief = task.brief
    assert gymnasium.spec(task.id).max_episode_steps == brief.horizon
    assert theirs.observation_space.shape == (len(brief.observation),)
    if brief.choices:
        assert theirs.action_space.n == len(brief.choices)
    else:
        for quantity, low, high in zip(
            brief.action, theirs.action_space.low, theirs.action_space.high, strict=True
        ):
            assert [quantity.low, quantity.high] == pytest.approx([float(low), float(high)])
    bounds = zip(brief.observation, theirs.observation_space.low, theirs.observation_space.high, strict=True)
    for quantity, low, high in bounds:
        # Where the simulator promises a range, ours is the same; where it does not, ours is tested by what is seen.
        if np.isfinite(low):
            assert [quantity.low, quantity.high] == pytest.approx([float(low), float(high)])
    theirs.close()


@pytest.mark.parametrize('task', MUJOCO, ids=lambda task: task.id)
def test_torques_are_shares_of_what_the_gears_of_the_model_make_of_them(task: GymnasiumTask) -> None:
    model = simulated(task).unwrapped.model
    for quantity, gear in zip(task.brief.action, model.actuator_gear[:, 0], strict=True):
        assert f'share of {gear:g} N m' in quantity.meaning or (
            gear == 100.0 and 'hundreds of newtons' in quantity.meaning
        )


@pytest.mark.parametrize(
    'task',
    [locomotion.HALF_CHEETAH, locomotion.HOPPER, locomotion.WALKER_2D, locomotion.SWIMMER],
    ids=lambda task: task.id,
)
def test_positions_are_the_joints_of_the_model_in_their_order(task: GymnasiumTask) -> None:
    model = simulated(task).unwrapped.model
    joints = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_JOINT, index) for index in range(model.njnt)]
    slides = [kind == mujoco.mjtJoint.mjJNT_SLIDE for kind in model.jnt_type]
    told = task.brief.observation
    assert [quantity.unit == 'm' for quantity in told[: len(joints)]] == slides
    assert [quantity.name for quantity in told[len(joints) :]] == [
        f'{quantity.name}_velocity' for quantity in told[: len(joints)]
    ]
    theirs_to_ours = {
        'bthigh': 'back_thigh',
        'fshin': 'front_shin',
        'foot_left_joint': 'left_foot',
        'leg_joint': 'leg',
    }
    for joint, quantity in zip(joints, told, strict=False):
        assert theirs_to_ours.get(joint, '') in quantity.name
    driven = [joints[index] for index in model.actuator_trnid[:, 0]]
    for joint, quantity in zip(driven, task.brief.action, strict=True):
        assert theirs_to_ours.get(joint, '') in quantity.name


def test_step_lengths_told_are_those_of_the_simulators(task: GymnasiumTask) -> None:
    inner = simulated(task).unwrapped
    seconds = getattr(inner, 'tau', None) or getattr(inner, 'dt', None)
    if seconds is not None:
        assert f'Every {seconds:g} s' in task.brief.text


def test_a_random_policy_keeps_the_pole_up_for_about_22_steps() -> None:
    generator = np.random.default_rng(0)
    estimate = mean_return(
        balancing.CART_POLE(), lambda: lambda observation: int(generator.integers(2)), range(400)
    )
    assert 20.0 < estimate.mean < 24.0
    assert estimate.standard_error < 1.0


@pytest.mark.parametrize('task', [balancing.CART_POLE, balancing.INVERTED_PENDULUM], ids=lambda task: task.id)
def test_pushing_where_the_pole_leans_keeps_it_up_to_the_horizon(task: GymnasiumTask) -> None:
    def policy(observation: Observation) -> Any:
        named = dict(zip((quantity.name for quantity in task.brief.observation), observation, strict=True))
        lean = (
            3.0 * named['pole_angle']
            + 0.7 * named['pole_velocity']
            + 0.1 * named['cart_position']
            + 0.2 * named['cart_velocity']
        )
        return int(lean > 0.0) if task.brief.choices else (min(max(lean, -3.0), 3.0),)

    assert play(task(), policy, 0).total == task.brief.horizon


def test_pendulum_costs_angle_velocity_and_torque_squared() -> None:
    pendulum = balancing.PENDULUM()
    cos_angle, sin_angle, velocity = pendulum.reset(5)
    cost = math.atan2(sin_angle, cos_angle) ** 2 + 0.1 * velocity**2 + 0.001 * 1.5**2
    assert pendulum.step((1.5,)).reward == pytest.approx(-cost, abs=1e-5)


def test_pendulum_left_alone_gains_speed_as_its_equation_of_motion_says() -> None:
    pendulum = balancing.PENDULUM()
    _, sin_angle, before = pendulum.reset(7)
    _, _, after = pendulum.step((0.0,)).observation
    assert after - before == pytest.approx(15.0 * sin_angle * 0.05, abs=1e-5)


def test_rocking_with_the_motion_takes_the_car_to_the_flag() -> None:
    episode = play(mountain_car.MOUNTAIN_CAR(), lambda observation: 2 if observation[1] >= 0.0 else 0, 0)
    assert episode.transitions[-1].terminated
    assert -135.0 < episode.total < -80.0
    continuous = play(
        mountain_car.MOUNTAIN_CAR_CONTINUOUS(),
        lambda observation: (1.0 if observation[1] >= 0.0 else -1.0,),
        0,
    )
    assert continuous.transitions[-1].terminated
    assert continuous.total == pytest.approx(100.0 - 0.1 * len(continuous.transitions))


def test_inverted_pendulum_that_leans_towards_positive_positions_has_a_positive_angle() -> None:
    inner = balancing.INVERTED_PENDULUM()._simulated.unwrapped
    inner.reset(seed=0)
    inner.set_state(np.array([0.0, 0.15]), np.zeros(2))
    pole = inner.data.geom('cpole')
    assert pole.xpos[0] > 0.03


@pytest.mark.parametrize(
    'task', [locomotion.HALF_CHEETAH, locomotion.HOPPER, locomotion.WALKER_2D], ids=lambda task: task.id
)
def test_a_positive_pitch_takes_the_head_forward_and_heights_are_as_told(task: GymnasiumTask) -> None:
    inner = task()._simulated.unwrapped
    inner.reset(seed=0)
    height = 0.1 if task is locomotion.HALF_CHEETAH else 1.3
    positions = np.zeros(inner.model.nq)
    positions[1:3] = height, 0.1
    inner.set_state(positions, np.zeros(inner.model.nv))
    torso = inner.data.body('torso')
    assert torso.xpos[2] == pytest.approx(height + (0.7 if task is locomotion.HALF_CHEETAH else 0.0))
    # The body's own axes: a positive pitch lowers the nose (x axis) and takes the top (z axis) forward.
    axes = torso.xmat.reshape(3, 3)
    assert axes[2, 0] < 0.0
    assert axes[0, 2] > 0.0


@pytest.mark.parametrize('joint', ['thigh', 'leg', 'foot'])
def test_negative_angles_take_hoppers_thigh_and_leg_back_and_its_toes_down(joint: str) -> None:
    inner = locomotion.HOPPER()._simulated.unwrapped
    inner.reset(seed=0)
    positions = np.zeros(inner.model.nq)
    positions[1] = 1.25
    inner.set_state(positions, np.zeros(inner.model.nv))
    ankle = inner.data.body('foot').xpos.copy()
    positions[('thigh', 'leg', 'foot').index(joint) + 3] = -0.3
    inner.set_state(positions, np.zeros(inner.model.nv))
    moved = inner.data.body('foot').xpos
    if joint == 'foot':
        assert moved[2] < ankle[2] - 0.02  # the body's middle is ahead of the joint at the heel
    else:
        assert moved[0] < ankle[0] - 0.1


def test_positive_angles_take_the_cheetahs_feet_back() -> None:
    inner = locomotion.HALF_CHEETAH()._simulated.unwrapped
    inner.reset(seed=0)
    feet = []
    for angle in (0.0, 0.2):
        positions = np.zeros(inner.model.nq)
        positions[3:] = angle
        inner.set_state(positions, np.zeros(inner.model.nv))
        feet.append([inner.data.body(foot).xipos[0] for foot in ('bfoot', 'ffoot')])
    assert feet[1][0] < feet[0][0] - 0.05
    assert feet[1][1] < feet[0][1] - 0.05


def test_reachers_target_is_within_its_circle_and_gap_is_fingertip_less_target() -> None:
    reacher = locomotion.REACHER()
    for seed in range(20):
        observation = reacher.reset(seed)
        target, gap = observation[4:6], observation[8:10]
        assert math.hypot(*target) <= 0.2
        # Nearly stretched along x: the fingertip is near (0.21, 0).
        assert gap[0] + target[0] == pytest.approx(0.21, abs=0.03)
        assert gap[1] + target[1] == pytest.approx(0.0, abs=0.05)


def test_dict_observations_are_laid_out_in_the_order_of_the_brief() -> None:
    class TwoParts:
        def reset(self, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
            return {'goal': np.array([7.0]), 'here': np.array([1.0, 2.0]), 'twice': np.array([1.0])}, {}

    environment = GymnasiumEnvironment(TwoParts(), balancing.PENDULUM.brief, ('here', 'goal'))
    assert environment.reset(0) == (1.0, 2.0, 7.0)
