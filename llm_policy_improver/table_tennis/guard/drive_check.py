"""Commissioning: whether the drives brake by themselves where nobody commands them, tried out at low speed.

All joints go forth for a moment and are told to stop; then back, and nothing more is sent. What a joint goes on beyond
what it was told is its drive's time-out, and whatever drives and encoders get wrong. That is known from the way forth,
and taken off; delays and lags fall out, as only ways between rests are compared.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS

Array = NDArray[np.float64]

SPEED: Final = 0.05
"""m/s and rad/s."""
CHECKED: Final = 'drives checked'
UNCHECKED: Final = 'drives not checked'
"""How the sentence begins that tells how it ended."""
TOLERANCE: Final = 0.01
"""s by which a time-out may be measured longer than it is, with encoders and ticks as they are."""
_MOVING, _SETTLING, _SILENCE = 0.8, 1.0, 0.8
"""s of motion, of rest after the way forth, and without a command."""


class DriveCheck:
    """Begins with an arm that stands. Times in ns of a clock that nobody sets.

    Args:
        position: (8,) m and rad, where it stands; each joint goes towards the middle of its range first.
        start: the time.

    Attributes:
        measured: (8,) s from the last command to where each drive has braked by itself; None until it is over.
        still: (8,) whether a joint did not move as told, so that nothing was measured.
    """

    def __init__(self, limits: SafetyLimits, position: Array, start: int) -> None:
        middle = 0.5 * (np.array(limits.position_low) + np.array(limits.position_high))
        self._velocity = SPEED * np.where(middle > position, 1.0, -1.0)
        self._start = start
        self._rests = [position.copy()]
        self._told: Array = np.zeros(len(arm.ARM))
        self._ways: list[Array] = []
        self._last: tuple[Array, int] | None = None
        self.measured: Array | None = None
        self.still: Array = np.zeros(len(arm.ARM), dtype=bool)

    def wanted(self, now: int) -> Array:
        """(8,) m/s and rad/s."""
        since = (now - self._start) / NANOSECONDS
        if since < _MOVING:
            return self._velocity
        return np.zeros(len(arm.ARM)) if since < _MOVING + _SETTLING else -self._velocity

    def silent(self, now: int) -> bool:
        """Whether nothing may be sent now."""
        since = (now - self._start) / NANOSECONDS - 2.0 * _MOVING - _SETTLING
        return 0.0 <= since < _SILENCE

    def sent(self, velocity: Array, now: int) -> None:
        """This velocity (8,) was sent."""
        if self._last is not None:
            before, since = self._last
            self._told = self._told + before * ((now - since) / NANOSECONDS)
        self._last = velocity.copy(), now

    def see(self, position: Array, now: int) -> None:
        """Where the encoders show the joints (8,) now; once a cycle."""
        since = (now - self._start) / NANOSECONDS
        if len(self._rests) == 1 and since >= _MOVING + _SETTLING:
            self._rest(position)
        elif len(self._rests) == 2 and since >= 2.0 * _MOVING + _SETTLING + 0.95 * _SILENCE:
            self._rest(position)
            forth, back = self._ways
            excess = np.abs(np.diff(self._rests, axis=0)) - np.abs([forth, back])
            self.measured = (excess[1] - excess[0]) / SPEED
            gone = np.abs(np.diff(self._rests, axis=0)).min(axis=0)
            self.still = gone < 0.5 * SPEED * _MOVING

    def _rest(self, position: Array) -> None:
        self._rests.append(position.copy())
        self._ways.append(self._told)
        self._told, self._last = np.zeros(len(arm.ARM)), None

    def verdict(self, timeout: float) -> str:
        """Why the drives are not as the safety file says, in words; empty where they are.

        Args:
            timeout: s, ``drive_timeout`` of that file.
        """
        if self.measured is None:
            return 'the check was broken off'
        if self.still.any():
            names = ', '.join(one.name for one, still in zip(arm.ARM, self.still, strict=True) if still)
            return f'{names} did not move as told: nothing was measured'
        slow = int(np.argmax(self.measured))
        if self.measured[slow] > timeout + TOLERANCE:
            return (
                f'{arm.ARM[slow].name} went on for {self.measured[slow]:.3f} s without a command, and the safety file '
                f'says {timeout:g} s: set the time-out of its drive, or drive_timeout'
            )
        return ''
