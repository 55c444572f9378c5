"""Has a program choose the parameters of each ball's swing, outside of the control loop and in the sandbox.

The control loop leaves a question and takes what is there when the swing is fixed; it waits for nothing. A thread asks
the program. Whatever the program does, the constants of its version hold where it gives nothing usable in time.
"""

import math
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from llm_policy_improver.core.text import clean_line, clean_text
from llm_policy_improver.sandbox.acting import Asked, begin
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.sandbox.worker import Worker
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN, BallProgram, Modulation
from llm_policy_improver.table_tennis.ball_choice import (
    AFTERWARDS,
    NOT_PLAYED,
    OBSERVED,
    BallChoice,
    Fallback,
    observed,
)
from llm_policy_improver.table_tennis.control.choosing import AHEAD, Array, IncomingBall

LIMITS: Final = Limits(
    memory_bytes=1 << 28, load_seconds=2.0, new_seconds=2.0, call_seconds=AHEAD / 2.0, cpu_seconds=60,
    result_bytes=4096,
)  # fmt: skip
"""Of a program on the arm. A call may take half of the time that there is for it, so that one that passes the
rehearsal, where time stands still meanwhile, is in time on the arm, too; and an answer that is read beside the control
loop is short."""
LONGEST_DETAIL: Final = 300

Answer = tuple[float, ...] | tuple[Fallback, str]
"""Sixteen numbers, or why there are none."""


class BallChooser:
    """A `control.choosing.Chooser` that asks the program in force, in a process of its own for each ball. `close` it.

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

    @property
    def sandbox(self) -> Sandbox:
        """Where the programs run."""
        return self._sandbox

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
        try:
            self._answer_all(at_work)
        finally:
            with self._changed:  # so that nobody waits for an answer that will not come
                self._closed = True
                self._changed.notify_all()
            at_work.close()

    def _answer_all(self, at_work: '_AtWork') -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._is_work(at_work))
                if self._closed:
                    return
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

    def _is_work(self, at_work: '_AtWork') -> bool:
        """A question to answer; or a program to make ready, but not in the swing that has just been answered for."""
        if self._answer is not None:
            return False
        return self._question is not None or not at_work.ready(self._force.program)


class _AtWork:
    """One program in the sandbox that was not asked yet, in a process that knows of no other ball. Of one thread.

    Attributes:
        program: that is to be asked; None for none.
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
        """Have this program ready in a new process; what goes wrong is told to whoever asks."""
        self.close()
        self.program = program
        if program is None:
            return
        try:
            self._worker = self._sandbox.load(program.source)
            self._acting = begin(self._worker, program.source, program.entry, (*OBSERVED, *AFTERWARDS), 0)
        except Exception as error:  # whatever it is, the ball comes and the constants hold
            self._fault = _detail(error)

    def answer(self, question: tuple[float, ...]) -> Answer:
        """What the program chooses; the next ball has another process."""
        acting, fault = self._acting, self._fault
        self._acting, self._fault = None, ''
        if acting is None:
            return Fallback.FAILED, fault
        act, _ = acting
        try:
            answered = act((*question, *NOT_PLAYED))
        except Exception as error:  # as above
            return Fallback.FAILED, _detail(error)
        numbers = _numbers(answered)
        return numbers or (Fallback.INVALID, f'it returned {clean_text(repr(answered), 100)}')

    def close(self) -> None:
        """Let go of the program."""
        self.program, self._acting, self._fault = None, None, ''
        if self._worker is not None and self._worker.alive:
            self._worker.close()
        self._worker = None


def _numbers(answered: Any) -> tuple[float, ...] | None:
    """Sixteen finite numbers, or None."""
    if not isinstance(answered, list | tuple) or len(answered) != len(CHOSEN):
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in answered):
        return None
    try:
        numbers = tuple(float(value) for value in answered)
    except OverflowError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _detail(error: Exception) -> str:
    return clean_line((str(error) or type(error).__name__)[:LONGEST_DETAIL])
