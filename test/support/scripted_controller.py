"""Replies of a language model that comes to rules and turns them into code, told by what it is asked."""

from collections.abc import Sequence
from typing import Any

from chat_server import Answer, Scripted, say

PUSH = """
def get_action(position, velocity):
    if position > 0.0:
        return 0.5
    else:
        return -0.5
"""
BRAKE = """
def get_action(position, velocity):
    return -2.0 * position - 2.0 * velocity
"""
CRASHING = """
def get_action(position, velocity):
    return force
"""


def is_for(request: dict[str, Any]) -> str:
    """What is asked for: ``'reasoning'``, ``'rules'`` or ``'code'``."""
    text = str(request['messages'][0]['content'])
    if text.startswith('Somebody thought'):
        return 'rules'
    return 'code' if text.startswith('Turn rules') else 'reasoning'


def controller(*codes: str) -> Scripted:
    """Comes to rules of which each has a number, and answers with these codes, the last one with a new comment."""
    asked = {'reasoning': 0, 'rules': 0, 'code': 0}

    def answer(request: dict[str, Any]) -> Answer:
        what = is_for(request)
        asked[what] += 1
        number = asked[what]
        if what == 'reasoning':
            return say(
                f'<think>hm</think>It leans. So, idea {number}: IF position > 0 THEN push back ELSE push on'
            )
        if what == 'rules':
            return say(f'Rule {number}: IF position > 0 THEN force = -{number} ELSE force = {number}')
        code = codes[number - 1] if number <= len(codes) else f'{codes[-1]}# {number}\n'
        return say(f'```python{code}```')

    return answer


def texts(requests: Sequence[dict[str, Any]], what: str) -> list[list[str]]:
    """The texts of all requests of a kind."""
    return [
        [str(m['content']) for m in request['messages']] for request in requests if is_for(request) == what
    ]
