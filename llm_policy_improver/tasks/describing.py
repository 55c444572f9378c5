"""Python that shows a program what it observes and what it may do, written from the quantities of a task.

The pieces may stand in one module: none uses a name of another.
"""

import math
from collections.abc import Sequence

from llm_policy_improver.core.environment import EpisodeBrief, Quantity


def _told(quantity: Quantity) -> str:
    """Meaning, range and unit of a quantity in one line."""
    unit = f' {quantity.unit}' if quantity.unit else ''
    low, high = quantity.low, quantity.high
    if low == high:
        return quantity.meaning
    if math.isinf(low) and math.isinf(high):
        return f'{quantity.meaning},{unit}' if unit else quantity.meaning
    if math.isinf(low):
        return f'{quantity.meaning}, at most {high:.6g}{unit}'
    if math.isinf(high):
        return f'{quantity.meaning}, at least {low:.6g}{unit}'
    return f'{quantity.meaning}, {low:.6g} to {high:.6g}{unit}'


def _names(constant: str, quantities: Sequence[Quantity]) -> str:
    """A constant with the names of quantities, a line for each."""
    lines = (f'    {quantity.name!r},  # {_told(quantity)}' for quantity in quantities)
    return '\n'.join((f'{constant} = (', *lines, ')'))


def observation_code(quantities: Sequence[Quantity]) -> str:
    """``OBSERVATION`` and ``describe(obs)`` for an observation of these quantities, in their order."""
    return f'''# An observation is a tuple of {len(quantities)} floats.
{_names('OBSERVATION', quantities)}


def describe(obs):
    """The parts of an observation by name."""
    return dict(zip(OBSERVATION, obs, strict=True))
'''


def action_code(quantities: Sequence[Quantity]) -> str:
    """``ACTION``, ``LOW``, ``HIGH`` and ``is_valid(action)`` for an action of these quantities, in their order."""
    low = tuple(float(quantity.low) for quantity in quantities)
    high = tuple(float(quantity.high) for quantity in quantities)
    return f'''# An action is a tuple of {len(quantities)} float{'s' if len(quantities) > 1 else ''}.
{_names('ACTION', quantities)}
LOW = {low}
HIGH = {high}


def is_valid(action):
    """Whether an action has as many values as there are names, each in its range."""
    if isinstance(action, int | float) or len(action) != len(ACTION):
        return False
    return all(low <= value <= high for low, value, high in zip(LOW, action, HIGH))
'''


def choice_code(choices: Sequence[str]) -> str:
    """``CHOICES`` and ``is_valid(action)`` where one of a few is chosen."""
    lines = '\n'.join(f'    {choice!r},  # {number}' for number, choice in enumerate(choices))
    return f'''# An action is an int, the number of a choice.
CHOICES = (
{lines}
)


def is_valid(action):
    """Whether an action is the number of a choice."""
    return isinstance(action, int) and 0 <= action < len(CHOICES)
'''


def described(
    text: str,
    observation: Sequence[Quantity],
    reward_code: str,
    horizon: int,
    *,
    action: Sequence[Quantity] = (),
    choices: Sequence[str] = (),
) -> EpisodeBrief:
    """The brief of a task whose observation and action are told by their quantities alone."""
    return EpisodeBrief(
        text=text,
        observation=tuple(observation),
        action=tuple(action),
        choices=tuple(choices),
        observation_code=observation_code(observation),
        action_code=choice_code(choices) if choices else action_code(action),
        reward_code=reward_code,
        horizon=horizon,
    )
