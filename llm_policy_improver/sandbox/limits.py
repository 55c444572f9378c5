"""What a program may use."""

import math
from dataclasses import dataclass
from typing import Final

WAITING: Final = 10
"""Times as much of wall clock as of processor time that a request may take."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use; one that needs more is stopped and told so.

    The program may start no process and no thread, whatever is set here.

    Attributes:
        memory_bytes: of address space, beyond what Python and NumPy take.
        cpu_seconds: of processor time, over the whole life of a worker; whole seconds.
        load_seconds: of processor time, to execute the source once; and `WAITING` times as much of wall clock, for
            this and what follows.
        new_seconds: to make an object; there is room for value iteration in ``__init__``.
        call_seconds: for one call; a batch of n calls may take n times as long.
        source_bytes: of a program, in UTF-8.
        result_bytes: of what a call or a batch of calls returns, as JSON.
        output_bytes: of what the program prints that is kept; the rest is lost.

    Raises:
        ValueError: one of them is not positive and finite.
    """

    memory_bytes: int = 1 << 30
    cpu_seconds: int = 3_600
    load_seconds: float = 60.0
    new_seconds: float = 60.0
    call_seconds: float = 1.0
    source_bytes: int = 1 << 20
    result_bytes: int = 1 << 20
    output_bytes: int = 1 << 16

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be positive and finite; got {getattr(self, name)}')
