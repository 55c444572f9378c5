"""Whether encoders and cameras can be right: finite, in time, no faster than anything here can move."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import (
    NANOSECONDS,
    ArmObservation,
    BallObservation,
    SpinObservation,
)

Array = NDArray[np.float64]

_SPEED: Array = np.array([joint.speed for joint in arm.ARM])
_CATCHING_UP = 1.5
"""Share of its speed limit that a joint may really reach, as a drive that is late catches up."""
_MOVED = 1e-3
"""m and rad: an encoder that shows at least so much has seen motion; noise is smaller."""
_CREEPING = 0.05
"""m/s and rad/s: slower commands may be lost in the friction of a drive."""
_ROOM = 10.0
_FASTEST_SPIN = 1200.0
"""rad/s; the fastest of good players' balls have some 900."""
"""m from the table's centre: no ball is seen farther away."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment by two clocks.

    Attributes:
        steady: ns of a clock that nobody sets.
        stamp: ns of the clock that stamps the messages.
    """

    steady: int
    stamp: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one message.

    Attributes:
        usable: whether the controller may see it.
        impossible: what cannot be true of it, in words; empty where it is only late, or a repetition.
    """

    usable: bool
    impossible: str = ''


_GOOD = Judgement(True)
_DROPPED = Judgement(False)


class JointCheck:
    """Of the joint states.

    Attributes:
        latest: the newest usable one; None before the first.
        dropped: messages that were late, repeated or from the future.
    """

    def __init__(self, settings: WatchdogSettings) -> None:
        self._settings = settings
        self._before: ArmObservation | None = None
        self._arrival: int | None = None
        self._why_dropped = ''
        self.latest: ArmObservation | None = None
        self.dropped = 0

    def age(self, now: Instant) -> float:
        """s since the newest usable one arrived; infinite before the first."""
        return math.inf if self._arrival is None else (now.steady - self._arrival) / NANOSECONDS

    def stale(self, now: Instant) -> str:
        """Why there is none to command on, in words; empty where there is."""
        if self.age(now) <= self._settings.joints_stale:
            return ''
        why = f' (those that came were not used: {self._why_dropped})' if self._why_dropped else ''
        if self._arrival is None:
            return f'no joint states came{why}'
        return f'no joint states for {self.age(now):.2f} s{why}'

    def excuse(self, held_up: int, now: Instant) -> None:
        """For so long, ns, those that came could not be heard."""
        if self._arrival is not None:
            self._arrival = min(self._arrival + held_up, now.steady)

    def see(self, observation: ArmObservation, now: Instant) -> Judgement:
        """Judge one joint state on its arrival."""
        for what, values in (('position', observation.position), ('velocity', observation.velocity)):
            wrong = np.flatnonzero(~np.isfinite(values))
            if len(wrong):
                return Judgement(False, f'the {what} of {arm.ARM[wrong[0]].name} is {values[wrong[0]]}')
        before = self._before
        late = (now.stamp - observation.stamp) / NANOSECONDS
        if late > self._settings.joints_stale or late < -self._settings.clock_jump:
            return self._drop(_beside_now(late))
        if before is not None and observation.stamp <= before.stamp:
            return self._drop('their stamps do not grow')
        self._before = observation
        impossible = self._impossible(observation, before)
        if impossible:
            return Judgement(False, impossible)
        self.latest, self._arrival, self._why_dropped = observation, now.steady, ''
        return _GOOD

    def note_missing(self, why: str) -> None:
        """Messages came that no joint state can be made of: why, in words."""
        self._why_dropped = why

    def start_anew(self) -> None:
        """The clock of the stamps was set: what came by the old time is no measure any more."""
        self._before = None

    def _drop(self, why: str) -> Judgement:
        self._why_dropped = why
        self.dropped += 1
        return _DROPPED

    def _impossible(self, now: ArmObservation, before: ArmObservation | None) -> str:
        margin = self._settings.range_margin
        for joint in np.flatnonzero(
            (now.position < JOINT_LOW - margin) | (now.position > JOINT_HIGH + margin)
        ):
            return (
                f'{arm.ARM[joint].name} reads {now.position[joint]:.3f}, outside of its range '
                f'{JOINT_LOW[joint]:g} to {JOINT_HIGH[joint]:g}'
            )
        for joint in np.flatnonzero(np.abs(now.velocity) > 2.0 * _SPEED):
            return f'{arm.ARM[joint].name} reads a speed of {now.velocity[joint]:.1f}, twice its limit'
        if before is None:
            return ''
        way = np.abs(now.position - before.position)
        gap = (now.stamp - before.stamp) / NANOSECONDS
        for joint in np.flatnonzero(way > _CATCHING_UP * _SPEED * gap + self._settings.joint_jump):
            return f'{arm.ARM[joint].name} jumped by {way[joint]:.3f} within {gap:.3f} s'
        return ''


class FrozenCheck:
    """Whether each joint's encoder shows the motion that is commanded."""

    def __init__(self, settings: WatchdogSettings) -> None:
        self._settings = settings
        self.start_anew()

    def start_anew(self) -> None:
        """Nothing was commanded before."""
        self._reference: Array | None = None
        self._way: Array = np.zeros(len(arm.ARM))
        self._time: Array = np.zeros(len(arm.ARM))

    def see(self, sent: Array, position: Array, gap: float) -> str:
        """Take the velocity sent for the last ``gap`` s and the newest positions; what is frozen, in words.

        Args:
            sent: (8,) m/s and rad/s.
            position: (8,) m and rad.
            gap: s.
        """
        if self._reference is None:
            self._reference = position.copy()
        idle = (np.abs(position - self._reference) > _MOVED) | (np.abs(sent) < _CREEPING)
        self._reference = np.where(idle, position, self._reference)
        self._way = np.where(idle, 0.0, self._way + sent * gap)
        self._time = np.where(idle, 0.0, self._time + gap)
        frozen = (np.abs(self._way) > self._settings.frozen_way) & (self._time > self._settings.frozen_time)
        for joint in np.flatnonzero(frozen):
            return (
                f'{arm.ARM[joint].name} was commanded {self._way[joint]:+.2f} in {self._time[joint]:.2f} s, '
                'but its encoder shows no motion'
            )
        return ''


