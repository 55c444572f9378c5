"""Poles to be balanced or swung up: CartPole, InvertedPendulum, Pendulum and Acrobot.

Facts from the documentation and source of Gymnasium 1.4 (`envs/classic_control`, `envs/mujoco`). A program is told what
the documentation says of observation, action, reward, start and end, and no equations of motion.
"""

import math
from typing import Final

from llm_policy_improver.core.environment import Quantity
from llm_policy_improver.tasks.describing import described
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask

_INF: Final = math.inf

CART_POLE: Final = GymnasiumTask(
    'CartPole-v1',
    described(
        'A pole stands on a cart by a joint without friction; the cart moves along a track. Every 0.02 s the cart '
        'is pushed with 10 N to the left or to the right. The aim is to keep the pole up as long as possible. An '
        'episode begins with all four numbers of the observation within 0.05 of 0. It ends when the cart is more '
        'than 2.4 m from the middle or the pole leans more than 12 degrees (0.2095 rad), and at the latest after '
        '500 steps. Every step pays 1, so that 500 is the most.',
        (
            Quantity('cart_position', 'position of the cart, positive to the right', -4.8, 4.8, 'm'),
            Quantity('cart_velocity', 'velocity of the cart', -_INF, _INF, 'm/s'),
            Quantity(
                'pole_angle',
                'angle of the pole from upright, positive where it leans to the right',
                -math.radians(24.0),
                math.radians(24.0),
                'rad',
            ),
            Quantity('pole_velocity', 'angular velocity of the pole', -_INF, _INF, 'rad/s'),
        ),
        '''\
def reward(obs, action, next_obs):
    """Every step pays, the last one too."""
    return 1.0
''',
        500,
        choices=('push the cart to the left', 'push the cart to the right'),
    ),
)

INVERTED_PENDULUM: Final = GymnasiumTask(
    'InvertedPendulum-v5',
    described(
        'A pole of 0.6 m stands on a cart by a joint; the cart moves along a rail of 1 m to either side. Every '
        '0.04 s a force on the cart is chosen. The aim is to keep the pole up as long as possible. An episode '
        'begins with all four numbers of the observation within 0.01 of 0. It ends when the pole leans more than '
        '0.2 rad, and at the latest after 1000 steps. Every step after which the pole still stands pays 1, so that '
        '1000 is the most.',
        (
            Quantity('cart_position', 'position of the cart along the rail', -_INF, _INF, 'm'),
            Quantity(
                'pole_angle',
                'angle of the pole from upright, positive where it leans towards positive positions',
                -_INF,
                _INF,
                'rad',
            ),
            Quantity('cart_velocity', 'velocity of the cart', -_INF, _INF, 'm/s'),
            Quantity('pole_velocity', 'angular velocity of the pole', -_INF, _INF, 'rad/s'),
        ),
        '''\
LARGEST_ANGLE = 0.2


def reward(obs, action, next_obs):
    """Pays while the pole stands."""
    return 1.0 if abs(next_obs[1]) <= LARGEST_ANGLE else 0.0
''',
        1000,
        # The documentation says newtons; the model's motor has a gear of 100.
        action=(Quantity('force', 'force on the cart in hundreds of newtons', -3.0, 3.0),),
    ),
)

PENDULUM: Final = GymnasiumTask(
    'Pendulum-v1',
    described(
        'A pendulum hangs on an axle with a motor that is too weak to lift it at once. Every 0.05 s a torque is '
        'chosen. The aim is to swing it up and to hold it there with little torque. The angle is 0 where it is '
        'upright and grows counterclockwise. An episode begins at any angle with an angular velocity from -1 to 1 '
        'rad/s and lasts 200 steps. A step costs the more the further the pendulum is from upright, the faster it '
        'turns and the larger the torque: at the best 0, at the worst 16.27.',
        (
            Quantity('cos_angle', 'cosine of the angle from upright', -1.0, 1.0),
            Quantity('sin_angle', 'sine of the angle from upright', -1.0, 1.0),
            Quantity('angular_velocity', 'angular velocity, positive counterclockwise', -8.0, 8.0, 'rad/s'),
        ),
        '''\
import math


def reward(obs, action, next_obs):
    """Of the state before the step, and of the torque."""
    cos_angle, sin_angle, angular_velocity = obs
    angle = math.atan2(sin_angle, cos_angle)
    return -(angle**2 + 0.1 * angular_velocity**2 + 0.001 * action[0] ** 2)
''',
        200,
        action=(Quantity('torque', 'torque on the pendulum, positive counterclockwise', -2.0, 2.0, 'N m'),),
    ),
)

ACROBOT: Final = GymnasiumTask(
    'Acrobot-v1',
    described(
        'Two links of 1 m hang in a chain from a fixed joint; a motor acts on the joint between the links alone. '
        'Every 0.2 s its torque is chosen. The aim is to bring the free end more than 1 m above the fixed joint as '
        'soon as possible. An episode begins with both links hanging nearly straight down, all angles and angular '
        'velocities within 0.1 of 0. It ends when the free end is that high, and at the latest after 500 steps. '
        'Every step costs 1, but the one that gets there costs nothing.',
        (
            Quantity('cos_angle_1', "cosine of the first link's angle, which is 0 straight down", -1.0, 1.0),
            Quantity('sin_angle_1', "sine of the first link's angle", -1.0, 1.0),
            Quantity('cos_angle_2', "cosine of the second link's angle from the first link", -1.0, 1.0),
            Quantity('sin_angle_2', "sine of the second link's angle from the first link", -1.0, 1.0),
            Quantity(
                'velocity_1', 'angular velocity of the first angle', -4.0 * math.pi, 4.0 * math.pi, 'rad/s'
            ),
            Quantity(
                'velocity_2', 'angular velocity of the second angle', -9.0 * math.pi, 9.0 * math.pi, 'rad/s'
            ),
        ),
        '''\
HEIGHT = 1.0


def reward(obs, action, next_obs):
    """A step costs 1 unless it brings the free end above HEIGHT."""
    cos_1, sin_1, cos_2, sin_2 = next_obs[:4]
    height = -cos_1 - (cos_1 * cos_2 - sin_1 * sin_2)
    return 0.0 if height > HEIGHT else -1.0
''',
        500,
        choices=('torque of -1 N m', 'no torque', 'torque of 1 N m'),
    ),
)
