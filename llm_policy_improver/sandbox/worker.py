"""A worker: one program in a confined process of its own, called from here."""

import json
import marshal
import os
import signal
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from llm_policy_improver.sandbox.channel import BrokenProtocolError, Channel
from llm_policy_improver.sandbox.errors import (
    ProgramDiedError,
    ProgramError,
    ProgramTimeoutError,
    SandboxError,
)
from llm_policy_improver.sandbox.inside.frames import RESULT
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.text import shown
from llm_policy_improver.sandbox.values import Outgoing, require_plain
from llm_policy_improver.sandbox.zygote import Ended, Forked, Zygote

Call = tuple[Any, ...]
"""An object's number, the name of a method, and its arguments."""

_MODULE: Final = 0
_CONFINE_SECONDS: Final = 30.0
_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TRACEBACK: Final = 4_000


class _NotANumberError(ValueError):
    """A constant of JSON's that stands for no finite number."""


def _no_constant(name: str) -> NoReturn:
    raise _NotANumberError(f'it holds {name}; numbers must be finite')


_decode: Final = json.JSONDecoder(parse_constant=_no_constant).decode


class Worker:
    """A confined process that can be called. Used from one thread at a time.

    Args:
        zygote: forks it.
        limits: that the program is held to.

    Raises:
        SandboxError: no process could be forked and confined.
    """

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self._zygote = zygote
        self._limits = limits
        self._forked: Forked | None = zygote.fork(limits)
        self._channel = Channel(self._forked.connection, limits.result_bytes)
        self._number = 0
        self._output = ''
        self._end = ''
        try:
            told = json.loads(self._channel.receive(_CONFINE_SECONDS))
        except (TimeoutError, EOFError, BrokenProtocolError):
            self.close()
            raise SandboxError(f'a worker could not confine itself: {self._output}') from None
        self.protections = tuple(Protection(each) for each in told)

    @property
    def output(self) -> str:
        """What the program has printed, as far as it was kept; also after its end."""
        return self._output if self._forked is None else self._read_output(self._forked.output)

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self._forked is not None

    def load(self, source: str) -> None:
        """Execute the program's source; once, and first.

        Raises:
            ProgramError: it does not compile, or raised.
            ProgramTimeoutError: it took too long.
            ProgramDiedError: its process ended.
        """
        size = len(source.encode(errors='replace'))
        if size > self._limits.source_bytes:
            raise ProgramError(
                'the program', 'SyntaxError', f'it has {size} bytes; {self._limits.source_bytes} are the most'
            )
        self._ask('load', source, False, self._limits.load_seconds, 'the program')

    def new(self, name: str, *arguments: Any, seed: int = 0, **keywords: Any) -> int:
        """A fresh object of the program's class, or what its function of this name returns.

        Args:
            name: of the class.
            arguments, keywords: it is made with.
            seed: of everything random in the program from here on.

        Returns:
            The object's number, for `call_method`.

        Raises:
            ProgramError, ProgramTimeoutError, ProgramDiedError: as `load` does.
        """
        outgoing = Outgoing()
        content = (seed, name, outgoing.arguments(arguments), outgoing.value(keywords))
        made = self._ask('new', content, outgoing.arrays, self._limits.new_seconds, name)
        if type(made) is not int:
            self._break('no number of an object')
        return made

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the program; what it returns. Raises as `load` does."""
        return self.call_method(_MODULE, name, *arguments, **keywords)

    def call_method(self, target: int, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a method of an object; what it returns. Raises as `load` does."""
        outgoing = Outgoing()
        call = (target, name, outgoing.arguments(arguments), outgoing.value(keywords))
        return self._call((call,), outgoing.arrays)[0]

    def call_methods(self, calls: Sequence[Call]) -> list[Any]:
        """Call many methods in one round trip; what they return. The first that raises ends it, as `load` does."""
        outgoing = Outgoing()
        content: tuple[Any, ...] = tuple(
            [(each[0], each[1], outgoing.arguments(each[2:]), {}) for each in calls]
        )
        return self._call(content, outgoing.arrays) if content else []

    def delete(self, *targets: int) -> None:
        """Let the program forget objects."""
        self._ask('delete', targets, False, self._limits.call_seconds, 'letting go of an object')

    def close(self) -> None:
        """End the process."""
        if self._forked is not None:
            self._finish('it was closed')

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, content: tuple[tuple[int, str, tuple[Any, ...], Any], ...], arrays: bool) -> list[Any]:
        results = self._ask('calls', content, arrays, len(content) * self._limits.call_seconds, content[0][1])
        if type(results) is not list or len(results) != len(content):
            self._break('not one result a call')
        return results

    def _ask(self, kind: str, content: Any, arrays: bool, seconds: float, what: str) -> Any:
        if self._forked is None:
            raise ProgramDiedError(f'the program cannot be called any more: {self._end}')
        self._number += 1
        try:
            answer = self._channel.ask(marshal.dumps((self._number, kind, arrays, content)), seconds)
        except TimeoutError:
            self._finish(f'{what} took longer than {seconds:g} s')
            raise ProgramTimeoutError(what, seconds) from None
        except EOFError:
            self._died(what)
        except BrokenProtocolError as error:
            self._break(str(error))
        except BaseException:  # interrupted: what comes next would be the answer to this
            self._finish('it was interrupted')
            raise
        return self._read(answer, what)

    def _read(self, answer: bytes, what: str) -> Any:
        try:
            number, fine, result = _decode(answer.decode('ascii'))
        except _NotANumberError as error:
            raise ProgramError(what, RESULT, str(error)) from None
        except (ValueError, TypeError, RecursionError):
            self._break('no JSON of the form that was expected')
        if number != self._number:
            self._break('an answer to another question')
        if fine is True:
            try:
                require_plain(result)
            except ValueError as error:
                raise ProgramError(what, RESULT, str(error)) from None
            return result
        call, kind, reason, traceback = self._told(result)
        raise ProgramError(what, kind, reason, traceback, call)

    def _told(self, result: Any) -> tuple[int, str, str, str]:
        """Of an exception, as it can be shown."""
        if type(result) is not list or tuple(map(type, result)) != (int, str, str, str):
            self._break('no account of an exception')
        call, kind, reason, traceback = result
        if not 0 <= call < 1 << 31:
            self._break('no account of an exception')
        return (
            call,
            ' '.join(shown(kind, 100).split()),
            shown(reason, _LONGEST_MESSAGE),
            shown(traceback, _LONGEST_TRACEBACK),
        )

    def _break(self, what: str) -> NoReturn:
        reason = f'it sent {what}'
        self._finish(reason)
        raise ProgramDiedError(f'the program was ended, as it meddled with its connection: {reason}')

    def _died(self, what: str) -> NoReturn:
        ended = self._finish('its process has ended')
        reason = self._ending(ended)
        self._end = reason
        raise ProgramDiedError(f'the program ended in {what}: {reason}')

    def _finish(self, why: str) -> Ended:
        forked, self._forked, self._end = self._forked, None, why
        assert forked is not None
        try:
            self._channel.close()
            self._output = self._read_output(forked.output)
            return self._zygote.end(forked)
        finally:
            os.close(forked.handle)
            os.close(forked.output)

    def _read_output(self, descriptor: int) -> str:
        kept = os.pread(descriptor, self._limits.output_bytes, 0)
        return shown(kept.decode(errors='replace'), self._limits.output_bytes)

    def _ending(self, ended: Ended) -> str:
        code = os.waitstatus_to_exitcode(ended.status)
        if code >= 0:
            return f'it ended its own process, with status {code}'
        if -code == signal.SIGKILL and ended.cpu_seconds >= self._limits.cpu_seconds:
            return f'it had used {self._limits.cpu_seconds} s of processor time, which is all that it may'
        if -code == signal.SIGKILL:
            return 'it was killed from outside, e.g. as the machine was out of memory'
        return f'it crashed with {signal.Signals(-code).name}'
