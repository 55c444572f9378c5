"""Has a program choose the parameters of each ball's swing, outside of the control loop and in the sandbox.

The control loop leaves a question and takes what is there when the swing is fixed; it waits for nothing. A thread asks
the program. Whatever the program does, the constants of its version hold where it gives nothing usable in time.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.sandbox.acting import Asked, begin
from llm_policy_improver.sandbox.errors import SandboxError
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.sandbox.text import shown
from llm_policy_improver.sandbox.worker import Worker
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN, BallProgram, Modulation
from llm_policy_improver.table_tennis.control.choosing import Array, IncomingBall

OBSERVED: Final = (
    'time_to_hit', 'hit_x', 'hit_y', 'hit_z', 'ball_x_velocity', 'ball_y_velocity', 'ball_z_velocity',
    'ball_x_spin', 'ball_y_spin', 'ball_z_spin',
)  # fmt: skip
"""What a program chooses by, in this order: an `IncomingBall`."""
AFTERWARDS: Final = ('outcome', 'landing_x', 'landing_y')
"""What is observed after the ball; zeros when a program is asked."""
NOT_PLAYED: Final = (0.0, 0.0, 0.0)
FALLBACK: Final = 'fallback'
"""Measure of a ball: 0 where the program's choice held, else the place of the `Fallback`, from 1."""

LIMITS: Final = Limits(
    memory_bytes=1 << 28, load_seconds=10.0, new_seconds=10.0, call_seconds=1.0, cpu_seconds=600
)
"""Of a program on the arm. A call that takes longer than the time to the swing is late in any case."""
LONGEST_DETAIL: Final = 300


class Fallback(StrEnum):
    """Why the constants held, and not what the program chose."""

    LATE = 'late'
    """The program had not answered when the swing was fixed."""
    FAILED = 'failed'
    """It raised, took too long, or its process ended."""
    INVALID = 'invalid'
    """It answered with something else than sixteen numbers."""
    NOT_ASKED = 'not_asked'
    """No hit was in sight in time, so that it was not asked."""


@dataclass(frozen=True, slots=True)
class BallChoice:
    """What held in the swing of one ball.

    Attributes:
        version: of the program.
        observed: (10,) by which was chosen, as `OBSERVED` names them; empty where the program was not asked.
        applied: (16,) as `CHOSEN` names them, after all clipping.
        fallback: why these are the constants; None where they are the program's.
        detail: of that, for people, e.g. what it raised.
    """

    version: int
    observed: tuple[float, ...]
    applied: tuple[float, ...]
    fallback: Fallback | None = None
    detail: str = ''

    @property
    def sentence(self) -> str:
        """For people; empty where all went well."""
        if self.fallback is None:
            return ''
        why = {
            Fallback.LATE: 'the program was late',
            Fallback.FAILED: 'the program failed',
            Fallback.INVALID: 'the program gave no sixteen numbers',
            Fallback.NOT_ASKED: 'the program was not asked, as no hit was in sight in time',
        }[self.fallback]
        return f'the constants held: {why}' + f' ({self.detail})' * bool(self.detail)

    def told_by(self, trial: Trial) -> Trial:
        """The trial with what was observed and applied among its measures, and the fallback in its note."""
        measures = dict(zip(OBSERVED, self.observed, strict=False))
        measures |= zip(CHOSEN, self.applied, strict=True)
        measures[FALLBACK] = 0.0 if self.fallback is None else 1.0 + list(Fallback).index(self.fallback)
        note = '; '.join(filter(None, (trial.note, self.sentence)))
        return replace(trial, measures={**trial.measures, **measures}, note=note)


def observed(ball: IncomingBall) -> tuple[float, ...]:
    """The ten numbers of a ball, as `OBSERVED` names them."""
    return tuple(float(number) for number in (ball.time_to_hit, *ball.position, *ball.velocity, *ball.spin))


Answer = tuple[float, ...] | tuple[Fallback, str]
"""Sixteen numbers, or why there are none."""


