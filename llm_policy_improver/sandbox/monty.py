"""Workers that are interpreters without files, network and processes: pydantic-monty, for machines without seccomp.

It knows a part of Python and no NumPy. Its clock is one for all that a program does: the longest of the limits.
"""

import json
from contextlib import ExitStack
from typing import Any, Final, NoReturn

from pydantic_monty import (
    Monty,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
)

from llm_policy_improver.core.text import clean_text
from llm_policy_improver.sandbox.errors import (
    ProgramDiedError,
    ProgramError,
    ProgramTimeoutError,
    SandboxUnavailableError,
)
from llm_policy_improver.sandbox.inside.frames import RESULT
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.values import require_plain
from llm_policy_improver.sandbox.worker import MODULE, Worker

_PROTECTIONS: Final = (Protection.INTERPRETER,)
_MOST_PROCESSES: Final = 64
_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TRACEBACK: Final = 4_000
_TIME_OVER: Final = 'time limit exceeded'


class Interpreters:
    """Makes workers that are interpreters.

    Args:
        not_used: a sentence about why they are no confined processes; may be empty.

    Attributes:
        protections: what holds programs.
        takes_arrays: whether they can be given NumPy arrays; else lists.
        not_used: as given.

    Raises:
        SandboxUnavailableError: none can be started.
    """

    protections = _PROTECTIONS
    takes_arrays = False

    def __init__(self, not_used: str = '') -> None:
        self.not_used = not_used
        self._stack = ExitStack()
        try:
            self._pool = self._stack.enter_context(Monty(max_processes=_MOST_PROCESSES))
        except (MontyError, OSError) as error:
            raise SandboxUnavailableError(f'pydantic-monty does not start: {error}') from None

    def worker(self, limits: Limits) -> Worker:
        """A new one, with nothing loaded."""
        return InterpretedWorker(self._pool, limits)

    def close(self) -> None:
        """End all of it."""
        self._stack.close()


class InterpretedWorker(Worker):
    """An interpreter that can be called.

    Args:
        pool: of such interpreters.
        limits: that the program is held to.
    """

    protections = _PROTECTIONS
    takes_arrays = False

    def __init__(self, pool: Monty, limits: Limits) -> None:
        super().__init__(limits)
        self._seconds = max(limits.load_seconds, limits.new_seconds, limits.call_seconds)
        self._stack = ExitStack()
        self._session = self._stack.enter_context(
            pool.checkout(
                limits={'max_memory': limits.memory_bytes, 'max_feed_duration_secs': self._seconds},
                os_policy={'sleep': 'zero'},
            )
        )
        self._alive = True
        self._output = ''
        self._made = 0

    @property
    def output(self) -> str:
        return clean_text(self._output, self._limits.output_bytes)

    @property
    def alive(self) -> bool:
        return self._alive

    def close(self) -> None:
        self._alive = False
        self._stack.close()

    def _ask(self, kind: str, content: Any, arrays: bool, seconds: float, what: str) -> Any:
        if not self._alive:
            raise ProgramDiedError('the program cannot be called any more: it was ended')
        if arrays:
            raise TypeError('pydantic-monty knows no arrays: give a list')
        code, inputs = self._code(kind, content)
        try:
            result = self._session.feed_run(code, inputs=inputs, print_callback=self._print)
        except MontySyntaxError as error:
            raise ProgramError(what, 'SyntaxError', clean_text(str(error), _LONGEST_MESSAGE)) from None
        except MontyRuntimeError as error:
            self._raised(error, what)
        except MontyCrashedError as error:
            self.close()
            raise ProgramDiedError(f'the program ended in {what}: {error}') from None
        return self._taken(result, what)

    def _code(self, kind: str, content: Any) -> tuple[str, dict[str, Any]]:
        """What is executed for a request, and the values that it uses."""
        if kind == 'load':
            return f'{content}\nNone', {}
        if kind == 'new':
            seed, name, arguments, keywords = content
            self._made += 1
            call = f'_object_{self._made} = {_identifier(name)}(*_arguments, **_keywords)'
            inputs = {'_seed': seed, '_arguments': arguments, '_keywords': keywords}
            return f'import random\nrandom.seed(_seed)\n{call}\n{self._made}', inputs
        if kind == 'delete':
            return ''.join(f'_object_{each} = None\n' for each in content) + 'None', {}
        calls = [
            f'{"" if target == MODULE else f"_object_{target}."}{_identifier(name)}(*_given[{k}][0], **_given[{k}][1])'
            for k, (target, name, _, _) in enumerate(content)
        ]
        return f'[{", ".join(calls)}]', {'_given': [list(each[2:]) for each in content]}

    def _print(self, stream: str, text: str) -> None:
        if len(self._output) < self._limits.output_bytes:
            self._output += text

    def _taken(self, result: Any, what: str) -> Any:
        """What the program returned, if it is plain data."""
        try:
            written = json.dumps(result)
            if len(written) > self._limits.result_bytes:
                raise ValueError(f'it takes {len(written)} bytes; {self._limits.result_bytes} are the most')
            result = json.loads(written)
            require_plain(result)
        except (TypeError, ValueError, RecursionError) as error:
            raise ProgramError(what, RESULT, str(error)) from None
        return result

    def _raised(self, error: MontyRuntimeError, what: str) -> NoReturn:
        cause = error.exception()
        if isinstance(cause, TimeoutError) and _TIME_OVER in str(cause):
            self.close()
            raise ProgramTimeoutError(what, self._seconds) from None
        lines = [f'  line {frame.line}, in {frame.function_name}' for frame in error.traceback()]
        raise ProgramError(
            what,
            clean_text(type(cause).__name__, 100),
            clean_text(str(cause), _LONGEST_MESSAGE),
            clean_text('\n'.join(lines[1:]), _LONGEST_TRACEBACK),
        ) from None

    def _break(self, what: str) -> NoReturn:
        self.close()
        raise ProgramDiedError(f'the program was ended: it sent {what}')


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise ValueError(f'{name!r} is no name of a function or class')
    return name
