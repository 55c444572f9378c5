"""Replies of a language model that writes programs, told by what it is asked; for `ChatServer`."""

from collections.abc import Iterator
from typing import Any

from chat_server import Answer, Scripted, say

FEEDBACK = """
class Feedback:
    def summarize_trajectory(self, traj):
        row, column = traj['last_observation'][:2] * 4
        return f"{len(traj['actions'])} steps, ended at {row:.0f}, {column:.0f}, last reward {traj['rewards'][-1]:.0f}"
"""

RIGHT = """
class Policy:
    def act(self, obs):
        return 3
"""

PLANNER = '''
import numpy as np

SIZE = 5
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
COSTS = {0: 1.0, 1: 2.0, 2: 2.0, 4: 1.0}


class Policy:
    """Plans once by value iteration: labels that mean nothing good cost more, others cannot be entered."""

    def __init__(self):
        self.plan = None

    def act(self, obs):
        if self.plan is None:
            self.plan = self.iterate(np.asarray(obs[4:4 + SIZE * SIZE]).reshape(SIZE, SIZE), obs)
        return self.plan[round(obs[0] * (SIZE - 1)), round(obs[1] * (SIZE - 1))]

    def iterate(self, labels, obs):
        goal = round(obs[2] * (SIZE - 1)), round(obs[3] * (SIZE - 1))
        values = np.full((SIZE, SIZE), -1e3)
        values[goal] = 0.0
        plan = {}
        for _ in range(4 * SIZE):
            for row in range(SIZE):
                for column in range(SIZE):
                    if (row, column) == goal:
                        plan[row, column] = 0
                        continue
                    found = []
                    for down, right in MOVES:
                        there = row + down, column + right
                        inside = 0 <= there[0] < SIZE and 0 <= there[1] < SIZE
                        label = int(labels[there]) if inside else 3
                        found.append(values[there] - COSTS[label] if label in COSTS else -1e3)
                    plan[row, column] = int(np.argmax(found))
                    values[row, column] = max(found)
        return plan
'''

CRASHING = """
class Policy:
    def act(self, obs):
        return self.speed
"""


def prompt_of(request: dict[str, Any]) -> str:
    """The first message."""
    return str(request['messages'][0]['content'])


def is_for(request: dict[str, Any]) -> str:
    """What PromptPO asks for: ``'feedback'``, ``'reflection'`` or ``'program'``."""
    text = prompt_of(request)
    if 'summarize_trajectory' in text:
        return 'feedback'
    return 'reflection' if 'Write no code' in text else 'program'


def fenced(source: str) -> str:
    """A reply with a source in it."""
    return f'Here it is.\n\n```python{source}```\nIt should do.'


def programmer(*sources: str, feedback: str = FEEDBACK) -> Scripted:
    """Answers with these programs one after the other, the last one with a new comment each time."""
    left: Iterator[str] = iter(sources)
    number = 0

    def answer(request: dict[str, Any]) -> Answer:
        nonlocal number
        what = is_for(request)
        if what == 'feedback':
            return say(fenced(feedback))
        if what == 'reflection':
            return say('The latest one does better. It plans. Go on with it.')
        number += 1
        return say(fenced(next(left, f'{sources[-1]}# {number}\n')))

    return answer
