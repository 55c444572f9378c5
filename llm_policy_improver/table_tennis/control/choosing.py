"""Attenuations and residuals chosen for each ball, shortly before its swing is fixed.

Only the swing is shaped by parameters, as what comes before it is planned again and again. It begins almost at rest, so
that others can be taken up there without a jerk.
"""

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.prediction import BallState
from llm_policy_improver.table_tennis.ball.state import Vec

Array = NDArray[np.float64]

AHEAD: Final = 0.06
"""s before the swing is fixed, from which on the next control tick asks: three ticks at 50 Hz."""


class IncomingBall(NamedTuple):
    """The ball as the controller predicts it at the hit, when the parameters of its swing have to be chosen.

    Attributes:
        time_to_hit: s from now.
        position: m, frame ``table``, centre of the ball at the hit.
        velocity: m/s, just before the hit.
        spin: rad/s, just before the hit, as far as flight and bounce have shown it by now.
    """

    time_to_hit: float
    position: Vec
    velocity: Vec
    spin: Vec

    @classmethod
    def of(cls, hit: BallState, now: float) -> 'IncomingBall':
        """From the predicted state at the hit, and the time on the same clock, s."""
        return cls(hit.time - now, hit.position, hit.velocity, hit.spin)


class Chooser(Protocol):
    """Chooses. Called from the control loop, which no call may hold up: for a ball `ask` once, then `take` once."""

    def prepare(self, parameters: Modulation) -> None:
        """These parameters are in force, and no ball is in play; may come again and again."""

    def ask(self, ball: IncomingBall) -> None:
        """Begin to choose for this ball."""

    def take(self) -> tuple[Array, Array] | None:
        """Attenuations and residuals (8,) of the swing that is fixed now; None: those in force stay.

        Comes without `ask` before it where no hit was in sight in time.
        """
