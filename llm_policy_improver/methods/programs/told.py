"""An episodic task as a language model is told of it: nothing beyond its brief, and what a program may use."""

from typing import Final

from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.sandbox import Sandbox

COMPUTING: Final = (
    'bisect', 'collections', 'copy', 'dataclasses', 'enum', 'fractions', 'functools', 'heapq', 'itertools', 'math',
    'operator', 'random', 're', 'statistics', 'typing',
)  # fmt: skip
"""Of the modules of the standard library that a program finds those that it may need."""

_INTERPRETED: Final = 'a part of the Python language and its module math; no NumPy and no classes of other modules'


def task_text(brief: EpisodeBrief) -> str:
    """What is to be done: the task in words, observation, action and reward as Python, the horizon."""
    told = prompt(__package__, 'task').substitute(
        text=brief.text.strip(),
        observation=brief.observation_code.strip(),
        action=brief.action_code.strip(),
        reward=brief.reward_code.strip(),
        horizon=brief.horizon,
    )
    return told.strip()


def rules_text(sandbox: Sandbox) -> str:
    """What a program may use: modules and times."""
    limits = sandbox.limits
    told = prompt(__package__, 'rules').substitute(
        modules=importable(sandbox), load=f'{limits.load_seconds:g}', call=f'{limits.call_seconds:g}'
    )
    return told.strip()


def importable(sandbox: Sandbox) -> str:
    """What a program may import, as a clause."""
    if Protection.INTERPRETER in sandbox.protections:
        return _INTERPRETED
    return f'numpy, and of the standard library what computes: {", ".join(COMPUTING)}'
