"""A worker's loop: it takes requests from its parent, calls the program, and answers in JSON.

The program shares the process and can change anything here; so the parent trusts nothing of an answer but its size.

A request is a frame with marshalled ``(number, kind, arrays, content)``:

    'load'   source                              -> null
    'new'    (seed, name, arguments, keywords)   -> the number of the object
    'calls'  ((object, name, arguments, keywords), ...)   -> their results; object 0 is the module
    'delete' (object, ...)                       -> null

An answer is a frame with JSON: ``[number, true, result]`` or ``[number, false, [call, type, message, traceback]]``.
"""

import json
import marshal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

import numpy as np

from llm_policy_improver.sandbox.inside.frames import receive, send
from llm_policy_improver.sandbox.inside.output import Output
from llm_policy_improver.sandbox.inside.program import describe, load_program, plain
from llm_policy_improver.sandbox.inside.randomness import replace_entropy, seed_all
from llm_policy_improver.sandbox.inside.syscalls import OUTPUT

_encode: Final = json.JSONEncoder(
    default=plain, allow_nan=False, check_circular=False, separators=(',', ':')
).encode


class Failed(Exception):
    """A call of the program raised.

    Attributes:
        call: which of a batch.
    """

    def __init__(self, call: int) -> None:
        super().__init__()
        self.call = call


class Program:
    """The program's module and its objects, by number."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._last = 0

    def load(self, source: str) -> None:
        seed_all(0)
        self._objects[0] = load_program(source)

    def new(self, content: tuple[int, str, tuple[Any, ...], dict[str, Any]]) -> int:
        seed, name, arguments, keywords = content
        seed_all(seed)
        made = getattr(self._objects[0], name)(*arguments, **keywords)
        self._last += 1
        self._objects[self._last] = made
        return self._last

    def calls(self, content: tuple[tuple[int, str, tuple[Any, ...], dict[str, Any]], ...]) -> list[Any]:
        objects, results = self._objects, []
        try:
            for target, name, arguments, keywords in content:
                results.append(getattr(objects[target], name)(*arguments, **keywords))
        except BaseException as error:
            raise Failed(len(results)) from error
        return results

    def delete(self, content: tuple[int, ...]) -> None:
        for each in content:
            self._objects.pop(each, None)


def begin(active: Sequence[str]) -> None:
    """Tell the parent, before any program is here, what holds this worker."""
    send(json.dumps(active).encode())


def serve(result_bytes: int) -> NoReturn:
    """Answer requests until the parent closes the connection.

    Args:
        result_bytes: of an answer at most.
    """
    sys.stdin = sys.__stdin__ = None  # type: ignore[misc, assignment]
    sys.stdout = sys.__stdout__ = Output(OUTPUT[0])
    sys.stderr = sys.__stderr__ = Output(OUTPUT[1])
    replace_entropy()
    program = Program()
    kinds: dict[str, Callable[[Any], Any]] = {
        'load': program.load,
        'new': program.new,
        'calls': program.calls,
        'delete': program.delete,
    }
    while True:
        number, kind, arrays, content = marshal.loads(receive())
        if arrays:
            content = with_arrays(content)
        try:
            answer = _encode([number, True, kinds[kind](content)]).encode()
            if len(answer) > result_bytes:
                raise ValueError(f'the result takes {len(answer)} bytes; {result_bytes} are the most')
        except BaseException as error:
            answer = _failure(number, error)
        send(answer)


def with_arrays(value: Any) -> Any:
    """Arrays as they were before the parent wrote them as ``(..., shape, bytes)``."""
    if type(value) in (tuple, list):
        if len(value) == 3 and value[0] is Ellipsis:
            return np.frombuffer(bytearray(value[2])).reshape(value[1])
        return type(value)(map(with_arrays, value))
    if type(value) is dict:
        return {key: with_arrays(each) for key, each in value.items()}
    return value


def _failure(number: int, error: BaseException) -> bytes:
    call = 0
    if isinstance(error, Failed) and error.__cause__ is not None:
        call, error = error.call, error.__cause__
    return _encode([number, False, [call, *describe(error)]]).encode()
