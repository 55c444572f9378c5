"""The drives' time constants and delays, from what the arm was told and what its encoders showed.

A drive integrates the commanded velocity into a set point and follows it with a time constant (docs/simulation.md,
"Arm"). Traces tell the time from a command to when its effect is seen: the delays of the command and of the encoders
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.calibration.recordings import ArmSeries

Array = NDArray[np.float64]

_STEP: Final = 0.001
"""s, of the integration."""
_MOVING: Final = 0.05
"""m and rad that a joint must move in a recording to tell of its drive."""
_LONGEST: Final = 4.0
"""s of a recording that count."""
_FEWEST: Final = 3
"""Recordings."""
_LIMITS: Final = (0.0, 0.35)
"""s, of a delay."""
_TAU: Final = (0.003, 0.4)
"""s, of a time constant."""
_WIDTH: Final = 1e-3
"""s, of the differences that give derivatives."""


@dataclass(frozen=True, slots=True)
class Drive:
    """Of one joint.

    Attributes:
        joint: its name.
        recordings: in which it moved.
        lag: s, time constant, with its standard error.
        delay: s from a command to where its effect is seen, of a drive with the time constant that the controller
            counts with: the mean over recordings, with its standard error.
        delay_spread: s, standard deviation over recordings.
        off: m or rad, root mean square.
    """

    joint: str
    recordings: int
    lag: float
    lag_error: float
    delay: float
    delay_error: float
    delay_spread: float
    off: float


def fit_drives(arms: Sequence[ArmSeries]) -> list[Drive]:
    """The drives that moved enough; one delay a recording, one time constant a joint."""
    found = []
    for number, joint in enumerate(arm.ARM):
        traces = [_Trace(series, number) for series in arms if np.ptp(series.position[:, number]) > _MOVING]
        if len(traces) >= _FEWEST:
            found.append(_drive(joint.name, joint.lag, traces))
    return found


def _drive(name: str, lag: float, traces: Sequence['_Trace']) -> Drive:
    grid = np.arange(0.0, 0.25, 0.01)
    delays = np.array(
        [grid[np.argmin([np.sum(trace.off(lag, delay) ** 2) for delay in grid])] for trace in traces]
    )
    for _ in range(6):  # as the controller's model of the drives can take them
        for row, trace in enumerate(traces):
            off, slope = trace.off(lag, delays[row]), trace.by_delay(lag, delays[row])
            change = -float(slope @ off) / (float(slope @ slope) + 1e-12)
            delays[row] = np.clip(delays[row] + np.clip(change, -0.02, 0.02), *_LIMITS)
    seen = delays.copy()
    squares, freedom, normal, parts = 0.0, 1.0, 1.0, np.zeros(len(traces))
    for _ in range(8):
        normal, downhill, squares, freedom = 0.0, 0.0, 0.0, 0.0
        moves, follows, parts = np.zeros(len(traces)), np.zeros(len(traces)), np.zeros(len(traces))
        for row, trace in enumerate(traces):
            off = trace.off(lag, delays[row])
            by_lag, by_delay = trace.by_lag(lag, delays[row]), trace.by_delay(lag, delays[row])
            own = float(by_delay @ by_delay) + 1e-12
            moves[row], follows[row] = float(by_delay @ off) / own, float(by_delay @ by_lag) / own
            free = by_lag - follows[row] * by_delay
            normal += float(free @ free)
            parts[row] = float(free @ off)
            downhill += parts[row]
            squares += float(off @ off)
            freedom += len(off) - 3
        step = float(np.clip(-downhill / normal, -0.5 * lag, 0.5 * lag))
        lag = float(np.clip(lag + step, *_TAU))
        delays = np.clip(delays - np.clip(moves + follows * step, -0.02, 0.02), *_LIMITS)
        if abs(step) < 1e-5:
            break
    variance = squares / max(freedom, 1.0)
    lag_error = np.sqrt(max(variance / normal, float(parts @ parts) / normal**2))
    spread = float(seen.std(ddof=1))
    return Drive(
        name, len(traces), lag, float(lag_error), float(seen.mean()), spread / len(traces) ** 0.5, spread,
        float(np.sqrt(variance)),
    )  # fmt: skip


class _Trace:
    """One joint in one recording."""

    def __init__(self, series: ArmSeries, joint: int) -> None:
        start = max(series.time[0], series.command_time[0])
        seen = (series.time >= start) & (series.time <= start + _LONGEST)
        time, first = np.unique(series.time[seen], return_index=True)
        self._time = time - start
        self._position = series.position[seen, joint][first]
        told, first = np.unique(series.command_time, return_index=True)
        command = series.command[first, joint]
        self._told = told - start
        # The integral of commands that hold till the next one; each begins at its stamp.
        self._way = np.concatenate(([0.0], np.cumsum(command[:-1] * np.diff(told))))
        self._grid = np.arange(-0.3, self._time[-1] + _STEP, _STEP)

    def off(self, lag: float, delay: float) -> Array:
        """(m,) what is left of the positions beside the drive's answer, however it stood at the start."""
        aim = np.interp(self._grid - delay, self._told, self._way)
        decay = np.exp(-_STEP / lag)
        # Exact for a set point that is linear within a step.
        share = 1.0 - lag / _STEP * (1.0 - decay)
        now, past = share, 1.0 - decay - share
        answer = lfilter([now, past], [1.0, -decay], aim)
        seen = np.interp(self._time, self._grid, answer)
        basis = np.stack((np.ones_like(self._time), np.exp(-self._time / lag)), axis=1)
        rest = self._position - seen
        return np.asarray(rest - basis @ np.linalg.lstsq(basis, rest, rcond=None)[0])

    def by_lag(self, lag: float, delay: float) -> Array:
        """(m,) derivative of `off`."""
        return (self.off(lag + _WIDTH, delay) - self.off(lag - _WIDTH, delay)) / (2.0 * _WIDTH)

    def by_delay(self, lag: float, delay: float) -> Array:
        """(m,) derivative of `off`."""
        return (self.off(lag, delay + _WIDTH) - self.off(lag, delay - _WIDTH)) / (2.0 * _WIDTH)
