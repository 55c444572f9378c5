"""Which kind of policy a program is."""

import random

import numpy as np
import pytest
from scripted_programmer import PLANNER, RIGHT

from llm_policy_improver.experiments.policy_kind import PolicyKind, kind_of
from llm_policy_improver.experiments.random_linear import linear_source
from llm_policy_improver.tasks.registry import TASKS, episodic_task

SEARCHING = """
import heapq

class Policy:
    def act(self, obs):
        heap = [(0.0, tuple(obs))]
        while heap:
            cost, place = heapq.heappop(heap)
        return 0
"""
VECTORIZED = """
import numpy as np

class Policy:
    def value_iteration(self, P, R):
        V = np.zeros(9)
        for _ in range(50):
            V = (R + P @ V).max(axis=0)
        return V

    def act(self, obs):
        return 0
"""
RECURSIVE = """
def best(place, depth):
    return 0.0 if depth == 0 else max(best(place + step, depth - 1) for step in (-1, 1))

def get_action(x):
    return 1 if best(x + 1, 3) > best(x - 1, 3) else -1
"""
BRANCHING = """
def get_action(angle, speed):
    if angle > 0.1:
        return 1
    elif angle < -0.1 and speed < 0.0:
        return 0
    return 1
"""
GAINS = """
def get_action(angle, speed):
    return 1 if 4.0 * angle + 0.5 * speed > 0.0 else 0
"""
DOT = """
import numpy as np

K = np.array([1.0, 2.0])

class Policy:
    def act(self, obs):
        return float(-np.dot(K, obs))
"""


@pytest.mark.parametrize(
    ('source', 'kind'),
    [
        (PLANNER, PolicyKind.PLANNER),
        (SEARCHING, PolicyKind.PLANNER),
        (VECTORIZED, PolicyKind.PLANNER),
        (RECURSIVE, PolicyKind.PLANNER),
        (BRANCHING, PolicyKind.RULES),
        (GAINS, PolicyKind.CONTROLLER),
        (DOT, PolicyKind.CONTROLLER),
        (RIGHT, PolicyKind.OTHER),
    ],
)
def test_kind_of_a_program(source: str, kind: PolicyKind) -> None:
    assert kind_of(source) is kind


@pytest.mark.parametrize('task', TASKS)
def test_random_linear_policy_is_a_program_with_valid_actions(task: str) -> None:
    brief = episodic_task(task).brief
    source = linear_source(brief, np.random.default_rng(1))
    assert kind_of(source) is PolicyKind.CONTROLLER
    names: dict[str, type] = {}
    exec(source, names)
    action = names['Policy']().act([random.Random(2).uniform(-1.0, 1.0) for _ in brief.observation])
    if brief.choices:
        assert action in range(len(brief.choices))
    else:
        assert len(action) == len(brief.action)
