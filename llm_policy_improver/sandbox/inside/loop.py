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

from llm_policy_improver.sandbox.inside.frames import RESULT, receive, send
from llm_policy_improver.sandbox.inside.output import Output
from llm_policy_improver.sandbox.inside.program import describe, load_program, plain
from llm_policy_improver.sandbox.inside.randomness import replace_entropy, seed_all
from llm_policy_improver.sandbox.inside.syscalls import OUTPUT

_encode: Final = json.JSONEncoder(
    default=plain, allow_nan=False, check_circular=False, separators=(',', ':')
).encode


class CallError(Exception):
    """A call of the program raised.

    Attributes:
        call: which of a batch.
    """

    def __init__(self, call: int) -> None:
        super().__init__()
        self.call = call


class ResultError(Exception):
    """What the program returned cannot be handed over.

    Attributes:
        call: which of a batch.
    """

    def __init__(self, call: int, reason: str) -> None:
        super().__init__(reason)
        self.call = call


class Loaded:
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
            raise CallError(len(results)) from error
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
    output, errors = (Output(each) for each in OUTPUT)
    vars(sys).update(stdin=None, __stdin__=None)
    vars(sys).update(stdout=output, __stdout__=output, stderr=errors, __stderr__=errors)
    replace_entropy()
    program = Loaded()
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
            answer = _success(number, kinds[kind](content), result_bytes)
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


def _success(number: int, result: Any, result_bytes: int) -> bytes:
    try:
        answer = _encode([number, True, result]).encode()
    except Exception as error:
        raise ResultError(_faulty(result), _reason(error)) from error
    if len(answer) > result_bytes:
        raise ResultError(0, f'it takes {len(answer)} bytes; {result_bytes} are the most')
    return answer


def _faulty(results: Any) -> int:
    """Which of a batch cannot be written."""
    for call, result in enumerate(results if type(results) is list else ()):
        try:
            _encode(result)
        except Exception:
            return call
    return 0


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return 'it is nested too deeply'
    if isinstance(error, ValueError) and 'Out of range' in str(error):
        return 'it holds nan or infinity; numbers must be finite'
    return str(error)


def _failure(number: int, error: BaseException) -> bytes:
    call = 0
    if isinstance(error, ResultError):
        return _encode([number, False, [error.call, RESULT, str(error), '']]).encode()
    if isinstance(error, CallError) and error.__cause__ is not None:
        call, error = error.call, error.__cause__
    return _encode([number, False, [call, *describe(error)]]).encode()
