"""Bodies that are to run, hop, walk or swim forward, and an arm that is to reach: MuJoCo tasks of Gymnasium, version 5.

Facts from the documentation and source of Gymnasium 1.4 (`envs/mujoco`) and its models: the gears say how large a
torque is, where the documentation calls the action itself a torque.

The position along the track is observed, which Gymnasium leaves out by default: as in the public code of PromptPO
(Stephanehk/PromptPO), whose programs get all positions, the reward can then be told exactly.
"""

from typing import Final

from llm_policy_improver.core.environment import Quantity
from llm_policy_improver.tasks.describing import described
from llm_policy_improver.tasks.gymnasium.joints import Joint, positions, torques, velocities
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask

_WITH_POSITIONS: Final = {'exclude_current_positions_from_observation': False}
_HORIZON: Final = 1000

_RUN: Final = (
    'The aim is to get as far forward, towards positive x, as possible with little torque. A step pays the mean '
    'forward velocity in it, in m/s, less {weight} times the sum of the squared actions'
)
_FORWARD: Final = '''\
STEP = {step}  # s


def reward(obs, action, next_obs):
    """Mean forward velocity less the cost of the torques."""
    forward = (next_obs[0] - obs[0]) / STEP
    return forward - {weight} * sum(torque**2 for torque in action)
'''

_CHEETAH: Final = (
    Joint('torso_x', 'position of the torso along the track', 'm'),
    Joint('torso_z', 'height of the torso above 0.7 m', 'm'),
    Joint('torso_angle', 'pitch of the torso, positive with its head down'),
    Joint('back_thigh_angle', 'angle of the back thigh, positive where its end is further back'),
    Joint('back_shin_angle', 'angle of the back shin, positive where its end is further back'),
    Joint('back_foot_angle', 'angle of the back foot, positive where its end is further back'),
    Joint('front_thigh_angle', 'angle of the front thigh, positive where its end is further back'),
    Joint('front_shin_angle', 'angle of the front shin, positive where its end is further back'),
    Joint('front_foot_angle', 'angle of the front foot, positive where its end is further back'),
)

HALF_CHEETAH: Final = GymnasiumTask(
    'HalfCheetah-v5',
    described(
        'A cheetah cut in half lengthwise runs in a vertical plane: a torso with a back and a front leg of thigh, '
        f'shin and foot. Every 0.05 s six torques are chosen. {_RUN.format(weight=0.1)}. An episode begins '
        'standing, with small random deviations, and lasts 1000 steps; falling over does not end it.',
        positions(_CHEETAH) + velocities(_CHEETAH),
        _FORWARD.format(step=0.05, weight=0.1),
        _HORIZON,
        action=torques(
            ('back_thigh', 'back_shin', 'back_foot', 'front_thigh', 'front_shin', 'front_foot'),
            (120.0, 90.0, 60.0, 120.0, 60.0, 30.0),
        ),
    ),
    _WITH_POSITIONS,
)

_TORSO: Final = (
    Joint('torso_x', 'position of the torso along the track', 'm'),
    Joint('torso_height', 'height of the torso', 'm'),
    Joint('torso_angle', 'pitch of the torso, positive where it leans forward'),
)
_LEG: Final = (
    Joint('thigh_angle', 'angle of the thigh, 0 straight down and negative where it is drawn backward'),
    Joint('leg_angle', 'angle of the knee, 0 stretched and negative where the leg is bent backward'),
    Joint('foot_angle', 'angle of the ankle, positive where the toes are up'),
)

_HOPPER: Final = _TORSO + _LEG
_UPRIGHT: Final = '''\
STEP = 0.008  # s


def is_upright(obs):
    """Whether the body has not fallen."""
    height, angle = obs[1:3]
    return {low} < height < {high} and abs(angle) < {angle}


def reward(obs, action, next_obs):
    """Mean forward velocity, 1 while upright, less the cost of the torques."""
    forward = (next_obs[0] - obs[0]) / STEP
    upright = 1.0 if is_upright(next_obs) else 0.0
    return forward + upright - 0.001 * sum(torque**2 for torque in action)
'''

