"""Workers that are confined processes, forked from a zygote."""

import json
import marshal
import os
import signal
import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from llm_policy_improver.core.text import clean_line, clean_text
from llm_policy_improver.sandbox.bubblewrap import bubblewrap
from llm_policy_improver.sandbox.channel import BrokenProtocolError, Channel
from llm_policy_improver.sandbox.errors import (
    ProgramDiedError,
    ProgramError,
    ProgramTimeoutError,
    SandboxError,
    SandboxUnavailableError,
)
from llm_policy_improver.sandbox.inside.frames import RESULT
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import WAITING, Limits
from llm_policy_improver.sandbox.processor_time import processor_clock, used
from llm_policy_improver.sandbox.protections import missing, missing_sentence
from llm_policy_improver.sandbox.values import require_plain
from llm_policy_improver.sandbox.worker import Worker
from llm_policy_improver.sandbox.zygote import Forked, Zygote, module_folders

_CONFINE_SECONDS: Final = 30.0
_AT_LEAST: Final = 0.001
"""s to go on waiting for."""
_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TRACEBACK: Final = 4_000


class _NotANumberError(ValueError):
    """A constant of JSON's that stands for no finite number."""


def _no_constant(name: str) -> NoReturn:
    raise _NotANumberError(f'it holds {name}; numbers must be finite')


_decode: Final = json.JSONDecoder(parse_constant=_no_constant).raw_decode


class ConfinedWorker(Worker):
    """A confined process that can be called.

    Args:
        zygote: forks it.
        limits: that the program is held to.

    Raises:
        SandboxError: no process could be forked.
        SandboxUnavailableError: it could not be confined; the message says what is missing.
    """

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self._zygote = zygote
        super().__init__(limits)
        self._forked: Forked | None = zygote.fork(limits)
        self._channel = Channel(self._forked.connection, limits.result_bytes)
        self._began = (0.0, 0.0, 0.0)
        self._number = 0
        self._output = ''
        self._end = ''
        try:
            self._clock = processor_clock(self._forked.handle)
            told = json.loads(self._channel.receive(_CONFINE_SECONDS))
            self.protections = tuple(Protection(each) for each in told)
        except (OSError, EOFError, BrokenProtocolError):
            self.close()
            raise SandboxError(f'a worker could not confine itself: {self._output}') from None
        except BaseException:  # e.g. interrupted
            self.close()
            raise
        absent = missing(self.protections)
        if absent:
            self.close()
            raise SandboxUnavailableError(missing_sentence(absent))

    @property
    def output(self) -> str:
        """What the program has printed, as far as it was kept; also after its end."""
        return self._output if self._forked is None else self._read_output(self._forked.output)

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self._forked is not None

    def close(self) -> None:
        """End the process."""
        if self._forked is not None:
            self._finish('it was closed')

    def _ask(self, kind: str, content: Any, arrays: bool, seconds: float, what: str) -> Any:
        if self._forked is None:
            raise ProgramDiedError(f'the program cannot be called any more: {self._end}')
        self._number += 1
        self._began = (seconds, used(self._clock), time.monotonic())
        try:
            request = marshal.dumps((self._number, kind, arrays, content))
            answer = self._channel.ask(request, seconds, self._left)
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

    def _left(self) -> float:
        """Seconds that a request may still take: on a busy machine a quick program is not taken for an endless one."""
        seconds, processor, wall = self._began
        left = min(processor + seconds - used(self._clock), wall + WAITING * seconds - time.monotonic())
        return max(left, _AT_LEAST) if left > 0.0 else 0.0

    def _read(self, answer: bytes, what: str) -> Any:
        try:
            (number, fine, result), end = _decode(answer.decode('ascii'))
        except _NotANumberError as error:
            raise ProgramError(what, RESULT, str(error)) from None
        except (ValueError, TypeError, RecursionError):
            self._break('no JSON of the form that was expected')
        if number != self._number or end != len(answer):
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
            clean_line(kind[:100]),
            clean_text(reason, _LONGEST_MESSAGE),
            clean_text(traceback, _LONGEST_TRACEBACK),
        )

    def _break(self, what: str) -> NoReturn:
        reason = f'it sent {what}'
        self._finish(reason)
        raise ProgramDiedError(f'the program was ended, as it meddled with its connection: {reason}')

    def _died(self, what: str) -> NoReturn:
        status = self._finish('its process has ended')
        reason = self._ending(status)
        self._end = reason
        raise ProgramDiedError(f'the program ended in {what}: {reason}')

    def _finish(self, why: str) -> int:
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
        return clean_text(kept.decode(errors='replace'), self._limits.output_bytes)

    def _ending(self, status: int) -> str:
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return f'it ended its own process, with status {code}'
        if -code == signal.SIGXCPU:
            return f'it had used {self._limits.cpu_seconds} s of processor time, which is all that it may'
        if -code == signal.SIGKILL:
            return 'it was killed from outside, e.g. as the machine was out of memory'
        return f'it crashed with {signal.Signals(-code).name}'


class Processes:
    """Makes workers that are processes; within bubblewrap where that works.

    Args:
        modules: that programs may use beyond the standard ones.

    Attributes:
        protections: what holds programs.
        takes_arrays: whether they can be given NumPy arrays.
        not_used: a sentence about bubblewrap where it is installed and does not work; else empty.

    Raises:
        SandboxUnavailableError: the kernel gives too little; the message says what is missing.
        SandboxError: processes for programs cannot be started; the message says why.
    """

    takes_arrays = True

    def __init__(self, modules: Sequence[str]) -> None:
        self._zygote, self.protections, self.not_used = _started(modules)

    def worker(self, limits: Limits) -> Worker:
        """A new one, with nothing loaded."""
        return ConfinedWorker(self._zygote, limits)

    def close(self) -> None:
        """End all of it."""
        self._zygote.close()


def _started(modules: Sequence[str]) -> tuple[Zygote, tuple[Protection, ...], str]:
    """A zygote whose workers can confine themselves, what holds these, and a sentence about what does not work."""
    around, not_used = bubblewrap(module_folders(('numpy', *modules))), ''
    if around:
        try:
            zygote, protections = _tried(Zygote(modules, around))
            return zygote, (*protections, Protection.BUBBLEWRAP), ''
        except SandboxError as error:  # e.g. no user namespaces for ordinary users
            reason = clean_line(str(error)[:_LONGEST_MESSAGE])
            not_used = f'bubblewrap is installed and not used, as it does not work here: {reason}.'
    return *_tried(Zygote(modules)), not_used


def _tried(zygote: Zygote) -> tuple[Zygote, tuple[Protection, ...]]:
    """A zygote and what holds its workers, once one of them has confined itself."""
    try:
        with ConfinedWorker(zygote, Limits()) as probe:
            return zygote, probe.protections
    except BaseException:
        zygote.close()
        raise
