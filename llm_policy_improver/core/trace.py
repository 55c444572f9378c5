"""One trial as plain data: what was observed of the ball and the arm, and how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.parameters import JOINTS, PolicyParameters

Array = NDArray[np.float64]


class Outcome(StrEnum):
    """How a trial ended. The values are those of ``ExecutionTrace.msg``."""

    LANDED = 'landed'
    """First bounce after the hit on the opponent's half, the net not touched."""
    OUT = 'out'
    """Crossed the net's plane and came down beyond the opponent's half, or never reached the table."""
    NET = 'net'
    """Touched the net after the hit."""
    OWN_SIDE = 'own_side'
    """Came down on the robot's own half after the hit."""
    MISSED = 'missed'
    """The racket did not touch the ball."""
    DOUBLE_BOUNCE = 'double_bounce'
    """Bounced twice on the robot's half before a hit."""
    BAD_FEED = 'bad_feed'
    """The incoming ball never bounced on the robot's half, so there was nothing to return."""
    COLLISION = 'collision'
    """The arm touched the table, the net or itself."""
    ABORTED = 'aborted'
    """The trial did not run to its end."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a returned ball first touched the table's surface.

    Attributes:
        x: m, frame ``table``, to the robot's right.
        y: m, frame ``table``, towards the opponent; the net is at 0.
        time: s since the trial's first observation of the ball.
    """

    x: float
    y: float
    time: float


def _rows(width: int) -> Array:
    return np.empty((0, width))


@dataclass(frozen=True, slots=True, eq=False)
class TraceSamples:
    """The time series of a trial; times in seconds since its first observation of the ball.

    Attributes:
        ball_time: (n,) s.
        ball_position: (n, 3) m, frame ``table``, centre of the ball as observed.
        joint_time: (m,) s, one entry a control tick.
        joint_position: (m, 8) m and rad.
        joint_velocity: (m, 8) m/s and rad/s.
        requested_velocity: (m, 8) the bare controller's command, m/s and rad/s.
        applied_velocity: (m, 8) after attenuation, residual and limits: what was sent to the arm.
        racket_position: (m, 3) m, frame ``table``, centre of the blade, from the joint positions.
    """

    ball_time: Array = field(default_factory=lambda: np.empty(0))
    ball_position: Array = field(default_factory=lambda: _rows(3))
    joint_time: Array = field(default_factory=lambda: np.empty(0))
    joint_position: Array = field(default_factory=lambda: _rows(len(JOINTS)))
    joint_velocity: Array = field(default_factory=lambda: _rows(len(JOINTS)))
    requested_velocity: Array = field(default_factory=lambda: _rows(len(JOINTS)))
    applied_velocity: Array = field(default_factory=lambda: _rows(len(JOINTS)))
    racket_position: Array = field(default_factory=lambda: _rows(3))


@dataclass(frozen=True, slots=True, eq=False)
class ExecutionTrace:
    """One trial: one incoming ball, what the arm did with it, and where the ball went.

    Attributes:
        trial: number of the trial in its store, from 1; 0 before it is stored.
        parameters: what modulated the controller during the whole trial.
        outcome: how it ended.
        landing: first bounce on the table after the hit; None where there was none.
        net_clearance: m between the ball's lowest point and the net's top edge where the ball crossed the
            net's plane after the hit, or where its flight would have, had the net not stopped it (then below 0
            as a rule); None if it did not come that far.
        peak_height: m above the table, the highest the ball's centre rose after the hit; None without a hit.
        note: what happened, for people, in one sentence.
        samples: the time series behind all this.
    """

    parameters: PolicyParameters
    outcome: Outcome
    landing: Landing | None = None
    net_clearance: float | None = None
    peak_height: float | None = None
    note: str = ''
    trial: int = 0
    samples: TraceSamples = field(default_factory=TraceSamples, repr=False)

    @property
    def landed(self) -> bool:
        """Whether the return was good: on the opponent's half without touching the net."""
        return self.outcome is Outcome.LANDED and self.landing is not None
