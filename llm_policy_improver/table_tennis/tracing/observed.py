"""What is observed of a trial of the arm: time series, how it ended, where the ball landed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import Modulation

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


SUCCEEDED = frozenset({Outcome.LANDED})
"""Good returns: only these count towards an objective."""
UNTESTED = frozenset({Outcome.ABORTED, Outcome.BAD_FEED})
"""Say nothing of the policy: the same may be tried again."""


def landing_of(trial: Trial) -> Landing | None:
    """Where the returned ball first touched the table; None where it did not."""
    measures = trial.measures
    if 'landing_x' not in measures or 'landing_y' not in measures:
        return None
    return Landing(measures['landing_x'], measures['landing_y'], measures.get('bounce_time', math.nan))


def expected_place(proposal: Proposal) -> tuple[float, float] | None:
    """Where its method expects the ball to land, x and y in m, frame ``table``; None where it does not say."""
    x, y = (proposal.expected.get(name, math.nan) for name in ('landing_x', 'landing_y'))
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def trial_of(
    modulation: Modulation, outcome: Outcome, measures: Mapping[str, float], note: str = '', **more: Any
) -> Trial:
    """The trial of one ball: what must hold is a good return.

    Args:
        modulation: in force during the whole trial.
        outcome: how it ended.
        measures: what was measured, by name.
        note: what happened, for people.
        more: further attributes of `Trial`.
    """
    return Trial(
        modulation.policy, outcome, measures, outcome in SUCCEEDED and 'landing_x' in measures, outcome not in UNTESTED,
        modulation.version, modulation.proposed_by, note, **more,
    )  # fmt: skip
