"""Telling of the pauses that an endpoint asks for."""

import logging
from collections.abc import Callable
from typing import Final

Waiting = Callable[[float, str], None]
"""Told every second how many seconds a pause goes on, and why there is one; 0 when it is over."""

LINES_EACH: Final = 10.0
"""s between two lines."""


def told_at_intervals(say: Callable[[str], object]) -> Waiting:
    """Tells of pauses in lines, when one begins and then every `LINES_EACH` seconds.

    Args:
        say: e.g. the method of a logger.
    """
    latest = 0.0

    def waiting(seconds: float, why: str) -> None:
        nonlocal latest
        if seconds > 0.0 and (latest == 0.0 or latest - seconds >= LINES_EACH):
            say(waiting_text(seconds, why))
            latest = seconds
        elif seconds == 0.0:
            latest = 0.0

    return waiting


def waiting_text(seconds: float, why: str) -> str:
    """For people."""
    return f'{why}; asked again in {seconds:.0f} s'


def logged() -> Waiting:
    """Tells of pauses in Python's log: where nobody has set that up, on standard error."""
    return told_at_intervals(logging.getLogger(__name__).warning)
