"""Playing attacks: without protection, to see that they are attacks, and in the sandbox, where none may work."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from llm_policy_improver.sandbox.attacks import unprotected
from llm_policy_improver.sandbox.attacks.attack import Attack, Ending, Witness
from llm_policy_improver.sandbox.attacks.every import MODULES
from llm_policy_improver.sandbox.attacks.field import Field
from llm_policy_improver.sandbox.errors import (
    ProgramDiedError,
    ProgramError,
    ProgramTimeoutError,
    SandboxError,
)
from llm_policy_improver.sandbox.inside.syscalls import CHANNEL
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.sandbox.worker import Worker

_HONEST: Final = 'def answer():\n    return 42\n'
_UNPROTECTED_SECONDS: Final = 2.0
"""For one that is endless: begun, it is given so long."""
_OTHERS_SECONDS: Final = 120.0
_MOST_TEXT: Final = 10_000
"""Characters that an error may tell."""
_SLOWNESS: Final = 10.0
"""Seconds that a machine with much to do may take longer than a limit says."""

_BOUNDED: Final = Limits(memory_bytes=200_000_000, load_seconds=0.3, call_seconds=0.3, cpu_seconds=60)
_UNHURRIED: Final = Limits(memory_bytes=200_000_000, load_seconds=20.0, call_seconds=20.0, cpu_seconds=60)


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller of a program saw.

    Attributes:
        ending: of the call.
        value: that came back.
        text: of the exception and of the output.
        output_bytes: that were kept.
        seconds: that it took.
        untyped: an exception that is none of the sandbox's, or None.
    """

    ending: Ending
    value: Any
    text: str
    output_bytes: int
    seconds: float
    untyped: str | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """How an attack went.

    Attributes:
        attack: that was played.
        worked: whether its witness tells that it did what it must not.
        told: what the caller saw.
        neighbour_well: whether another program, beside it, still answers.
    """

    attack: Attack
    worked: bool
    told: Told
    neighbour_well: bool = True

    @property
    def contained(self) -> bool:
        """Whether it did no harm."""
        return not self.worked and self.told.untyped is None and self.neighbour_well

    @property
    def ended_well(self) -> bool:
        """Whether its caller saw what it should see."""
        return self.told.ending in self.attack.endings


class Arena:
    """A sandbox and a field. The field comes first: a secret that is there when the sandbox begins."""

    def __init__(self) -> None:
        self.field = Field()
        try:
            self.sandbox = Sandbox(_UNHURRIED, MODULES)
        except BaseException:
            self.field.close()
            raise
        self._neighbour = self.sandbox.load(_HONEST)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End both."""
        self._neighbour.close()
        self.sandbox.close()
        self.field.close()

    def play(self, attack: Attack) -> Played:
        """Play an attack in the sandbox."""
        limits = _BOUNDED if Ending.TIMEOUT in attack.endings else _UNHURRIED
        begin = time.monotonic()
        told = self._told(attack, limits, begin)
        worked = _worked(attack.witness, told, self.field, limits)
        return Played(attack, worked, told, self._neighbour.call('answer') == 42)

    def play_unprotected(self, attack: Attack) -> Played:
        """Play an attack without protection, in a process of its own."""
        report = Path(f'{self.field.folder}-report')
        log = Path(f'{self.field.folder}-log')
        given = {
            'source': attack.source,
            'field': self.field.told(unprotected.CHANNEL, 1),
            'report': str(report),
        }
        command = [sys.executable, '-B', unprotected.__file__, json.dumps(given), self.field.secret]
        endless = Witness.OUTLASTS is attack.witness
        began = time.monotonic()
        with log.open('wb') as output:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
            try:
                process.wait(_UNPROTECTED_SECONDS if endless else _OTHERS_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
        seconds = time.monotonic() - began
        said = _report(report)
        printed = log.read_text(errors='replace')
        report.unlink(missing_ok=True)
        log.unlink()
        told = _without_protection(said, printed, seconds)
        limits = Limits(call_seconds=0.3, load_seconds=0.3)
        return Played(attack, _worked(attack.witness, told, self.field, limits, slowness=1.0), told)

    def _told(self, attack: Attack, limits: Limits, begin: float) -> Told:
        ending, value, text, untyped = Ending.VALUE, None, '', None
        worker: Worker | None = None
        try:
            worker = self.sandbox.load(attack.source, limits)
            value = worker.call('attack', self.field.told(CHANNEL, 2))
            worker.delete(0)
        except SandboxError as error:
            ending = _ending(error)
            text = _said(error)
        except Exception as error:
            untyped = f'{type(error).__name__}: {error}'
        seconds = time.monotonic() - begin
        if worker is not None and worker.alive and ending is Ending.ERROR:
            try:
                worker.delete(0)
            except ProgramDiedError:
                ending = Ending.DIED
        output = worker.output if worker is not None else ''
        if worker is not None:
            worker.close()
        return Told(ending, value, text + output, len(output.encode()), seconds, untyped)


def _ending(error: SandboxError) -> Ending:
    for kind, ending in (
        (ProgramError, Ending.ERROR),
        (ProgramTimeoutError, Ending.TIMEOUT),
        (ProgramDiedError, Ending.DIED),
    ):
        if isinstance(error, kind):
            return ending
    raise error


def _said(error: SandboxError) -> str:
    more = f'{error.type}{error.reason}{error.traceback}' if isinstance(error, ProgramError) else ''
    return f'{error}{more}'


def _report(file: Path) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return said


def _without_protection(said: dict[str, Any] | None, printed: str, seconds: float) -> Told:
    size = len(printed.encode())
    if said is None:
        return Told(Ending.DIED, None, printed, size, seconds, untyped=printed[-500:])
    if 'value' in said:
        return Told(Ending.VALUE, said['value'], printed, size, seconds)
    return Told(Ending.ERROR, None, ''.join(said['error']) + printed, size, seconds)


def _worked(witness: Witness, told: Told, field: Field, limits: Limits, slowness: float = _SLOWNESS) -> bool:
    # All are looked at, so that each attack finds the field as it was.
    files, packet, bystander = field.files_changed(), field.packet_came(), field.bystander_changed()
    match witness:
        case Witness.TRUE:
            return told.value is True
        case Witness.SECRET:
            return field.secret in f'{told.value}{told.text}'
        case Witness.FILES:
            return files
        case Witness.PACKET:
            return packet
        case Witness.BYSTANDER:
            return bystander
        case Witness.OUTPUT:
            return (
                told.output_bytes > limits.output_bytes or len(told.text) > limits.output_bytes + _MOST_TEXT
            )
        case Witness.OUTLASTS:
            return told.seconds > limits.call_seconds + slowness
        case Witness.ACCEPTED:
            return told.ending is Ending.VALUE and told.untyped is None
        case Witness.TERMINAL:
            return any(sign in told.text for sign in '\x1b\x07\x9b\u202e')
        case Witness.CONFUSED:
            return told.untyped is not None