class BallCheck:
    """Of the sightings. A ball that is not seen any more is no fault: its play ends.

    Attributes:
        dropped: sightings that the controller was not shown.
        spins_dropped: observations of the spin, likewise.
    """

    def __init__(self, settings: WatchdogSettings) -> None:
        self._settings = settings
        self._before: BallObservation | None = None
        self._arrival: int | None = None
        self._in_a_row = 0
        self.dropped = self.spins_dropped = 0

    def age(self, now: Instant) -> float:
        """s since the newest usable one arrived; infinite before the first."""
        return math.inf if self._arrival is None else (now.steady - self._arrival) / NANOSECONDS

    def see(self, sighting: BallObservation, now: Instant) -> Judgement:
        """Judge one sighting on its arrival."""
        before = self._before
        impossible = self._impossible(sighting, before, now)
        if impossible:
            self.dropped += 1
            self._in_a_row += 1
            tolerated = self._in_a_row <= self._settings.ball_outliers
            return _DROPPED if tolerated else Judgement(False, impossible)
        if before is not None and sighting.stamp < before.stamp:
            self.dropped += 1
            return _DROPPED
        self._before, self._arrival, self._in_a_row = sighting, now.steady, 0
        return _GOOD

    def takes_spin(self, seen: SpinObservation, now: Instant) -> bool:
        """Whether an observation of the spin can be true. One that cannot is only dropped: the ball is hit without."""
        late = (now.stamp - seen.stamp) / NANOSECONDS
        possible = (
            -self._settings.clock_jump <= late <= self._settings.ball_stale
            and all(map(math.isfinite, seen.spin))
            and math.hypot(*seen.spin) <= _FASTEST_SPIN
        )
        self.spins_dropped += not possible
        return possible

    def start_anew(self) -> None:
        """What was seen so far is no measure any more."""
        self._before = None
        self._in_a_row = 0

    def _impossible(self, now: BallObservation, before: BallObservation | None, moment: Instant) -> str:
        misplaced = why_misplaced(now, moment.stamp, self._settings.ball_stale, self._settings.clock_jump)
        if misplaced:
            return misplaced
        if before is None or now.stamp < before.stamp:
            return ''
        way = math.dist(now.position, before.position)
        gap = (now.stamp - before.stamp) / NANOSECONDS
        if way > self._settings.ball_speed * gap + self._settings.ball_jump:
            return f'the ball jumped by {way:.2f} m within {gap:.3f} s to {_point(now.position)}'
        return ''


def why_misplaced(sighting: BallObservation, now: int, old: float, ahead: float) -> str:
    """Why a sighting cannot be right whatever was seen before it, in words; empty where it can be.

    Args:
        sighting: one that has just arrived.
        now: ns, of the clock of the stamps.
        old: s between picture and sighting, at most.
        ahead: s by which a stamp may be in the future.
    """
    if not all(math.isfinite(value) and abs(value) < _ROOM for value in sighting.position):
        return f'the ball was reported at {_point(sighting.position)}'
    late = (now - sighting.stamp) / NANOSECONDS
    if late > old or late < -ahead:
        return f'a sighting of the ball: {_beside_now(late)}'
    return ''


def _beside_now(late: float) -> str:
    return f'its stamp is {abs(late):.2f} s {"old" if late > 0.0 else "in the future"}'


def _point(position: tuple[float, float, float]) -> str:
    return '({:.4g}, {:.4g}, {:.4g}) m'.format(*position)
