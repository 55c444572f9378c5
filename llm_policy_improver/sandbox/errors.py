"""What can go wrong with a program; each message is a sentence for a person, and for the model that wrote it."""

from typing import Any

from llm_policy_improver.sandbox.inside.frames import RESULT


class SandboxError(RuntimeError):
    """Something about a program that is run in a sandbox went wrong."""


class SandboxUnavailableError(SandboxError):
    """This machine cannot confine programs; the message says what is missing."""


class ProgramError(SandboxError):
    """The program raised, or returned what cannot be handed over. Its worker goes on.

    Attributes:
        what: was called.
        type: name of the exception's class, or `inside.frames.RESULT`.
        reason: the exception's own message, at most 2,000 characters.
        traceback: lines of the program that led to it, outermost first, at most 4,000 characters; may be empty.
        call: which call of a batch; those before it were made, those after it were not.
    """

    def __init__(self, what: str, type: str, reason: str, traceback: str = '', call: int = 0) -> None:
        said = ' '.join(reason.split())[:500]
        if type == RESULT:
            super().__init__(f'{what} returned what cannot be handed over: {said}')
        else:
            super().__init__(f'{what} raised {type}' + (f': {said}' if said else ''))
        self.what = what
        self.type = type
        self.reason = reason
        self.traceback = traceback
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        """As a process pool hands it on."""
        return ProgramError, (self.what, self.type, self.reason, self.traceback, self.call)


class ProgramTimeoutError(SandboxError):
    """The program took too long and was stopped. Its worker is gone.

    Attributes:
        what: was called.
        seconds: that it had.
    """

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f'{what} took longer than {seconds:g} s and was stopped')
        self.what = what
        self.seconds = seconds

    def __reduce__(self) -> tuple[Any, ...]:
        """As a process pool hands it on."""
        return ProgramTimeoutError, (self.what, self.seconds)


class ProgramDiedError(SandboxError):
    """The program's process ended, or was ended as it broke the rules. Its worker is gone."""
