"""One attack on the arm's last line of defence, and what came of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CYCLE: Final = 0.004
"""s, of the inner loop."""
CYCLES_PER_TICK: Final = 5
PLAY: Final = 300
"""Cycles of a case: the ball is hit after about 180 of them."""
AFTER: Final = 300
"""Cycles more for the arm to come to rest in."""
LONGEST_STANDSTILL: Final = 0.25
"""s from a fault to the command of standstill, at most (docs/safety.md)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attack."""

    kind: str
    seed: int


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of an attack.

    Attributes:
        case: the attack.
        violations: cycles beyond a limit, by limit; empty where there were none.
        latched: whether a fault was latched.
        standstill: s until standstill was sent: from the moment when the attack is a fault in itself, else from the
            fault that was latched, from the call to brake, or from when a restarted controller could first know how
            the arm moves; NaN where the arm was not to be stopped.
        moved: whether the arm really moved meanwhile, and where a controller was restarted, then; an arm at rest is
            easily kept safe.
        cycles: of the inner loop.
        rules: of these, in which the safety stage changed the command.
    """

    case: Case
    violations: dict[str, int]
    latched: bool
    standstill: float
    moved: bool
    cycles: int
    rules: int
