"""The faster inner loop: from the controller's 50 Hz steps to smooth velocities, each through the safety stage.

Steps of the velocity every 20 ms shake an arm. Here each command is reached along a straight line over one control
period, in steps of a few milliseconds. That is the line through the commands, half a period late in the mean: who
commands should know (`delay`).

What the safety stage holds back of that line in a swing is a way that the blade then lacks at the hit. It is paid back
with the commands that follow, through the same stage. Where nothing is held back, nothing is changed, not by a bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.safety import STILL, SafeCommand, SafetyStage, StageState
from llm_policy_improver.table_tennis.guard.tick_times import TickTimes
from llm_policy_improver.table_tennis.observation import NANOSECONDS

Array = NDArray[np.float64]


_MOTION, _STANDSTILL = 0.05, 0.005
"""m/s and rad/s: from where on a joint is meant to move, and below which none does."""
_MOST_OWED = 0.05
"""m and rad, of the way held back, that is remembered."""


@dataclass(frozen=True, slots=True)
class InnerLoopSettings:
    """Rates of what is sent to the drives.

    Attributes:
        rate: Hz, of the loop.
        gantry_rate, arm_rate: Hz, at which each group of drives takes commands; whole parts of ``rate``.
        hold: s that a command is held beyond its period when the next one is late; then the arm is slowed down.
        repaid: share of the way held back in a swing that is paid back in each control period; 0: none.
    """

    rate: float = 250.0
    gantry_rate: float = 250.0
    arm_rate: float = 250.0
    hold: float = 0.02
    repaid: float = 0.5

    def __post_init__(self) -> None:
        if not 100.0 <= self.rate <= 1000.0:
            raise ValueError(f'inner_loop: rate must be between 100 and 1000 Hz; got {self.rate:g} Hz')
        for name in ('gantry_rate', 'arm_rate'):
            value = getattr(self, name)
            if not 50.0 <= value <= self.rate or abs(self.rate / value - round(self.rate / value)) > 1e-6:
                raise ValueError(
                    f'inner_loop: {name} must be the rate of {self.rate:g} Hz or a whole part of it, '
                    f'and at least 50 Hz; got {value:g} Hz'
                )
        if not 0.0 <= self.hold <= 0.1:
            raise ValueError(f'inner_loop: hold must be between 0 and 0.1 s; got {self.hold:g} s')
        if not 0.0 <= self.repaid <= 1.0:
            raise ValueError(f'inner_loop: repaid must be between 0 and 1; got {self.repaid:g}')

    @property
    def period(self) -> float:
        """s between two cycles."""
        return 1.0 / self.rate

    @property
    def cycles(self) -> tuple[int, int]:
        """Cycles between two commands to the gantry, and to the arm."""
        return round(self.rate / self.gantry_rate), round(self.rate / self.arm_rate)


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """From one velocity (8,) at a time (ns) to the next."""

    start: int
    begin: Array
    end: Array

    def at(self, share: float) -> Array:
        """The velocity (8,) after this share of the way."""
        return np.asarray((1.0 - share) * self.begin + share * self.end)


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """What a cycle changes, as it was before it."""

    stage: StageState
    before: int | None
    sent: Array
    planned: Array | None
    owed: Array
    altered: bool
    held_up: float


class InnerLoop:
    """Call `aim` with every command of the controller and `cycle` all the time, as evenly as possible.

    Not thread-safe: the caller holds a lock.

    Args:
        control_period: s between the controller's commands.
        safety: every velocity passes it.

    Attributes:
        times: of the cycles.
        sent: (8,) m/s and rad/s, the velocity sent last.
        acted: how often each rule of the safety stage has acted.
        held_up: s for which a motion is wanted and standstill is sent.
    """

    def __init__(self, settings: InnerLoopSettings, control_period: float, safety: SafetyStage) -> None:
        self._settings = settings
        self._control_period = control_period
        self._safety = safety
        self._way: _Way | None = None
        self._plan: _Way | None = None
        self._planned: Array | None = None
        self._owed: Array = np.zeros(len(arm.ARM))
        self._altered = False
        self._before: int | None = None
        self._last: _Moment | None = None
        self._sum: Array = np.zeros(len(arm.ARM))
        self._summed = 0.0
        self.times = TickTimes(settings.period)
        self.sent: Array = np.zeros(len(arm.ARM))
        self.acted: dict[str, int] = {}
        self.held_up = 0.0
        self._rehearse()

    def _rehearse(self) -> None:
        """Nothing is to be compiled or loaded while the arm waits for the next velocity."""
        still, home = np.zeros(len(arm.ARM)), np.array(arm.HOME)
        self._safety.reset(home)
        self._safety.filter(still, home, self._settings.period)
        self._safety.brake(self._settings.period)
        self._safety.reset(home)

    @property
    def standing(self) -> bool:
        """Whether the arm is sent standstill, and was before."""
        return self._safety.standing

    @property
    def delay(self) -> float:
        """s by which the interpolation delays the commands in the mean."""
        return 0.5 * self._control_period

    def aim(self, velocity: Array, steady: int, swinging: bool = False) -> None:
        """Reach this velocity (8,), m/s and rad/s, within one control period from now, ns.

        Args:
            velocity: the command.
            steady: ns, now.
            swinging: whether the command follows a way that nothing but the clock leads, so that what was held back
                of it since it began is lacking.
        """
        planned = self._along(self._plan, steady)
        self._plan = _Way(steady, self.sent if planned is None else planned, np.array(velocity, dtype=float))
        if not swinging:
            self._owed = np.zeros(len(arm.ARM))
        wanted = self._plan.end
        if self._owed.any():
            wanted = wanted + self._settings.repaid / self._control_period * self._owed
        # From where the last line is by now; from what was sent where the safety stage had to leave the line.
        begin = None if self._altered else self._along(self._way, steady)
        self._way = _Way(steady, self.sent if begin is None else begin, wanted)

    def stop(self) -> None:
        """Slow down to standstill, within the limits, and stay there until the next `aim`."""
        self._way = self._plan = self._planned = None

    def start_anew(self, position: Array, velocity: Array = STILL) -> None:
        """The arm is at this position (8,), m and rad, and stands, or moves like this (8,), m/s and rad/s."""
        self.stop()
        self._before = self._last = None  # no cycle has been since
        self._safety.reset(position, velocity)
        self.sent = self._safety.velocity.copy()

    def cycle(self, position: Array | None, steady: int) -> SafeCommand:
        """What to send now.

        Args:
            position: (8,) m and rad, as the encoders show it; None where they do not: the arm is slowed down.
            steady: ns, of a clock that nobody sets.
        """
        self._last = _Moment(
            self._safety.state, self._before, self.sent, self._planned, self._owed, self._altered, self.held_up
        )
        since = self._settings.period
        if self._before is not None:
            since = (steady - self._before) / NANOSECONDS
        self._before = steady
        self.times.add(steady)
        if self._planned is not None:
            lacking = self._owed + (self._planned - self.sent) * since
            self._owed = np.clip(lacking, -_MOST_OWED, _MOST_OWED)
        wanted, self._planned = self._along(self._way, steady), self._along(self._plan, steady)
        # The measured time, as cycles that were skipped are not made up for.
        if wanted is None or position is None:
            command = self._safety.brake(since)
        else:
            command = self._safety.filter(wanted, position, since)
        self._sum += self.sent * since
        self._summed += since
        self.sent = command.velocity
        self._altered = bool(command.rules)
        aim = self._way if wanted is not None else None
        held = aim is not None and np.abs(aim.end).max() > _MOTION and np.abs(self.sent).max() < _STANDSTILL
        self.held_up = self.held_up + since if held else 0.0
        for rule in command.rules:
            self.acted[rule] = self.acted.get(rule, 0) + 1
        return command

    def withdraw(self) -> None:
        """What the last `cycle` gave was not sent: the drives have had nothing since the one before."""
        last, self._last = self._last, None
        if last is None:
            return
        self._safety.restore(last.stage)
        self._before, self.sent, self._planned = last.before, last.sent, last.planned
        self._owed, self._altered, self.held_up = last.owed, last.altered, last.held_up

    def take_mean(self) -> Array:
        """(8,) m/s and rad/s, the mean of what was sent since the last call."""
        mean = self._sum / self._summed if self._summed > 0.0 else self.sent
        self._sum, self._summed = np.zeros(len(arm.ARM)), 0.0
        return np.asarray(mean)

    def _along(self, way: _Way | None, steady: int) -> Array | None:
        """Along the line to the newest command; None where that is too old."""
        if way is None:
            return None
        time = (steady - way.start) / NANOSECONDS
        if time > self._control_period + self._settings.hold:
            return None
        return way.at(min(max(time / self._control_period, 0.0), 1.0))