class BallChooser:
    """A `control.choosing.Chooser` that asks the program in force. `close` it.

    Args:
        largest: (8,) m/s and rad/s, residuals that the arm's safety file allows.
        waits: whether `take` waits for the answer: where time stands still meanwhile, in simulation.

    Raises:
        SandboxUnavailableError: this machine cannot confine programs.
    """

    def __init__(self, largest: Sequence[float], *, waits: bool = False) -> None:
        self._largest = tuple(largest)
        self._waits = waits
        self._sandbox = Sandbox(LIMITS)
        self._changed = threading.Condition()  # held for moments only: the control loop takes it, too
        self._force = Modulation()
        self._question: tuple[float, ...] | None = None
        self._answer: Answer | None = None
        self._closed = False
        self._made: BallChoice | None = None
        self._thread = threading.Thread(target=self._work, name='choosing', daemon=True)
        self._thread.start()

    def prepare(self, parameters: Modulation) -> None:
        """These are in force; what was asked of the last ball is of no interest any more."""
        with self._changed:
            self._force = parameters
            self._question = self._answer = None
            self._changed.notify_all()

    def ask(self, ball: IncomingBall) -> None:
        """Have the thread ask the program."""
        with self._changed:
            self._question = observed(ball)
            self._changed.notify_all()

    def take(self) -> tuple[Array, Array] | None:
        """What the program chose, clipped; None where the constants hold, and always where there is no program."""
        with self._changed:
            if self._force.program is None:
                return None
            if self._waits and self._question is not None:
                self._changed.wait_for(lambda: self._answer is not None or self._closed)
            choice = self._made = self._choice(self._force.program)
        if choice.fallback is not None:
            return None
        applied = np.array(choice.applied)
        return applied[: len(JOINTS)], applied[len(JOINTS) :]

    def pop(self) -> BallChoice | None:
        """What held in the swing that was fixed since the last call; None where none was, or there is no program."""
        made, self._made = self._made, None
        return made

    def missed(self) -> BallChoice | None:
        """What held for a ball whose swing was never fixed; None where there is no program."""
        if self._force.program is None:
            return None
        return self._constants(self._question or (), Fallback.NOT_ASKED)

    def close(self) -> None:
        """End the thread and all programs."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._sandbox.close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _choice(self, program: BallProgram) -> BallChoice:
        """Of the swing that is fixed now."""
        asked, answer = self._question, self._answer
        if asked is None:
            return self._constants((), Fallback.NOT_ASKED)
        if answer is None:
            return self._constants(asked, Fallback.LATE)
        first, *rest = answer
        if isinstance(first, Fallback):
            return self._constants(asked, first, str(rest[0]))
        return BallChoice(
            self._force.version, asked, program.clipped([float(value) for value in answer], self._largest)
        )

    def _constants(self, asked: tuple[float, ...], fallback: Fallback, detail: str = '') -> BallChoice:
        force = self._force
        return BallChoice(force.version, asked, force.attenuation + force.residual, fallback, detail)

    def _work(self) -> None:
        """The thread: has a fresh policy ready for each ball, and asks it."""
        at_work = _AtWork(self._sandbox)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._is_work(at_work))
                if self._closed:
                    break
                program, question = self._force.program, self._question
            if not at_work.ready(program):
                at_work.prepare(program)
                continue
            assert question is not None  # what else would there be to do
            answer = at_work.answer(question)
            with self._changed:
                if self._question is question:
                    self._answer = answer
                    self._changed.notify_all()
        at_work.close()

    def _is_work(self, at_work: '_AtWork') -> bool:
        program = self._force.program
        if program is None:
            return at_work.program is not None
        return not at_work.ready(program) or (self._question is not None and self._answer is None)


class _AtWork:
    """One program in the sandbox, with a policy that has not been asked yet. Of one thread.

    Attributes:
        program: that is loaded; None for none.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.program: BallProgram | None = None
        self._sandbox = sandbox
        self._worker: Worker | None = None
        self._acting: tuple[Asked, Callable[[], None]] | None = None
        self._fault = ''

    def ready(self, program: BallProgram | None) -> bool:
        """Whether this program can be asked, or is known to be none that can."""
        return self.program == program and (self._acting is not None or bool(self._fault) or program is None)

    def prepare(self, program: BallProgram | None) -> None:
        """Have a fresh policy of this program; what goes wrong is told to whoever asks."""
        if self.program != program:
            self.close()
            self.program, self._fault = program, ''
        if program is None:
            return
        try:
            if self._worker is None or not self._worker.alive:
                self._worker = self._sandbox.load(program.source)
            names = (*OBSERVED, *AFTERWARDS)
            self._acting = begin(self._worker, program.source, program.entry, names, 0)
        except (SandboxError, SyntaxError, ValueError, RecursionError, OSError) as error:
            self._fault = _detail(error)

    def answer(self, question: tuple[float, ...]) -> Answer:
        """What the program chooses; the next ball has another policy."""
        if self._acting is None:
            return Fallback.FAILED, self._fault
        (act, release), self._acting = self._acting, None
        try:
            answered = act((*question, *NOT_PLAYED))
            release()
        except (SandboxError, OSError) as error:
            return Fallback.FAILED, _detail(error)
        numbers = _numbers(answered)
        return numbers or (Fallback.INVALID, f'it returned {shown(repr(answered), 100)}')

    def close(self) -> None:
        """Let go of the program."""
        self._acting = None
        if self._worker is not None and self._worker.alive:
            self._worker.close()
        self._worker = None


def _numbers(answered: Any) -> tuple[float, ...] | None:
    """Sixteen numbers, or None."""
    if not isinstance(answered, list | tuple) or len(answered) != len(CHOSEN):
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in answered):
        return None
    return tuple(float(value) for value in answered)


def _detail(error: Exception) -> str:
    return ' '.join(shown(str(error), LONGEST_DETAIL).split())
