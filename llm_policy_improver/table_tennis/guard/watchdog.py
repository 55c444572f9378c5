"""The watchdog of the physical arm: what must be true while it moves, and what happens when it is not.

    DISARMED --arm--> ARMED --a fault--> FAULT --resume--> DISARMED
    any state --emergency stop--> ESTOP --resume--> DISARMED

Only ARMED lets the arm move. FAULT and ESTOP latch: nothing but `Watchdog.resume`, called by a person, leaves them,
and only when nothing has been amiss for a while and the arm stands. It leads to DISARMED, never back to ARMED: that
the cause is gone and that the arm may move again are two decisions. In DISARMED nothing latches, as drivers and
cameras may not run yet; what is amiss refuses `Watchdog.arm` instead.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.sensor_checks import (
    BallCheck,
    FrozenCheck,
    Instant,
    JointCheck,
    Judgement,
)
from llm_policy_improver.table_tennis.guard.stray_check import StrayCheck
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation

Array = NDArray[np.float64]

_SURE = 0.04
"""s between two checks, up to which the drives certainly held what was sent."""


class WatchdogState(StrEnum):
    """Values as in ``ControllerStatus.msg``, which splits ARMED into ready and playing."""

    DISARMED = 'disarmed'
    ARMED = 'armed'
    FAULT = 'fault'
    ESTOP = 'estop'


class FaultKind(StrEnum):
    """What was amiss."""

    JOINTS_STALE = 'joints_stale'
    JOINTS_IMPOSSIBLE = 'joints_impossible'
    JOINTS_FROZEN = 'joints_frozen'
    JOINTS_STRAY = 'joints_stray'
    NOT_FOLLOWING = 'not_following'
    HELD_UP = 'held_up'
    BALL_IMPOSSIBLE = 'ball_impossible'
    TICKS_MISSED = 'ticks_missed'
    STALLED = 'stalled'
    CLOCK_JUMP = 'clock_jump'
    NODE_SILENT = 'node_silent'
    ANOTHER_NODE = 'another_node'
    INTERNAL = 'internal'
    EMERGENCY_STOP = 'emergency_stop'


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the arm was stopped.

    Attributes:
        kind: one of `FaultKind`.
        sentence: for people: what was seen.
        stamp: ns, when.
    """

    kind: FaultKind
    sentence: str
    stamp: int