HOPPER: Final = GymnasiumTask(
    'Hopper-v5',
    described(
        'A body with one leg hops in a vertical plane: a torso above thigh, leg and foot. Every 0.008 s three '
        f'torques are chosen. {_RUN.format(weight=0.001)}, and 1 more while the body is upright. An episode begins '
        'standing, with small random deviations. It ends when the torso is lower than 0.7 m or leans more than 0.2 '
        'rad (or an angle or a true velocity is beyond 100, for which nothing is paid either), and at the latest '
        'after 1000 steps.',
        positions(_HOPPER) + velocities(_HOPPER, 10.0),
        _UPRIGHT.format(low=0.7, high="float('inf')", angle=0.2),
        _HORIZON,
        action=torques(('thigh', 'leg', 'foot'), (200.0, 200.0, 200.0)),
    ),
    _WITH_POSITIONS,
)

_WALKER: Final = (
    *_TORSO,
    *(
        Joint(f'{side}_{joint.name}', joint.meaning.replace('angle of the ', f'angle of the {side} ', 1))
        for side in ('right', 'left')
        for joint in _LEG
    ),
)

WALKER_2D: Final = GymnasiumTask(
    'Walker2d-v5',
    described(
        'A body with two legs walks in a vertical plane: a torso above a right and a left leg of thigh, leg and '
        f'foot. Every 0.008 s six torques are chosen. {_RUN.format(weight=0.001)}, and 1 more while the body is '
        'upright. An episode begins standing, with small random deviations. It ends when the torso is lower than '
        '0.8 m or higher than 2 m or leans more than 1 rad, and at the latest after 1000 steps.',
        positions(_WALKER) + velocities(_WALKER, 10.0),
        _UPRIGHT.format(low=0.8, high=2.0, angle=1.0),
        _HORIZON,
        action=torques(
            ('right_thigh', 'right_leg', 'right_foot', 'left_thigh', 'left_leg', 'left_foot'), (100.0,) * 6
        ),
    ),
    _WITH_POSITIONS,
)

_SWIMMER: Final = (
    Joint('tip_x', 'position of the front tip along x', 'm'),
    Joint('tip_y', 'position of the front tip along y', 'm'),
    Joint('tip_angle', 'direction of the front link'),
    Joint('joint_1_angle', 'angle of the first joint'),
    Joint('joint_2_angle', 'angle of the second joint'),
)

SWIMMER: Final = GymnasiumTask(
    'Swimmer-v5',
    described(
        'Three links in a chain swim in a viscous fluid in a horizontal plane. Every 0.04 s the torques on the two '
        f'joints are chosen. {_RUN.format(weight=0.0001)}. An episode begins nearly stretched, with random '
        'deviations up to 0.1, and lasts 1000 steps.',
        positions(_SWIMMER) + velocities(_SWIMMER),
        _FORWARD.format(step=0.04, weight=0.0001),
        _HORIZON,
        action=torques(('joint_1', 'joint_2'), (150.0, 150.0)),
    ),
    _WITH_POSITIONS,
)

_REACHED: Final = (
    Quantity('cos_angle_1', "cosine of the first joint's angle", -1.0, 1.0),
    Quantity('cos_angle_2', "cosine of the second joint's angle", -1.0, 1.0),
    Quantity('sin_angle_1', "sine of the first joint's angle", -1.0, 1.0),
    Quantity('sin_angle_2', "sine of the second joint's angle", -1.0, 1.0),
    Quantity('target_x', 'position of the target along x', -0.2, 0.2, 'm'),
    Quantity('target_y', 'position of the target along y', -0.2, 0.2, 'm'),
    *velocities((Joint('angle_1', ''), Joint('angle_2', ''))),
    Quantity('gap_x', 'fingertip less target along x', -0.45, 0.45, 'm'),
    Quantity('gap_y', 'fingertip less target along y', -0.45, 0.45, 'm'),
)

REACHER: Final = GymnasiumTask(
    'Reacher-v5',
    described(
        'An arm of two links moves in a horizontal plane; its first joint is fixed in the middle. Every 0.02 s the '
        'torques on the two joints are chosen. The aim is to hold the fingertip at a target with little torque. A '
        'step costs the distance from fingertip to target, in m, and the sum of the squared actions. An episode '
        'begins with the arm nearly stretched along x and the target anywhere within 0.2 m of the first joint, and '
        'lasts 50 steps.',
        _REACHED,
        '''\
import math


def reward(obs, action, next_obs):
    """Of the distance after the step, and of the torques."""
    return -math.hypot(next_obs[8], next_obs[9]) - sum(torque**2 for torque in action)
''',
        50,
        action=torques(('first_joint', 'second_joint'), (200.0, 200.0)),
    ),
)
