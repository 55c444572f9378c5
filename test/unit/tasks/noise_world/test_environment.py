import re

import pytest

from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.tasks.noise_world.boards import BOARDS, Board
from llm_policy_improver.tasks.noise_world.environment import NoiseWorld
from llm_policy_improver.tasks.noise_world.observing import make_brief
from llm_policy_improver.tasks.rollout import play


def told(brief: EpisodeBrief) -> str:
    """All that a program could be told."""
    return ' '.join(
        (
            brief.text,
            brief.observation_code,
            brief.action_code,
            brief.reward_code,
            *brief.choices,
            *(quantity.meaning for quantity in brief.observation),
        )
    )


@pytest.mark.parametrize('board', BOARDS, ids=lambda board: str(board.number))
def test_nothing_told_gives_away_chances_bonus_or_meaning_of_labels(board: Board) -> None:
    text = told(make_brief(board))
    assert not re.findall(r'0\.\d\d', text)
    for number in (board.size**3, board.size**5 - 1, board.size**5):
        assert not re.search(rf'\b{number}\b', text.replace(f'{board.horizon} steps', ''))
    for word in ('region', 'reset', 'probab', 'wall', 'key', 'determin', 'optim', 'seed'):
        assert word not in text.lower()


def test_keys_are_told_on_demand_alone() -> None:
    assert 'labelled 6' in make_brief(BOARDS[6], keys_told=True).text
    assert 'labelled 6' not in told(make_brief(BOARDS[6]))


def test_first_observation_is_the_corner_the_goal_and_the_labels() -> None:
    observation = NoiseWorld(BOARDS[0]).reset(0)
    assert observation[:4] == (0.0, 0.0, 1.0, 1.0)
    # The board as the public code shows it.
    assert ''.join(f'{label:g}' for label in observation[4:]) == '2252222222222202222030004'


def test_flags_follow_the_labels_of_a_board_with_keys() -> None:
    observation = NoiseWorld(BOARDS[6]).reset(0)
    assert len(observation) == 106
    assert observation[-2:] == (0.0, 0.0)
    assert {6.0, 7.0} <= set(observation[4:-2])


def test_episodes_of_a_seed_are_the_same_and_others_are_not() -> None:
    world = NoiseWorld(BOARDS[5])
    episodes = [play(world, lambda observation: 3, seed) for seed in (1, 2, 1)]
    assert episodes[0] == episodes[2] != episodes[1]


def test_episode_is_truncated_at_the_horizon() -> None:
    episode = play(NoiseWorld(BOARDS[0]), lambda observation: 0, 0)
    assert len(episode.transitions) == 25
    assert (episode.transitions[-1].terminated, episode.transitions[-1].truncated) == (False, True)
    assert episode.total == -25.0
    assert not episode.succeeded


def test_success_is_the_goal_with_all_keys() -> None:
    down_then_right = play(NoiseWorld(BOARDS[3]), lambda observation: 1 if observation[0] < 1.0 else 3, 0)
    assert down_then_right.succeeded
    assert down_then_right.total == 1000.0 - len(down_then_right.transitions)
    without_keys = play(NoiseWorld(BOARDS[4]), lambda observation: 3 if observation[1] < 1.0 else 1, 0)
    assert without_keys.transitions[-1].terminated
    assert not without_keys.succeeded


def test_refuses_an_action_that_is_none_and_a_step_outside_an_episode() -> None:
    world = NoiseWorld(BOARDS[0])
    with pytest.raises(RuntimeError, match='no episode is under way'):
        world.step(0)
    world.reset(0)
    for action in (4, -1, 0.0, (0,)):
        with pytest.raises(ValueError, match='whole number from 0 to 3; got'):
            world.step(action)  # type: ignore[arg-type]
