"""A task of Meta-World: what may be known of it, and how it is made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.environment import EpisodeBrief, Quantity
from llm_policy_improver.core.packages import require_package
from llm_policy_improver.tasks.describing import described
from llm_policy_improver.tasks.gymnasium.environment import GymnasiumEnvironment
from llm_policy_improver.tasks.meta_world.simulated import SeededArm

EXTRA: Final = 'metaworld'
HORIZON: Final = 500

_HAND_LOW: Final = (-0.525, 0.348, -0.0525)
_HAND_HIGH: Final = (0.525, 1.025, 0.7)
_UNUSED: Final = 7
SCALAR_FIRST: Final = ('w', 'x', 'y', 'z')
SCALAR_LAST: Final = ('x', 'y', 'z', 'w')


@dataclass(frozen=True, slots=True)
class MetaWorldTask:
    """Calling it makes the environment.

    Attributes:
        id: in Meta-World's list of environments.
        brief: what may be known of it.
    """

    id: str
    brief: EpisodeBrief

    def require_packages(self) -> None:
        """Raise `MissingPackageError` where Meta-World is not installed."""
        require_package('metaworld', 'metaworld', f'task {self.id}', EXTRA)

    def __call__(self) -> GymnasiumEnvironment:
        """The environment.

        Raises:
            MissingPackageError: Meta-World is not installed.
        """
        self.require_packages()
        return GymnasiumEnvironment(SeededArm(self.id), self.brief)


def arm_brief(
    text: str,
    thing: str,
    turned: Sequence[str],
    goal: Sequence[tuple[float, float]],
    reward_code: str,
) -> EpisodeBrief:
    """The brief of a task of the arm.

    ``thing``: what is to be moved, in one word; ``turned``: the order of its quaternion's parts, which differs from
    task to task; ``goal``: ranges of the goal's x, y, z.
    """
    now = _frame(thing, turned)
    before = tuple(
        Quantity(f'previous_{one.name}', f'{one.meaning}, a step before', one.low, one.high, one.unit)
        for one in now
    )
    goals = tuple(
        Quantity(f'goal_{axis}', f'{axis} of the place to which the {thing} is to be brought', low, high, 'm')
        for axis, (low, high) in zip('xyz', goal, strict=True)
    )
    return described(_ARM + text + _END, (*now, *before, *goals), reward_code, HORIZON, action=_ACTION)


def _frame(thing: str, turned: Sequence[str]) -> tuple[Quantity, ...]:
    """Hand and thing at one moment: 18 numbers."""
    return (
        *(
            Quantity(f'hand_{axis}', f'{axis} of the hand', low, high, 'm')
            for axis, low, high in zip('xyz', _HAND_LOW, _HAND_HIGH, strict=True)
        ),
        Quantity('gripper_opening', 'distance of the fingers, 0 closed and 1 open', 0.0, 1.0),
        *(Quantity(f'{thing}_{axis}', f'{axis} of the {thing}', -math.inf, math.inf, 'm') for axis in 'xyz'),
        *(
            Quantity(
                f'{thing}_q{part}', f'{part} of the quaternion that says how the {thing} is turned', -1.0, 1.0
            )
            for part in turned
        ),
        *(Quantity(f'unused_{number}', 'always 0', 0.0, 0.0) for number in range(1, _UNUSED + 1)),
    )


_ACTION: Final = (
    *(
        Quantity(
            f'move_{axis}',
            f'by how much the hand is to be moved along {axis}',
            -1.0,
            1.0,
            'cm',
        )
        for axis in 'xyz'
    ),
    Quantity('grip', 'effort of the fingers, -1 opens and 1 closes the gripper', -1.0, 1.0),
)

_ARM: Final = (
    'A robot arm with a gripper stands at a table: x is to the side, y away from the robot, z up, in metres. In '
    'each step the place where the hand is to be is moved by up to 1 cm along each axis, and the fingers press or '
    'open; the hand follows with a lag and points down all the time. '
)
_END: Final = (
    ' An episode lasts 500 steps, whether the aim is achieved or not; it counts as a success if it is achieved at '
    'any moment. A step pays between 0 and 10, the more the nearer the aim is.'
)

REWARD_PARTS: Final = '''\
import math


def near(distance, enough, margin):
    """1 up to a distance that is enough, 0.1 at margin beyond it, falling slowly further on."""
    if distance <= enough:
        return 1.0
    return 1.0 / (1.0 + 9.0 * ((distance - enough) / margin) ** 2)


def both(a, b):
    """Large only if both shares are: the Hamacher product."""
    return a * b / (a + b - a * b) if a + b > 0.0 else 0.0

'''
"""Functions that the rewards of all tasks are made of, in words of our own; `metaworld.utils.reward_utils` has them."""
