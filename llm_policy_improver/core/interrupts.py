"""Ctrl-C, or the SIGTERM of whoever ends the process, that waits for the ball in flight."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class HeldInterrupt:
    """Holds an interrupt back, so that it cannot tear a trial apart; a second one comes through at once.

        with HeldInterrupt() as interrupt:
            play_one_ball()
        if interrupt.asked:
            ...

    Interrupts come to the main thread alone: in another one there is nothing to hold. Where they are ignored they stay
    ignored.

    Attributes:
        asked: whether an interrupt came.
    """

    def __init__(self) -> None:
        self.asked = False
        here = threading.current_thread() is threading.main_thread()
        numbers = SIGNALS if here else ()
        self._before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in numbers}

    def __enter__(self) -> 'HeldInterrupt':
        for number, before in self._before.items():
            if before is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def end_as_interrupted() -> None:
    """From now on whoever ends this process by SIGTERM ends it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
