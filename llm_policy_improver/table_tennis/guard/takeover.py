"""The first command of a controller that has just been started: the arm may be in motion.

A ros2_control command topic holds its last command for ever. So when the controller before this one was killed in
mid-swing the arm still moves, at a velocity that nobody knows but its encoders, and zeros at once would be a step
beyond the limits. Nothing is sent until the encoders have told; then the arm is slowed down from there.
"""

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoop
from llm_policy_improver.table_tennis.guard.safety import STILL
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation

Array = NDArray[np.float64]

_APART = 20_000_000
"""ns between the two joint states at least: each joint has moved on in the second one, also where gantry and arm report
at rates of their own, and the jitter of stamps counts little."""
_STANDS = 0.05
"""m/s and rad/s, slower than which nothing is worth a word."""


class Takeover:
    """Waits for two joint states, and lets the inner loop begin from them.

    A measured velocity becomes a command here, so one message is not enough: of each joint's velocity no more counts
    than its positions confirm. Where two joint states do not come in time the arm is sent zeros at once: an arm that
    nobody sees must not go on, and a step is the lesser evil.

    Args:
        patience: s that it waits.

    Attributes:
        said: how the arm was found, in words; empty until then, while nothing may be sent.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.begin()

    def begin(self) -> None:
        """Commands are about to be sent, by somebody who has sent none so far."""
        self._since: int | None = None
        self._first: ArmObservation | None = None
        self.said = ''

    def advance(self, loop: InnerLoop, latest: ArmObservation | None, steady: int) -> None:
        """Once a cycle, until something is said.

        Args:
            loop: is started anew where the arm was found.
            latest: the newest joint state that can be used, if any.
            steady: ns, of a clock that nobody sets.
        """
        if self._since is None:
            self._since = steady
        first = self._first
        if latest is not None and first is None:
            self._first = latest
        elif latest is not None and first is not None and latest.stamp - first.stamp >= _APART:
            velocity = confirmed(first, latest)
            loop.start_anew(latest.position, velocity)
            self.said = _found(velocity)
            return
        if (steady - self._since) / NANOSECONDS > self._patience:
            loop.start_anew(np.array(arm.HOME) if latest is None else latest.position)
            self.said = f'unseen: no joint states for {self._patience:g} s, so zeros were sent at once'


def confirmed(first: ArmObservation, second: ArmObservation) -> Array:
    """(8,) m/s and rad/s: each joint's velocity as reported, but no more than the way between the two shows."""
    shown = (second.position - first.position) / ((second.stamp - first.stamp) / NANOSECONDS)
    agreed = np.minimum(np.abs(shown), np.abs(second.velocity)) * np.sign(shown)
    return np.where(shown * second.velocity > 0.0, agreed, STILL)


def _found(velocity: Array) -> str:
    fastest = int(np.argmax(np.abs(velocity)))
    if abs(velocity[fastest]) < _STANDS:
        return 'at rest'
    return f'in motion, {arm.ARM[fastest].name} at {velocity[fastest]:+.2f}: it was slowed down'
