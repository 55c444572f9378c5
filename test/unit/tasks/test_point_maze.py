import math
from collections import deque

import pytest

pytest.importorskip('gymnasium_robotics', reason="needs the extra 'suites'")

from llm_policy_improver.core.environment import Observation
from llm_policy_improver.tasks.gymnasium.point_maze import MAP, POINT_MAZE
from llm_policy_improver.tasks.rollout import play

Cell = tuple[int, int]


def cell_at(x: float, y: float) -> Cell:
    """As the text tells it."""
    return round(4.0 - y), round(x + 4.5)


def next_cell(here: Cell, goal: Cell) -> Cell:
    """The first cell of a shortest way."""
    before = {goal: goal}
    queue = deque([goal])
    while queue:
        cell = queue.popleft()
        for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            beside = (cell[0] + down, cell[1] + right)
            if MAP[beside[0]][beside[1]] == '.' and beside not in before:
                before[beside] = cell
                queue.append(beside)
    return before[here]


def follow_the_map(observation: Observation) -> tuple[float, float]:
    x, y, x_velocity, y_velocity, goal_x, goal_y = observation
    here, goal = cell_at(x, y), cell_at(goal_x, goal_y)
    row, column = next_cell(here, goal)
    to_x, to_y = (goal_x, goal_y) if here == goal else (column - 4.5, 4.0 - row)
    pushes = (1.5 * (to_x - x) - 0.5 * x_velocity, 1.5 * (to_y - y) - 0.5 * y_velocity)
    return min(max(pushes[0], -1.0), 1.0), min(max(pushes[1], -1.0), 1.0)


def test_map_is_9_by_10_within_a_wall_and_all_of_it_can_be_reached() -> None:
    assert {len(row) for row in MAP} == {10}
    assert len(MAP) == 9
    free = {(r, c) for r, row in enumerate(MAP) for c, cell in enumerate(row) if cell == '.'}
    assert all(0 < r < 8 and 0 < c < 9 for r, c in free)
    assert len({next_cell(cell, (1, 1)) for cell in free}) > 1


def test_ball_and_goal_begin_in_free_cells_where_the_text_says() -> None:
    maze = POINT_MAZE()
    for seed in range(30):
        x, y, x_velocity, y_velocity, goal_x, goal_y = maze.reset(seed)
        assert (x_velocity, y_velocity) == (0.0, 0.0)
        ball, goal = cell_at(x, y), cell_at(goal_x, goal_y)
        assert ball != goal
        for (row, column), (at_x, at_y) in ((ball, (x, y)), (goal, (goal_x, goal_y))):
            assert MAP[row][column] == '.'
            assert abs(at_x - (column - 4.5)) <= 0.25
            assert abs(at_y - (4.0 - row)) <= 0.25
    maze.close()


def test_following_the_map_brings_the_ball_to_every_goal() -> None:
    maze = POINT_MAZE()
    for seed in range(10):
        episode = play(maze, follow_the_map, seed)
        assert episode.succeeded
        assert episode.total == 1.0
        last = episode.transitions[-1]
        assert last.terminated
        assert math.dist(last.observation[:2], last.observation[4:]) <= 0.45
    maze.close()
