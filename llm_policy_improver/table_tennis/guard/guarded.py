"""The controller of the physical arm with all that guards it: watchdog, handover, inner loop, safety stage.

Two callers: one thread plays the ball (sensors come in, `GuardedController.tick` at 50 Hz), another one sends
(`GuardedController.cycle` at 250 Hz or more). The second one goes on when the first one hangs, and stops the arm.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.control.choosing import Chooser
from llm_policy_improver.table_tennis.control.controller import (
    ControllerConfig,
    ControllerState,
    LowLevelController,
)
from llm_policy_improver.table_tennis.guard.drive_check import DriveCheck
from llm_policy_improver.table_tennis.guard.handover import Handover, HandoverSettings
from llm_policy_improver.table_tennis.guard.homing import WayHome, soft_start
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoop, InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety import Rule, SafeCommand, SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.sensor_checks import Instant
from llm_policy_improver.table_tennis.guard.takeover import Takeover
from llm_policy_improver.table_tennis.guard.tick_times import TickTimes
from llm_policy_improver.table_tennis.guard.watchdog import Fault, FaultKind, Watchdog, WatchdogState
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import (
    NANOSECONDS,
    ArmObservation,
    BallObservation,
    Command,
    SpinObservation,
)

Array = NDArray[np.float64]

_DISTRUST = {
    Rule.INVALID: (
        FaultKind.INTERNAL,
        'a velocity or a position that is no finite number came to the safety stage',
    ),
    Rule.FOLLOWING: (FaultKind.NOT_FOLLOWING, 'the joints are not where they were sent'),
}
"""Rules that act only where something is broken, and not just limits a command."""
_HELD_UP = 1.0
"""s of standstill instead of a motion, after which the arm does not get any further."""
_NO_WAY_ON = (
    f'the safety stage has held the arm up for {_HELD_UP:g} s: from here it cannot get on within the limits'
)


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Of everything around the controller."""

    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    inner_loop: InnerLoopSettings = field(default_factory=InnerLoopSettings)
    handover: HandoverSettings = field(default_factory=HandoverSettings)
    safety: SafetyLimits = field(default_factory=SafetyLimits)


class Level(StrEnum):
    """How urgent a `Health` is."""

    OK = 'ok'
    WARNING = 'warning'
    ERROR = 'error'


@dataclass(frozen=True, slots=True)
class Health:
    """For ``/diagnostics``.

    Attributes:
        level: ERROR while a fault is latched, WARNING while something would refuse to arm the arm.
        summary: in one sentence.
        values: names and values, in words.
    """

    level: Level
    summary: str
    values: dict[str, str]


