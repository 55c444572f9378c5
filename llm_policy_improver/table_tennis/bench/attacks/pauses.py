"""The controller's process is stopped for a moment, and goes on: `Pause` cases, in virtual time.

Meanwhile the drives hold what they were told last until their time-out, and brake by themselves. Who comes back finds
the messages that waited, or commands before he has read them. Judged is where the arm is in every moment, also while
nobody commands it, and what is sent from then on: against what the drives really do when it comes.
"""

import math
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack
from llm_policy_improver.table_tennis.bench.attacks.case import (
    AFTER,
    CYCLE,
    CYCLES_PER_TICK,
    LONGEST_STANDSTILL,
    PLAY,
    Array,
    Case,
    CaseResult,
)
from llm_policy_improver.table_tennis.bench.attacks.cell import Cell
from llm_policy_improver.table_tennis.bench.attacks.judge import MOVING, Judge
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

KIND: Final = 'process paused'
_SHORTEST, _LONGEST = 0.02, 1.0
"""s, of a pause; short ones are drawn more often."""
_ONSET: Final = (10, 240)
"""Cycles from the launch of the ball to the pause: from before the swing to its end."""
_AGAIN: Final = 0.25
"""Of the cases, that have a second pause soon after the first one."""
_SOON: Final = 30
"""Cycles, at most, between them."""
_KEPT: Final = 5
"""Messages of each sensor that wait for a process that is stopped: the queue's length (rmw's sensor data)."""
_INSTANT: Final = 1000
"""ns, between two velocities of which the judge takes the acceleration."""
_FINE: Final = NANOSECONDS // 1000
"""ns, steps in which the judge adds up what the drives do by themselves."""


class Pauses(Attack):
    """One pause or two, with the unchanged controller or with any parameters within the bounds.

    Attributes:
        cycles: of each pause, by the cycle in which it begins.
        reads_first: whether what waited is read before the first command.
    """

    def __init__(self, rng: np.random.Generator, limits: SafetyLimits) -> None:
        super().__init__(rng)
        self._limits = limits
        self.onset = int(rng.integers(*_ONSET))
        self.cycles = {self.onset: self._length()}
        if rng.random() < _AGAIN:
            self.cycles[self.onset + self.cycles[self.onset] + int(rng.integers(1, _SOON))] = self._length()
        self.reads_first = bool(rng.integers(2))
        self._unchanged = bool(rng.integers(2))

    def _length(self) -> int:
        low, high = np.log(_SHORTEST), np.log(_LONGEST)
        return round(float(np.exp(self._rng.uniform(low, high))) / CYCLE)

    def begin(self, controller: GuardedController) -> None:
        if not self._unchanged:
            attenuation = self._rng.uniform(self._limits.attenuation_low, self._limits.attenuation_high)
            residual = self._rng.uniform(-1.0, 1.0, len(arm.ARM)) * self._limits.residual
            controller.handover.offer(Modulation(tuple(attenuation.tolist()), tuple(residual.tolist()), 1))


class PauseJudge(Judge):
    """A `Judge` that knows what the drives do by themselves."""

    def paused(self, drives: TimedDrives, since: int, now: int) -> None:
        """Nothing was sent between these, ns."""
        for time in range(since, now, _FINE):
            self.told = self.told + drives.velocity(time + _FINE // 2) * (_FINE / NANOSECONDS)
            self._place(self.told, '', 0.0)
        self.velocity = drives.velocity(now)
        self.acceleration = (self.velocity - drives.velocity(now - _INSTANT)) * (NANOSECONDS / _INSTANT)


class PausedPlay:
    """One case, from the armed arm on."""

    def __init__(
        self, simulator: Simulator, limits: SafetyLimits, case: Case, config: ControllerConfig | None = None
    ) -> None:
        self._limits, self._case = limits, case
        self._attack = Pauses(np.random.default_rng([case.seed, 1]), limits)
        self._cell = Cell(simulator, limits, self._attack, case.seed, DriveTimeout.of(limits), config)
        self._judge = PauseJudge(limits)
        self._moved = False

    def run(self) -> CaseResult:
        """All of it."""
        cell, judge, controller = self._cell, self._judge, self._cell.controller
        cycle, latched, standstill, begun, stalled = 0, False, math.nan, 0, False
        while cycle < PLAY + AFTER:
            length = self._attack.cycles.get(cycle, 1)
            if length > 1:
                stalled = stalled or length * CYCLE > self._patience
                cycle += length
                velocity = self._come_back(length)
            else:
                cell.deliver(*cell.look())
                velocity = self._command(cycle)
                judge.sent(velocity, CYCLE)
                cycle += 1
            judge.seen(self._real())
            if latched and controller.fault is None:
                judge.violations['resumed by itself'] = 1
            if not latched and controller.fault is not None:
                latched, begun, standstill = True, cycle, math.inf
            if latched and standstill == math.inf and controller.standing:
                standstill = (cycle - begun) * CYCLE
            cell.go_on()
        judge.touched(cell.simulator.arm_contact)
        if stalled and not latched:
            judge.count('no fault was latched')
        if latched and standstill > LONGEST_STANDSTILL:
            judge.count('stood still too late')
        return CaseResult(
            self._case, judge.violations, latched, standstill, self._moved, cell.cycles, cell.rules
        )

    @property
    def _patience(self) -> float:
        """s that the process may stand still without a fault."""
        return self._attack.watchdog.missed_ticks * CYCLES_PER_TICK * CYCLE

    def _come_back(self, length: int) -> Array:
        """After so many cycles in which nothing was sent; the first of them has passed since the last command."""
        cell, judge = self._cell, self._judge
        self._moved = self._moved or float(np.abs(cell.drives.velocity(cell.clock.now.steady)).max()) > MOVING
        since = cell.clock.now.steady - round(CYCLE * NANOSECONDS)
        arms, balls = cell.look()
        for _ in range(length - 1):
            cell.go_on()
            judge.seen(self._real())
            more_arms, more_balls = cell.look()
            arms, balls = [*arms, *more_arms][-_KEPT:], [*balls, *more_balls][-_KEPT:]
        now = cell.clock.now.steady
        gap = (now - since) / NANOSECONDS
        if gap > self._limits.longest_tick:
            judge.paused(cell.drives, since, now)
        if self._attack.reads_first:
            cell.deliver(arms, balls)
        velocity = self._command(0)
        if not self._attack.reads_first:
            cell.deliver(arms, balls)
        if gap <= self._limits.longest_tick:
            judge.sent(velocity, gap)
        else:
            judge.compare(velocity, CYCLE)
        return velocity

    def _command(self, cycle: int) -> Array:
        velocity = self._cell.decide(ticking=cycle % CYCLES_PER_TICK == 0)
        assert velocity is not None
        return velocity

    def _real(self) -> Array:
        """(8,) m and rad, where the joints really are."""
        return self._cell.simulator.data.qpos[: len(arm.ARM)].copy()
