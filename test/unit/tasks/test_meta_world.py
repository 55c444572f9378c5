"""Meta-World's own scripted policies through our environments."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip('metaworld', reason="needs the extra 'metaworld'")
mujoco = pytest.importorskip('mujoco')

from metaworld import policies

from llm_policy_improver.core.environment import Action, Observation
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.tasks.meta_world.tasks import BUTTON_PRESS, DOOR_OPEN, DRAWER_OPEN, PICK_PLACE
from llm_policy_improver.tasks.rollout import play

SCRIPTED = {
    'button_press': (BUTTON_PRESS, policies.SawyerButtonPressV3Policy),
    'pick_place': (PICK_PLACE, policies.SawyerPickPlaceV3Policy),
    'door_open': (DOOR_OPEN, policies.SawyerDoorOpenV3Policy),
    'drawer_open': (DRAWER_OPEN, policies.SawyerDrawerOpenV3Policy),
}

EPISODES = 4


def scripted(policy: Any) -> Callable[[Observation], Action]:
    """It wants an array of its own to write in, and gives actions beyond their range."""
    return lambda observation: tuple(
        float(each) for each in np.clip(policy.get_action(np.array(observation)), -1, 1)
    )


@pytest.fixture(scope='module')
def episodes() -> dict[str, list[Episode]]:
    played = {}
    for name, (task, policy) in SCRIPTED.items():
        environment = task()
        played[name] = [play(environment, scripted(policy()), seed) for seed in range(EPISODES)]
        environment.close()
    return played


@pytest.mark.parametrize('name', SCRIPTED)
def test_the_scripted_policy_succeeds(name: str, episodes: dict[str, list[Episode]]) -> None:
    assert all(episode.succeeded for episode in episodes[name])
    assert {len(episode.transitions) for episode in episodes[name]} == {500}
    assert all(episode.transitions[-1].truncated for episode in episodes[name])


@pytest.mark.parametrize('name', SCRIPTED)
def test_objects_and_goals_are_elsewhere_in_each_episode(
    name: str, episodes: dict[str, list[Episode]]
) -> None:
    assert len({episode.first[4:7] for episode in episodes[name]}) == EPISODES
    low_and_high = [(quantity.low, quantity.high) for quantity in SCRIPTED[name][0].brief.observation[-3:]]
    for episode in episodes[name]:
        assert all(
            low <= value <= high for value, (low, high) in zip(episode.first[-3:], low_and_high, strict=True)
        )


def told_and_paid(name: str, played: list[Episode]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    names: dict[str, Any] = {}
    exec(SCRIPTED[name][0].brief.reward_code, names)
    told, paid = [], []
    for episode in played:
        observation = episode.first
        for action, transition in zip(episode.actions, episode.transitions, strict=True):
            told.append(names['reward'](observation, action, transition.observation))
            paid.append(transition.reward)
            observation = transition.observation
    return np.array(told), np.array(paid)


@pytest.mark.parametrize('name', ['door_open', 'drawer_open'])
def test_rewards_of_door_and_drawer_are_told_exactly(name: str, episodes: dict[str, list[Episode]]) -> None:
    told, paid = told_and_paid(name, episodes[name])
    assert np.abs(told - paid).max() < 2e-3


def test_reward_of_the_button_is_told_but_for_the_tip(episodes: dict[str, list[Episode]]) -> None:
    told, paid = told_and_paid('button_press', episodes['button_press'])
    assert np.abs(told - paid).max() < 0.1


def test_reward_of_the_puck_is_told_but_for_the_fingers_and_the_first_distance(
    episodes: dict[str, list[Episode]],
) -> None:
    told, paid = told_and_paid('pick_place', episodes['pick_place'])
    assert np.array_equal(told == 10.0, paid == 10.0)
    assert np.abs(told - paid).mean() < 0.1
    assert np.abs(told - paid).max() < 2.0


@pytest.mark.parametrize('name', SCRIPTED)
def test_welds_hold_the_hand_whatever_the_columns_of_the_installed_mujoco(name: str) -> None:
    arm = SCRIPTED[name][0]()._simulated.arm
    welds = arm.model.eq_data[arm.model.eq_type == mujoco.mjtEq.mjEQ_WELD]
    assert len(welds) == 1
    assert welds[0, :11].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 5.0]


def test_a_quaternion_is_of_unit_length_and_the_scalar_is_where_its_name_says() -> None:
    for task in (BUTTON_PRESS, DRAWER_OPEN):
        described = dict(zip((each.name for each in task.brief.observation), task().reset(0), strict=True))
        (scalar,) = (value for name, value in described.items() if name in ('button_qw', 'handle_qw'))
        assert scalar == pytest.approx(1.0)
    puck = dict(zip((each.name for each in PICK_PLACE.brief.observation), PICK_PLACE().reset(0), strict=True))
    assert puck['puck_qw'] == pytest.approx(1.0, abs=0.01)
