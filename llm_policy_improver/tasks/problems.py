"""All problems for methods that improve parameters, by name. A new one is a file, and one line in `PROBLEMS`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from llm_policy_improver.core.registered import registered, unknown_text
from llm_policy_improver.tasks.problem import Problem

MANIPULATION: Final = ('slide', 'slide_gc', 'slide_gc_5', 'rope_swing', 'rope_swing_gc', 'roll_gc')

PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(MANIPULATION, '.dynamic_manipulation.problems:make'),
        'f1_2': '.function_problems:make',
        'f1_8': '.function_problems:make',
        'f2_2': '.function_problems:make',
        'f2_8': '.function_problems:make',
        'arm_far_right': '.arm:make',
        'arm_left_corner': '.arm:make',
        'arm_point': '.arm:make',
    }
)
"""Where ``(name, seed) -> Problem`` is written: ``'.module:name'`` in this package, or in another one by its whole
name. It is imported when a problem is made: some bring what takes long to load."""


class UnknownProblemError(ValueError):
    """No problem has this name; the message names those meant, or all."""


def make_problem(name: str, seed: int) -> Problem:
    """The problem of this name that belongs to a seed.

    Raises:
        UnknownProblemError: there is none.
    """
    if name not in PROBLEMS:
        raise UnknownProblemError(unknown_text('task', name, PROBLEMS))
    maker: Callable[[str, int], Problem] = registered(PROBLEMS[name], __package__)
    return maker(name, seed)
