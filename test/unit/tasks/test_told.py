"""What programs are told of a task, held against what the environment does."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from llm_policy_improver.core.environment import Action, Environment, EpisodeBrief
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.tasks.registry import TASKS, make_environment
from llm_policy_improver.tasks.rollout import play

REWARD_NOT_TOLD_WHERE_IT_ENDS = tuple(name for name in TASKS if name.startswith('noise_world'))
TOLERANCES = {'button_press': 0.2, 'pick_place': 1.0, 'door_open': 1e-3, 'drawer_open': 1e-3}
"""Where a reward is told less exactly than numbers are rounded; test_meta_world looks closer."""
STEPS = 150
FEW = {'arm_varied_balls': 5}
"""Steps of tasks whose single step takes long."""


@pytest.fixture(params=TASKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def environment(name: str) -> Iterator[Environment]:
    try:
        made = make_environment(name)
    except MissingPackageError as error:
        pytest.skip(str(error))
    yield made
    made.close()


def told(brief: EpisodeBrief) -> dict[str, Any]:
    """All three pieces in one module, as a program may have them."""
    names: dict[str, Any] = {}
    exec('\n'.join((brief.observation_code, brief.action_code, brief.reward_code)), names)
    return names


def random_action(brief: EpisodeBrief, generator: np.random.Generator) -> Action:
    if brief.choices:
        return int(generator.integers(len(brief.choices)))
    return tuple(float(generator.uniform(each.low, each.high)) for each in brief.action)


def steps_of(name: str, most: int = STEPS) -> int:
    return min(most, FEW.get(name, STEPS))


def wander(environment: Environment, seed: int, steps: int) -> list[tuple[Any, ...]]:
    """Random steps: (obs, action, transition), an episode after the other."""
    generator = np.random.default_rng(seed)
    seen: list[tuple[Any, ...]] = []
    observation = environment.reset(seed)
    while len(seen) < steps:
        action = random_action(environment.brief, generator)
        transition = environment.step(action)
        seen.append((observation, action, transition))
        observation = transition.observation
        if transition.terminated or transition.truncated:
            observation = environment.reset(seed + len(seen))
    return seen


def whole(environment: Environment, seed: int) -> Episode:
    generator = np.random.default_rng(seed)
    return play(environment, lambda observation: random_action(environment.brief, generator), seed)


def test_describe_names_the_quantities_in_their_order(environment: Environment) -> None:
    describe = told(environment.brief)['describe']
    observation = environment.reset(0)
    described = describe(observation)
    names = [quantity.name for quantity in environment.brief.observation]
    assert list(described) == names
    assert tuple(described.values()) == observation
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_observations_are_within_the_told_ranges(name: str, environment: Environment) -> None:
    for observation, _, transition in wander(environment, 1, steps_of(name)):
        for seen in (observation, transition.observation):
            for quantity, value in zip(environment.brief.observation, seen, strict=True):
                slack = 1e-6 * (1.0 + abs(value))  # several suites round to float32
                assert quantity.low - slack <= value <= quantity.high + slack, quantity.name


def test_reward_is_as_told(name: str, environment: Environment) -> None:
    reward = told(environment.brief)['reward']
    compared = 0
    for observation, action, transition in wander(environment, 2, steps_of(name)):
        if name in REWARD_NOT_TOLD_WHERE_IT_ENDS and transition.terminated:
            continue
        expected = reward(observation, action, transition.observation)
        tolerance = TOLERANCES.get(name, 1e-5)
        assert expected == pytest.approx(transition.reward, rel=1e-5, abs=tolerance)
        compared += 1
    assert compared > steps_of(name) // 2


def test_what_is_told_to_be_valid_is_what_the_environment_takes(environment: Environment) -> None:
    brief = environment.brief
    is_valid = told(brief)['is_valid']
    tried: list[Any]
    if brief.choices:
        tried = [*range(-1, len(brief.choices) + 2), 0.5, '0', None]
    else:
        low = tuple(quantity.low for quantity in brief.action)
        high = tuple(quantity.high for quantity in brief.action)
        tried = [
            low,
            high,
            (*low, 0.0),
            low[1:],
            (low[0] * 1.01, *low[1:]),
            (*high[1:], math.nan),
            (math.inf,) * len(low),
        ]
    assert {True, False} == {bool(is_valid(action)) for action in tried}
    for action in tried:
        environment.reset(0)
        with nullcontext() if is_valid(action) else pytest.raises(ValueError, match='; got '):
            environment.step(action)


def test_episodes_of_a_seed_are_the_same_to_the_last_bit(name: str, environment: Environment) -> None:
    steps = steps_of(name, 60)
    first = wander(environment, 3, steps)
    wander(environment, 4, steps_of(name, 20))
    assert wander(environment, 3, steps) == first
    again = make_environment(name)
    assert wander(again, 3, steps) == first
    again.close()
    assert wander(environment, 5, steps)[0][0] != first[0][0] or name.startswith('noise_world')


def test_an_episode_ends_by_the_rules_or_at_the_horizon(environment: Environment) -> None:
    episode = whole(environment, 6)
    last = episode.transitions[-1]
    assert last.truncated == (not last.terminated)
    assert last.truncated <= (len(episode.transitions) == environment.brief.horizon)
    assert len(episode.transitions) <= environment.brief.horizon
    with pytest.raises(RuntimeError, match='no episode is under way'):
        environment.step(episode.actions[-1])


def test_text_says_aim_and_horizon_and_quantities_say_what_they_are(environment: Environment) -> None:
    brief = environment.brief
    assert 'aim' in brief.text.lower()
    assert f'{brief.horizon} step' in brief.text
    for quantity in (*brief.observation, *brief.action):
        assert quantity.meaning
        assert quantity.low <= quantity.high
    assert bool(brief.choices) != bool(brief.action)
