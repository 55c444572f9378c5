"""What the sensors of the arm and the cameras report, with stamps in whole nanoseconds.

Stamps are integers so that a trial is the same number for number wherever its time starts.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball.state import Vec

NANOSECONDS = 1_000_000_000


class BallObservation(NamedTuple):
    """One camera sighting of the ball.

    Attributes:
        stamp: ns, when the picture was taken.
        position: m, frame ``table``, centre of the ball.
        spin: rad/s, frame ``table``, where the cameras measure it, too.
    """

    stamp: int
    position: Vec
    spin: Vec | None = None


class SpinObservation(NamedTuple):
    """The ball's spin, by whoever can measure it: cameras that see its print, or a feeder that knows what it throws.

    Attributes:
        stamp: ns, when the ball had it.
        spin: rad/s, frame ``table``.
    """

    stamp: int
    spin: Vec


@dataclass(frozen=True, slots=True, eq=False)
class ArmObservation:
    """The joint encoders at one instant.

    Attributes:
        stamp: ns.
        position: (8,) m and rad.
        velocity: (8,) m/s and rad/s.
    """

    stamp: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """What the controller wanted and what the arm gets for one control period.

    Attributes:
        stamp: ns, that of the arm observation it answers.
        requested: (8,) m/s and rad/s, the bare controller's joint velocities.
        applied: (8,) m/s and rad/s, after attenuation, residual and limits.
        limited: whether a limit changed the command.
    """

    stamp: int
    requested: NDArray[np.float64]
    applied: NDArray[np.float64]
    limited: bool = False
