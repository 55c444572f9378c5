"""Ctrl-C that waits for the ball in flight."""

import signal
from types import FrameType, TracebackType


class HeldInterrupt:
    """Holds an interrupt back, so that it cannot tear a trial apart; a second one comes through at once.

        with HeldInterrupt() as interrupt:
            play_one_ball()
        if interrupt.asked:
            ...

    For the main thread only, as signals are. Where interrupts are ignored they stay ignored.

    Attributes:
        asked: whether an interrupt came.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before = signal.getsignal(signal.SIGINT)

    def __enter__(self) -> 'HeldInterrupt':
        if self._before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