class Watchdog:
    """Sees everything that comes in and goes out, and says whether the arm may move.

    Clocks are passed in. Not thread-safe: the caller holds a lock.

    Args:
        period: s between two control ticks.

    Attributes:
        joints, ball: the checks of the sensors, with their ages.
        state: may the arm move (ARMED) or not.
        fault: the first fault since the last resume; None while there is none.
        faults: how many there were since the start.
    """

    def __init__(self, settings: WatchdogSettings, period: float) -> None:
        self._settings = settings
        self._patience = settings.missed_ticks * period
        self.joints = JointCheck(settings)
        self.ball = BallCheck(settings)
        self._frozen = FrozenCheck(settings)
        self._stray = StrayCheck(settings)
        self._checked: Instant | None = None
        self._ticked: int | None = None
        self._peers: dict[str, int] = {}
        self._others = ''
        self._last_event: tuple[Fault, int] | None = None
        self._stopped: int | None = None
        self._resumed: int | None = None
        self.state = WatchdogState.DISARMED
        self.fault: Fault | None = None
        self.faults = 0

    @property
    def armed(self) -> bool:
        """Whether the arm may move."""
        return self.state is WatchdogState.ARMED

    def see_joints(self, observation: ArmObservation, now: Instant) -> bool:
        """A joint state has come; whether the controller may use it."""
        judgement = self.joints.see(observation, now)
        return self._judged(judgement, FaultKind.JOINTS_IMPOSSIBLE, now)

    def see_ball(self, sighting: BallObservation, now: Instant) -> bool:
        """A sighting has come; whether the controller may use it."""
        return self._judged(self.ball.see(sighting, now), FaultKind.BALL_IMPOSSIBLE, now)

    def see_tick(self, now: Instant) -> None:
        """A control tick has come to its end."""
        self._ticked = now.steady

    def see_peer(self, name: str, now: Instant) -> None:
        """Another node that must run while the arm does has given a sign of life."""
        self._peers[name] = now.steady

    def see_others(self, amiss: str) -> None:
        """Which nodes are there that may not be beside this one, in words; empty where none are."""
        self._others = amiss

    def check(self, sent: Array, now: Instant) -> Fault | None:
        """To be called all the time, more often than the control ticks: latch what is amiss; the fault if any.

        Args:
            sent: (8,) m/s and rad/s, the velocities that the arm was sent since the last call.
        """
        before, self._checked = self._checked, now
        if before is not None:
            gap = (now.steady - before.steady) / NANOSECONDS
            step = (now.stamp - before.stamp) / NANOSECONDS - gap
            if abs(step) > self._settings.clock_jump:
                self.joints.start_anew()
                self.ball.start_anew()
                self.note(FaultKind.CLOCK_JUMP, f'the clock was set by {step:+.3f} s', now)
            if gap > self._patience:
                self.note(FaultKind.STALLED, f'this process stood still for {gap:.2f} s', now)
            latest = self.joints.latest
            if gap > _SURE:
                self._stray.start_anew()
            if latest is not None:
                self._see_motion(sent, latest.position, gap, now)
        lasting = self._lasting(now)
        if lasting is not None:
            self._latch(lasting)
        return self.fault

    def see_takeover(self) -> None:
        """What is sent from now on begins where the arm is now, whoever has moved it before."""
        self._stray.start_anew()

    def note(self, kind: FaultKind, sentence: str, now: Instant) -> None:
        """Something that must not happen has happened at this moment: it latches where the arm is armed."""
        fault = Fault(kind, sentence, now.stamp)
        self._last_event = fault, now.steady
        self._latch(fault)

    def amiss(self, now: Instant) -> str:
        """What speaks against moving the arm now, in words; empty where nothing does."""
        lasting = self._lasting(now)
        if lasting is not None:
            return lasting.sentence
        if self._last_event is not None:
            fault, steady = self._last_event
            ago = (now.steady - steady) / NANOSECONDS
            if ago <= self._settings.recovery:
                return f'{ago:.1f} s ago {fault.sentence}'
        latest = self.joints.latest
        if latest is not None:
            fastest = int(np.argmax(np.abs(latest.velocity)))
            if abs(latest.velocity[fastest]) > self._settings.standing:
                return f'{arm.ARM[fastest].name} still moves, at {latest.velocity[fastest]:+.2f}'
        return ''

    def excuse(self, since: Instant, now: Instant) -> None:
        """The caller itself kept sensors, ticks and peers from being heard for so long: no silence of theirs."""
        held_up = now.steady - since.steady
        self.joints.excuse(held_up, now)
        if self._ticked is not None:
            self._ticked = min(self._ticked + held_up, now.steady)
        self._peers = {name: min(steady + held_up, now.steady) for name, steady in self._peers.items()}

    def arm(self, now: Instant) -> str:
        """Let the arm move; why not, in words, where it is refused."""
        if self.state is WatchdogState.ARMED:
            return ''
        refused = self.refusal(now)
        if not refused:
            self._frozen.start_anew()
            self.state = WatchdogState.ARMED
        return refused

    def refusal(self, now: Instant) -> str:
        """Why an arm that is not armed may not be, in words; empty where it may."""
        if self.fault is not None:
            return f'a fault is latched ({self.fault.sentence}): resume first'
        # Whoever resumes looks at the arm before it moves: no program that asks for both at once arms it.
        left = _left(self._resumed, self._settings.recovery, now)
        if left > 0.0:
            return f'it was resumed just now: arm it in {left:.1f} s'
        return self.amiss(now)

    def disarm(self) -> None:
        """Let the arm not move; a latched fault stays latched."""
        if self.state is WatchdogState.ARMED:
            self.state = WatchdogState.DISARMED

    def emergency_stop(self, now: Instant) -> None:
        """A person wants the arm to stop, in whatever state; asked again, the stop holds so much longer."""
        self._stopped = now.steady
        if self.state is WatchdogState.ESTOP:
            return
        earlier = '' if self.fault is None else f' after a fault ({self.fault.sentence})'
        self.state = WatchdogState.ESTOP
        self.fault = Fault(FaultKind.EMERGENCY_STOP, f'a person stopped the arm{earlier}', now.stamp)

    def resume(self, now: Instant) -> str:
        """A person says that the cause is gone: to DISARMED; why not, in words, where it is refused."""
        if self.fault is None:
            return 'there is nothing to resume from'
        left = _left(self._stopped, self._settings.stop_held, now)
        if self.state is WatchdogState.ESTOP and left > 0.0:
            return f'the emergency stop holds for {left:.1f} s more'
        amiss = self.amiss(now)
        if not amiss:
            self.state, self.fault, self._resumed = WatchdogState.DISARMED, None, now.steady
        return amiss

    def _see_motion(self, sent: Array, position: Array, gap: float, now: Instant) -> None:
        frozen = self._frozen.see(sent, position, gap)
        if frozen:
            self._frozen.start_anew()
            self.note(FaultKind.JOINTS_FROZEN, frozen, now)
        stray = self._stray.see(sent, position, gap)
        if stray:
            self.note(FaultKind.JOINTS_STRAY, stray, now)

    def _judged(self, judgement: Judgement, kind: FaultKind, now: Instant) -> bool:
        if judgement.impossible:
            if kind is FaultKind.BALL_IMPOSSIBLE:
                self.ball.start_anew()
            self.note(kind, judgement.impossible, now)
        return judgement.usable

    def _lasting(self, now: Instant) -> Fault | None:
        """What is amiss at this very moment, and not only was."""
        stale = self.joints.stale(now)
        if stale:
            return Fault(FaultKind.JOINTS_STALE, stale, now.stamp)
        ago = math.inf if self._ticked is None else (now.steady - self._ticked) / NANOSECONDS
        if ago > self._patience:
            since = 'yet' if self._ticked is None else f'for {ago:.2f} s'
            return Fault(FaultKind.TICKS_MISSED, f'no control tick {since}', now.stamp)
        for name, steady in self._peers.items():
            silence = (now.steady - steady) / NANOSECONDS
            if silence > self._settings.silent:
                return Fault(
                    FaultKind.NODE_SILENT, f'no sign of life of {name} for {silence:.1f} s', now.stamp
                )
        if self._others:
            return Fault(FaultKind.ANOTHER_NODE, self._others, now.stamp)
        return None

    def _latch(self, fault: Fault) -> None:
        if self.state is WatchdogState.ARMED:
            self.state, self.fault = WatchdogState.FAULT, fault
            self.faults += 1


def _left(since: int | None, least: float, now: Instant) -> float:
    """s of ``least`` that have not passed since then, ns; 0 where it never was."""
    return 0.0 if since is None else max(least - (now.steady - since) / NANOSECONDS, 0.0)
