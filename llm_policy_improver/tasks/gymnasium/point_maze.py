"""PointMaze: a ball that is pushed through a maze to a goal.

The map is the 9 x 10 one of PromptPO's "large" maze (arXiv 2605.30719 and its public code, Stephanehk/PromptPO), made
so that no published map could be remembered; the episode ends at the goal, as there. Facts from the source of
Gymnasium-Robotics 1.4 (`envs/maze`): a step takes 0.01 s and the motors have a gear of 100, where texts speak of 10 Hz
and newtons. The entry `achieved_goal` of its observation is the position again and left out.
"""

from typing import Final

from llm_policy_improver.core.environment import Quantity
from llm_policy_improver.tasks.describing import described
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask

MAP: Final = (
    '##########',
    '#...#....#',
    '#.#.#.##.#',
    '#......#.#',
    '#.####.#.#',
    '#........#',
    '#.#.####.#',
    '#........#',
    '##########',
)
"""Row 0 is drawn on top, at the largest y."""

_DRAWN: Final = '\n'.join(MAP)
_RADIUS: Final = 0.45

_TEXT: Final = f"""\
A ball with a radius of 0.1 m rolls through a maze of cells of 1 m x 1 m. Every 0.01 s a force on it is chosen. The \
aim is to bring it to a goal. The maze, # for a wall:

{_DRAWN}

The middle of the cell in row r and column c, counted from 0 at the top left, is at x = c - 4.5 and y = 4 - r, in \
metres. Ball and goal begin in different free cells drawn at random, each up to 0.25 m off the middle along x and y, \
with the ball at rest. Velocities are cut to 5 m/s along x and y before each step. The episode ends when the ball is \
within {_RADIUS} m of the goal, which pays 1, and at the latest after 800 steps. Nothing else pays or costs."""

POINT_MAZE: Final = GymnasiumTask(
    'PointMaze_Large-v3',
    described(
        _TEXT,
        (
            Quantity('ball_x', 'position of the ball along x', -4.0, 4.0, 'm'),
            Quantity('ball_y', 'position of the ball along y', -3.5, 3.5, 'm'),
            Quantity('ball_x_velocity', 'velocity of the ball along x', -5.25, 5.25, 'm/s'),
            Quantity('ball_y_velocity', 'velocity of the ball along y', -5.25, 5.25, 'm/s'),
            Quantity('goal_x', 'position of the goal along x', -3.75, 3.75, 'm'),
            Quantity('goal_y', 'position of the goal along y', -3.25, 3.25, 'm'),
        ),
        f'''\
import math

RADIUS = {_RADIUS}  # m


def reward(obs, action, next_obs):
    """Pays once, at the goal."""
    ball_x, ball_y, _, _, goal_x, goal_y = next_obs
    return 1.0 if math.hypot(ball_x - goal_x, ball_y - goal_y) <= RADIUS else 0.0
''',
        800,
        action=(
            Quantity('force_x', 'force on the ball along x in hundreds of newtons', -1.0, 1.0),
            Quantity('force_y', 'force on the ball along y in hundreds of newtons', -1.0, 1.0),
        ),
    ),
    {'maze_map': [[int(cell == '#') for cell in row] for row in MAP], 'continuing_task': False},
    ('observation', 'desired_goal'),
    (('gymnasium_robotics', 'gymnasium-robotics'),),
)
