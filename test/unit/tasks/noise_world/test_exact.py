import pytest

from llm_policy_improver.core.environment import Observation
from llm_policy_improver.tasks.noise_world.boards import BOARDS, Board
from llm_policy_improver.tasks.noise_world.environment import NoiseWorld
from llm_policy_improver.tasks.noise_world.exact import expected_return, expected_return_of_plan, optimal_plan
from llm_policy_improver.tasks.rollout import mean_return


@pytest.mark.parametrize(
    ('board', 'published'),
    [*zip(BOARDS, (34.9, 974.9, 976.8, 981.3, 969.7, 399.7, 954.8), strict=True)],
    ids=lambda given: str(given.number) if isinstance(given, Board) else str(given),
)
def test_optimum_is_the_published_one(board: Board, published: float) -> None:
    plan = optimal_plan(board)
    assert plan.optimum == pytest.approx(published, abs=0.05)
    assert board.optimum == published
    assert expected_return_of_plan(board, plan) == pytest.approx(plan.optimum, abs=1e-9)


def right_then_down(observation: Observation) -> int:
    return 3 if observation[1] < 1.0 else 1


def down_then_right(observation: Observation) -> int:
    return 1 if observation[0] < 1.0 else 3


def test_the_rim_of_board_4_is_18_certain_steps_to_a_goal_that_pays_nothing_without_keys() -> None:
    assert expected_return(BOARDS[4], right_then_down) == -18.0


def test_a_step_that_comes_off_with_probability_p_takes_1_over_p_steps() -> None:
    # Five certain steps, eight in one region, five in another; never near the horizon.
    steps = 5.0 + 8.0 / 0.513690 + 5.0 / 0.805532
    assert expected_return(BOARDS[3], down_then_right) == pytest.approx(1000.0 - steps, abs=1e-3)


def test_a_policy_that_never_moves_pays_the_horizon() -> None:
    for board in BOARDS:
        assert expected_return(board, lambda observation: 0) == pytest.approx(-board.horizon)


def test_a_policy_is_asked_once_about_each_state() -> None:
    asked: list[Observation] = []

    def policy(observation: Observation) -> int:
        asked.append(observation)
        return right_then_down(observation)

    expected_return(BOARDS[2], policy)
    assert len(asked) == len(set(asked)) > 10


@pytest.mark.parametrize('number', [0, 2, 6])
def test_episodes_agree_with_the_exact_return(number: int) -> None:
    board = BOARDS[number]
    exact = expected_return(board, right_then_down)
    estimate = mean_return(NoiseWorld(board), lambda: right_then_down, range(400))
    assert abs(estimate.mean - exact) < 4.0 * estimate.standard_error + 1e-9
    assert estimate.episodes == 400


def test_a_policy_with_memory_begins_each_episode_afresh() -> None:
    class NineToTheRightThenDown:
        def __init__(self) -> None:
            self.steps = 0

        def __call__(self, observation: Observation) -> int:
            self.steps += 1
            return 3 if self.steps <= 9 else 1

    estimate = mean_return(NoiseWorld(BOARDS[4]), NineToTheRightThenDown, range(3))
    assert (estimate.mean, estimate.standard_error) == (-18.0, 0.0)


def test_one_episode_tells_no_standard_error() -> None:
    with pytest.raises(ValueError, match='at least 2 episodes; got 1'):
        mean_return(NoiseWorld(BOARDS[4]), lambda: right_then_down, range(1))