class GuardedController:
    """Plays balls on the physical arm. Disarmed at the start, when the arm may be in motion: it is slowed down.

    Args:
        config: of the controller; the inner loop's delay is added to its latencies.
        clock: tells the time.
        chooser: chooses the parameters of each ball's swing; None: those offered hold.

    Attributes:
        handover: takes new parameters up as soon as that may be.
    """

    def __init__(
        self,
        config: ControllerConfig,
        settings: GuardSettings,
        clock: Callable[[], Instant],
        chooser: Chooser | None = None,
    ) -> None:
        self._clock = clock
        self._lock = Lock()  # never held while the controller plans
        self._loop = InnerLoop(settings.inner_loop, config.period, SafetyStage(settings.safety))
        self._watchdog = Watchdog(settings.watchdog, config.period)
        self._way_home = WayHome(settings.inner_loop, settings.safety, config.homing_gain, config.period)
        self._takeover = Takeover(settings.watchdog.joints_stale)
        delayed = replace(
            config.latency,
            arm_action=config.latency.arm_action + self._loop.delay,
            slide_x_action=config.latency.slide_x_action + self._loop.delay,
            slide_y_action=config.latency.slide_y_action + self._loop.delay,
        )
        self._controller = LowLevelController(replace(config, latency=delayed), chooser=chooser)
        self.handover = Handover(settings.handover, self._controller)
        self._ticks = TickTimes(config.period)
        self._armed_at = 0
        self._open: tuple[Command, int] | None = None
        self._limits = settings.safety
        self._check: DriveCheck | None = None

    @property
    def state(self) -> WatchdogState | ControllerState:
        """What the controller does where the arm is armed, else why it does nothing."""
        return self._controller.state if self._watchdog.armed else self._watchdog.state

    @property
    def fault(self) -> Fault | None:
        """The latched one."""
        return self._watchdog.fault

    @property
    def version(self) -> int:
        """Of the parameters in use."""
        return self.handover.version

    @property
    def standing(self) -> bool:
        """Whether standstill is commanded."""
        return self._loop.standing and self.sending

    @property
    def sending(self) -> bool:
        """Whether there are commands: not before the arm was found, in motion or not."""
        return bool(self._takeover.said)

    @property
    def slowing(self) -> bool:
        """Whether an arm that was found is not sent standstill yet."""
        return self.sending and not self._loop.standing

    @property
    def found(self) -> str:
        """How the arm was found at the first command, in words; empty before it."""
        return self._takeover.said

    def begin(self) -> None:
        """`cycle` is about to be called, for the first time or after a pause in which others may move the arm."""
        with self._lock:
            self._takeover.begin()

    def observe_joints(self, observation: ArmObservation) -> None:
        """A joint state has come."""
        with self._lock:
            self._watchdog.see_joints(observation, self._clock())

    def joints_missing(self, why: str) -> None:
        """Joint states came that do not show all joints: why, for the fault that follows."""
        with self._lock:
            self._watchdog.joints.note_missing(why)

    def observe_ball(self, sighting: BallObservation) -> None:
        """A sighting has come; the controller sees it where it can be true and the arm is armed."""
        with self._lock:
            usable = self._watchdog.see_ball(sighting, self._clock()) and self._watchdog.armed
        if usable:
            if not self._controller.ignores(sighting):
                self.handover.hold()
            self._controller.observe_ball(sighting)

    def observe_spin(self, seen: SpinObservation) -> None:
        """The ball's spin was observed; the controller hears of it where it can be true and the arm is armed."""
        with self._lock:
            usable = self._watchdog.ball.takes_spin(seen, self._clock()) and self._watchdog.armed
        if usable:
            self._controller.observe_spin(seen)

    def heartbeat(self, name: str) -> None:
        """A node that must run while the arm does has given a sign of life."""
        with self._lock:
            self._watchdog.see_peer(name, self._clock())

    def see_others(self, amiss: str) -> None:
        """Which nodes are there that may not be beside this one, in words; empty where none are."""
        with self._lock:
            self._watchdog.see_others(amiss)

    def tick(self) -> tuple[Command, int] | None:
        """One control tick: plan, and give the inner loop its next aim.

        Returns:
            The command of the tick before with what was really sent since, as the mean over the period, and the
            version of its parameters; None where that tick had no joint states to command on.
        """
        with self._lock:
            now = self._clock()
            self._ticks.add(now.steady)
            latest = None if self._watchdog.joints.stale(now) else self._watchdog.joints.latest
            armed = self._watchdog.armed
            done, sent = self._open, self._loop.take_mean()
        if not armed and self._controller.state is ControllerState.PLAYING:
            self._controller.end_ball()
        self.handover.advance(None if latest is None else latest.velocity, now.steady)
        command = None if latest is None else self._controller.command(latest)
        self._open = None if command is None else (command, self.handover.version)
        with self._lock:
            now = self._clock()
            self._watchdog.see_tick(now)
            if self._check is not None:
                self._loop.aim(self._check.wanted(now.steady), now.steady)
            elif command is not None and self._watchdog.armed:
                swinging = self._controller.swinging
                since = (now.steady - self._armed_at) / NANOSECONDS
                wanted = command.applied
                if not swinging and latest is not None:
                    wanted = soft_start(wanted * self._way_home.moving(latest.position), since)
                self._loop.aim(wanted, now.steady, swinging)
        if done is None:
            return None
        planned, version = done
        return replace(planned, applied=sent), version

    def cycle(self) -> SafeCommand | None:
        """One cycle of the inner loop: what to send to the arm now; nothing before the arm was found.

        Raises:
            Exception: even slowing down failed; only zeros can be sent.
        """
        with self._lock:
            now = self._clock()
            self._watchdog.check(self._loop.sent, now)
            if not self._watchdog.armed:
                self._loop.stop()
            joints = self._watchdog.joints
            latest = None if joints.stale(now) else joints.latest
            if not self._taken_over(latest, now):
                return None
            if self._check is not None and self._check_on(latest, now.steady):
                return None
            try:
                command = self._loop.cycle(None if latest is None else latest.position, now.steady)
            except Exception as error:  # whatever it is: the arm has to slow down, which takes less to work
                self._watchdog.note(FaultKind.INTERNAL, f'the inner loop failed: {error!r}', now)
                self._loop.stop()
                command = self._loop.cycle(None, now.steady)
            if self._check is not None:
                self._check.sent(command.velocity, now.steady)
            if self._loop.held_up > _HELD_UP:
                self._watchdog.note(FaultKind.HELD_UP, _NO_WAY_ON, now)
            for rule in command.rules:
                if rule in _DISTRUST:
                    self._watchdog.note(*_DISTRUST[Rule(rule)], now)
            return command

    def withdraw(self) -> None:
        """What the last `cycle` gave was not sent, as the process stood still meanwhile: the next goes on without."""
        with self._lock:
            self._loop.withdraw()

    def fail(self, sentence: str) -> None:
        """Even slowing down broke off, a fault of the program itself: zeros are sent, and nothing else from then on."""
        with self._lock:
            self._watchdog.note(FaultKind.INTERNAL, sentence, self._clock())
            latest = self._watchdog.joints.latest
            if latest is not None:
                self._loop.start_anew(latest.position)

    def arm(self) -> str:
        """Let the arm move; why not, in words, where it is refused.

        To be called by the thread that takes the sensors' messages and ticks.
        """
        with self._lock:
            if self._check is not None:
                return 'the drives are being checked: ask again in some seconds'
            if self._watchdog.armed:
                return ''
            began = self._clock()
            refused = self._braking() or self._watchdog.refusal(began)
            latest = self._watchdog.joints.latest
        if refused or latest is None:
            return refused
        # 25 ms of work as a rule, half a second from where the arm creeps home. The inner loop need not wait for it;
        # messages and ticks do.
        refused = self._way_home.why_infeasible(latest.position)
        if refused:
            return refused
        with self._lock:
            now = self._clock()
            self._watchdog.excuse(began, now)
            refused = self._braking() or self._watchdog.arm(now)
            latest = self._watchdog.joints.latest
            if not refused and latest is not None:
                self._loop.start_anew(latest.position)
                self._armed_at = now.steady
        if not refused:
            self._controller.end_ball()
        return refused

    def check_drives(self) -> str:
        """Move all joints slowly, and then send nothing for a moment: `DriveCheck`; why not, in words, where refused.

        The arm is armed for that alone, and disarmed after it: see `take_check`.
        """
        with self._lock:
            now = self._clock()
            armed = 'it is armed: disarm it first' if self._watchdog.armed else ''
            refused = armed or self._braking() or self._watchdog.arm(now)
            latest = self._watchdog.joints.latest
            if not refused and latest is not None:
                self._loop.start_anew(latest.position)
                self._check = DriveCheck(self._limits, latest.position, now.steady)
            return refused

    def take_check(self) -> DriveCheck | None:
        """The check of the drives that has come to its end, or was ended by a fault or a person; once."""
        with self._lock:
            check = self._check
            if check is None or (self._watchdog.armed and check.measured is None):
                return None
            self._check = None
            self._watchdog.disarm()
            return check

    def _check_on(self, latest: ArmObservation | None, steady: int) -> bool:
        """The check of the drives goes on; whether nothing may be sent now."""
        check = self._check
        if check is None or not self._watchdog.armed or latest is None:
            return False
        check.see(latest.position, steady)
        silent = check.silent(steady)
        if silent:
            self._watchdog.see_takeover()  # the drives brake, and nothing that was sent holds
        return silent

    def disarm(self) -> None:
        """Slow the arm down and keep it standing; a latched fault stays latched."""
        with self._lock:
            self._watchdog.disarm()

    def emergency_stop(self) -> None:
        """Slow the arm down; it stands until a person resumes."""
        with self._lock:
            self._watchdog.emergency_stop(self._clock())

    def resume(self) -> str:
        """A person says that the cause is gone: disarmed then; why not, in words, where it is refused."""
        with self._lock:
            return self._braking() or self._watchdog.resume(self._clock())

    def health(self) -> Health:
        """How everything is now."""
        with self._lock:
            now, dog, loop = self._clock(), self._watchdog, self._loop
            fault, state = dog.fault, self.state
            amiss = '' if dog.armed else dog.amiss(now)  # where it is armed, that would be a fault
            values = {
                'state': str(state),
                'fault': str(fault.kind) if fault else '',
                'faults since the start': str(dog.faults),
                'arm found': self.found,
                'amiss now': amiss,
                'parameters version': str(self.version),
                'control tick jitter p99 [ms]': f'{1e3 * self._ticks.jitter():.2f}',
                'control tick overruns': str(self._ticks.overruns),
                'inner loop jitter p99 [ms]': f'{1e3 * loop.times.jitter():.2f}',
                'inner loop overruns': str(loop.times.overruns),
                'joint state age [s]': f'{dog.joints.age(now):.3f}',
                'joint states dropped': str(dog.joints.dropped),
                'ball age [s]': f'{dog.ball.age(now):.3f}',
                'sightings dropped': str(dog.ball.dropped),
                'spins dropped': str(dog.ball.spins_dropped),
                'rules that acted': ', '.join(
                    f'{rule} {count}' for rule, count in sorted(loop.acted.items())
                ),
            }
        if fault is not None:
            return Health(Level.ERROR, fault.sentence, values)
        if amiss:
            return Health(Level.WARNING, f'{state}: {amiss}', values)
        return Health(Level.OK, str(state), values)

    def _taken_over(self, latest: ArmObservation | None, now: Instant) -> bool:
        if self.sending:
            return True
        self._takeover.advance(self._loop, latest, now.steady)
        if self._takeover.said:
            self._watchdog.see_takeover()
        return bool(self._takeover.said)

    def _braking(self) -> str:
        if not self.sending:
            return 'no command was sent yet: the drives do not listen, or no joint states came'
        return '' if self.standing else 'the arm is still being slowed down'
