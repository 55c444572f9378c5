"""A car in a valley that must gain speed before it can climb out, with three choices or with a continuous force.

Facts from the documentation and source of Gymnasium 1.4 (`envs/classic_control`). A program is told what the
documentation says of observation, action, reward, start and end, and no equations of motion.
"""

from typing import Final

from llm_policy_improver.core.environment import Quantity
from llm_policy_improver.tasks.describing import described
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask

_OBSERVATION: Final = (
    Quantity(
        'position', 'position of the car, positive to the right; the valley is lowest near -0.52', -1.2, 0.6
    ),
    Quantity('velocity', 'change of the position in a step', -0.07, 0.07, 'per step'),
)

_TEXT: Final = (
    'A car stands in a valley between two hills; its engine is too weak to drive straight up the hill on the '
    'right. The aim is to reach the flag on that hill, at position {flag} or beyond, {well}. An episode begins at '
    'rest at a position from -0.6 to -0.4. At the left end, -1.2, the car stops dead. It ends when the flag is '
    'reached, and at the latest after {horizon} steps. {reward}'
)

MOUNTAIN_CAR: Final = GymnasiumTask(
    'MountainCar-v0',
    described(
        _TEXT.format(
            flag=0.5,
            well='in as few steps as possible',
            horizon=200,
            reward='Every step costs 1, the last one too.',
        ),
        _OBSERVATION,
        '''\
def reward(obs, action, next_obs):
    """Every step costs the same."""
    return -1.0
''',
        200,
        choices=('accelerate to the left', 'do not accelerate', 'accelerate to the right'),
    ),
)

MOUNTAIN_CAR_CONTINUOUS: Final = GymnasiumTask(
    'MountainCarContinuous-v0',
    described(
        _TEXT.format(
            flag=0.45,
            well='with as little force as possible',
            horizon=999,
            reward='The step that reaches it pays 100; every step costs a tenth of the square of its force.',
        ),
        _OBSERVATION,
        '''\
FLAG = 0.45


def reward(obs, action, next_obs):
    """The flag pays, force costs."""
    position, velocity = next_obs
    at_flag = position >= FLAG and velocity >= 0.0
    return (100.0 if at_flag else 0.0) - 0.1 * action[0] ** 2
''',
        999,
        action=(Quantity('force', 'force of the engine, positive to the right', -1.0, 1.0),),
    ),
)
