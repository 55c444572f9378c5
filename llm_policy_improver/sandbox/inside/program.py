"""A program: its source executed in a module of its own, and what to tell of an exception in it."""

import linecache
import sys
import types
from typing import Any, Final

FILE: Final = '<program>'
"""What tracebacks call the source."""

_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TRACEBACK: Final = 4_000
_MOST_FRAMES: Final = 12
"""Of a traceback, from its ends."""


def load_program(source: str) -> types.ModuleType:
    """The module that the source makes; raises whatever the source raises."""
    module = types.ModuleType('program')
    sys.modules['program'] = module  # dataclasses look there for the module of a class
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    exec(compile(source, FILE, 'exec', dont_inherit=True), vars(module))
    return module


def describe(error: BaseException) -> tuple[str, str, str]:
    """Type, message and traceback of an exception; of the traceback only the program's own lines."""
    name = type(error).__name__
    try:
        message = str(error)
    except BaseException as worse:
        message = f'(its message cannot be told: {type(worse).__name__})'
    try:
        frames = _frames(error)
    except BaseException:
        frames = ''
    return name, message[:_LONGEST_MESSAGE], frames[:_LONGEST_TRACEBACK]


def _frames(error: BaseException) -> str:
    places: list[tuple[int, str]] = []
    if isinstance(error, SyntaxError) and error.filename == FILE and error.lineno:
        places.append((error.lineno, ''))
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILE:
            places.append((traceback.tb_lineno, code.co_name))
        traceback = traceback.tb_next
    lines = [_frame(line, function) for line, function in places]
    if len(lines) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        lines[half:-half] = [f'  ... {len(lines) - 2 * half} more']
    return '\n'.join(lines)


def _frame(line: int, function: str) -> str:
    text = linecache.getline(FILE, line).strip()
    where = f'  line {line}' + (f', in {function}' if function not in ('', '<module>') else '')
    return f'{where}\n    {text[:200]}' if text else where


def plain(value: Any) -> Any:
    """What JSON does not know of a result: NumPy's arrays and numbers become lists and numbers.

    Raises:
        TypeError: it is something else.
    """
    if type(value).__module__ == 'numpy' and hasattr(value, 'tolist'):
        return value.tolist()
    raise TypeError(
        f'it holds a {type(value).__name__}; only numbers, text, lists, dicts and arrays can be handed over'
    )
