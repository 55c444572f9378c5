import pytest

from llm_policy_improver.tasks.noise_world.boards import BOARDS, Board
from llm_policy_improver.tasks.noise_world.dynamics import DIRECTIONS, FIRST, State, outcomes, succeeded


@pytest.mark.parametrize('board', BOARDS, ids=lambda board: str(board.number))
def test_drawing_is_square_with_one_goal_in_its_corner_and_every_letter_a_region(board: Board) -> None:
    drawn = ''.join(board.drawing)
    assert all(len(row) == board.size for row in board.drawing)
    assert board.size == (5 if board.number == 0 else 10)
    assert board.horizon == len(drawn)
    assert board.at(board.goal) == '*'
    assert drawn.count('*') == 1
    assert {letter for letter in drawn if letter.isalpha()} == set(board.regions)
    assert (drawn.count('1'), drawn.count('2')) == ((1, 1) if board.number >= 4 else (0, 0))


@pytest.mark.parametrize('board', BOARDS, ids=lambda board: str(board.number))
def test_outcomes_of_each_action_are_probabilities_and_none_is_in_a_wall(board: Board) -> None:
    cells = [(row, column) for row in range(board.size) for column in range(board.size)]
    for cell in cells:
        if board.at(cell) in '#!*':
            continue
        for action in range(len(DIRECTIONS)):
            possible = outcomes(board, State(cell), action)
            assert sum(outcome.probability for outcome in possible) == pytest.approx(1.0)
            assert all(outcome.probability > 0.0 for outcome in possible)
            assert all(board.at(outcome.state.cell) != '#' for outcome in possible)
            assert all(outcome.terminated == (board.at(outcome.state.cell) in '!*') for outcome in possible)


def test_a_step_off_the_board_or_into_a_wall_stays_for_certain() -> None:
    assert [tuple(each) for each in outcomes(BOARDS[0], FIRST, 0)] == [(1.0, FIRST, -1.0, False)]
    above_wall = State((3, 0))
    assert [each.state for each in outcomes(BOARDS[0], above_wall, 1)] == [above_wall]


def test_a_region_that_resets_puts_the_walker_back_to_the_start() -> None:
    ahead, back = outcomes(BOARDS[0], State((2, 2)), 1)
    assert (ahead.state.cell, back.state) == ((3, 2), FIRST)
    assert ahead.probability == pytest.approx(0.459640)


def test_a_region_that_stays_leaves_the_walker_where_it_is() -> None:
    ahead, stay = outcomes(BOARDS[2], FIRST, 3)
    assert (ahead.state.cell, stay.state) == ((0, 1), FIRST)
    assert ahead.probability == pytest.approx(0.276552)


def test_goal_pays_the_cube_and_the_bad_cell_costs_the_fifth_power_of_the_size() -> None:
    (goal,) = outcomes(BOARDS[1], State((9, 8)), 3)
    (bad,) = outcomes(BOARDS[1], State((8, 4)), 3)
    assert (goal.reward, goal.terminated) == (999.0, True)
    assert (bad.reward, bad.terminated) == (-100001.0, True)


def test_the_goal_ends_the_episode_without_both_keys_but_pays_no_bonus() -> None:
    board = BOARDS[6]
    for keys, reward in ((0, -1.0), (1, -1.0), (2, 999.0)):
        (arrival,) = outcomes(board, State((9, 8), keys), 3)
        assert (arrival.reward, arrival.terminated) == (reward, True)
        assert succeeded(board, arrival.state) == (keys == 2)


def test_the_second_key_counts_only_after_the_first() -> None:
    board = BOARDS[6]
    second, first = (1, 1), (8, 7)
    assert (board.at(second), board.at(first)) == ('2', '1')
    before_second, before_first = State((1, 0)), State((8, 6))
    assert outcomes(board, before_second, 3)[0].state == State(second, 0)
    assert outcomes(board, before_first, 3)[0].state == State(first, 1)
    assert outcomes(board, before_second._replace(keys=1), 3)[0].state == State(second, 2)


def test_steps_off_a_key_always_come_off() -> None:
    key = State((1, 3))
    assert BOARDS[5].at(key.cell) == '2'
    assert all(len(outcomes(BOARDS[5], key, action)) == 1 for action in range(4))
