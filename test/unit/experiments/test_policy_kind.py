"""Which kind of policy a program is."""

import json
import random
import re

import numpy as np
import pytest
from paths import ROOT
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


SIMULATING = """
def get_action(position, velocity):
    best, chosen = 1e9, 0.0
    for force in (-1.0, -0.5, 0.0, 0.5, 1.0):
        x, v, cost = position, velocity, 0.0
        for _ in range(50):
            v += 0.1 * force
            x += 0.1 * v
            cost += x * x
        if cost < best:
            best = cost
            chosen = force
    return (chosen,)
"""
NETWORK = """
import numpy as np

LAYERS = [np.eye(4), np.eye(4)]

class Policy:
    def act(self, obs):
        hidden = np.array(obs)
        for layer in LAYERS:
            hidden = np.tanh(layer @ hidden)
        return int(np.argmax(hidden))
"""
FILTER = """
class Policy:
    def act(self, obs):
        position, velocity = 0.0, 0.0
        for seen in obs:
            position, velocity = position + 0.1 * velocity, velocity + 0.5 * (seen - position)
        return (-2.0 * position - velocity,)
"""
RECORDED = ROOT / 'docs' / 'recordings'


def recorded_program(name: str, request: int) -> str:
    """The program of a reply."""
    lines = (RECORDED / f'{name}.jsonl').read_text().splitlines()
    reply = next(each['reply'] for each in map(json.loads, lines) if each['request'] == request)
    return re.findall(r'```python\n(.*?)```', reply, re.DOTALL)[-1]


@pytest.mark.parametrize(
    ('name', 'request_number', 'kind'),
    [
        ('sensorimotor/exchanges/acrobot--sensorimotor--typed--0', 3, PolicyKind.CONTROLLER),
        ('sensorimotor/exchanges/acrobot--sensorimotor--typed--0', 9, PolicyKind.CONTROLLER),
        ('sensorimotor/exchanges/acrobot--sensorimotor--typed--0', 15, PolicyKind.PLANNER),
        ('sensorimotor/exchanges/pendulum--sensorimotor--typed--0', 3, PolicyKind.CONTROLLER),
        ('sensorimotor/exchanges/pendulum--sensorimotor--typed--0', 9, PolicyKind.PLANNER),
        ('sensorimotor/exchanges/pendulum--sensorimotor--typed--0', 13, PolicyKind.PLANNER),
        ('sensorimotor/exchanges/inverted_pendulum--sensorimotor--typed--0', 15, PolicyKind.CONTROLLER),
        ('sensorimotor/exchanges/mountain_car_continuous--sensorimotor--typed--0', 15, PolicyKind.CONTROLLER),
        ('prompt_po/exchanges/noise_world_3--prompt_po--typed--0', 12, PolicyKind.PLANNER),
        ('prompt_po/exchanges/noise_world_6--prompt_po--typed--0', 12, PolicyKind.PLANNER),
        ('prompt_po_arm/exchanges_100_balls', 27, PolicyKind.CONTROLLER),
        ('prompt_po_arm/exchanges_300_balls', 80, PolicyKind.CONTROLLER),
    ],
)
def test_kind_of_a_recorded_program(name: str, request_number: int, kind: PolicyKind) -> None:
    assert kind_of(recorded_program(name, request_number)) is kind


@pytest.mark.parametrize(
    ('source', 'kind'),
    [
        (PLANNER, PolicyKind.PLANNER),
        (SEARCHING, PolicyKind.PLANNER),
        (VECTORIZED, PolicyKind.PLANNER),
        (RECURSIVE, PolicyKind.PLANNER),
        (SIMULATING, PolicyKind.PLANNER),
        (NETWORK, PolicyKind.CONTROLLER),
        (FILTER, PolicyKind.CONTROLLER),
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
