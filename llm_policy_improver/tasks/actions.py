"""Actions that do not belong to a task are refused in one way, whatever the environment behind it would do with them.

Simulators differ in what they do with a value outside its range: some clip it, some clip it for the motion and not for
the reward, some take it as it is.
"""

import math
from collections.abc import Iterable, Sequence

from llm_policy_improver.core.environment import Action, Quantity


def choice(action: Action, choices: Sequence[str]) -> int:
    """The number of a choice.

    Raises:
        ValueError: there is no such choice.
    """
    last = len(choices) - 1
    if not isinstance(action, int) or not 0 <= action <= last:
        raise ValueError(f'an action is a whole number from 0 to {last}; got {action!r}')
    return action


def values(action: Action, quantities: Sequence[Quantity]) -> tuple[float, ...]:
    """The values (m,) of a continuous action.

    Raises:
        ValueError: they are not as many as the quantities, or one is outside its range.
    """
    given = () if isinstance(action, int | float) else tuple(action)
    if len(given) != len(quantities):
        names = ', '.join(quantity.name for quantity in quantities)
        number = f'{len(quantities)} value{"s" if len(quantities) > 1 else ""}'
        raise ValueError(f'an action is a tuple of {number} ({names}); got {action!r}')
    for quantity, value in zip(quantities, given, strict=True):
        if not (math.isfinite(value) and quantity.low <= value <= quantity.high):
            unit = f' {quantity.unit}' if quantity.unit else ''
            raise ValueError(
                f'{quantity.name} must be from {quantity.low:g} to {quantity.high:g}{unit}; got {value!r}'
            )
    return given


def clipped(given: Iterable[float], quantities: Sequence[Quantity]) -> tuple[float, ...]:
    """Values of a continuous action (m,), those outside their ranges brought to the ends of these."""
    pairs = zip(given, quantities, strict=True)
    return tuple(min(max(float(value), quantity.low), quantity.high) for value, quantity in pairs)
