"""What interrupts a swing: clocks, people, and other nodes that hang or die."""

from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack, Clock
from llm_policy_improver.table_tennis.bench.attacks.case import Array
from llm_policy_improver.table_tennis.bench.attacks.joints import shown
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import ArmObservation
from llm_policy_improver.table_tennis.simulation.simulator import Simulator


class _ClockJump(Attack):
    must_latch = True

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        if cycle == self.onset:
            clock.set((-1.0) ** self._choice[0] * (0.1 + self._choice[1]))


class _Hang(Attack):
    hangs = True
    must_latch = True


class _EmergencyStop(Attack):
    must_latch = True

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        if cycle == self.onset:
            controller.emergency_stop()


class _Disarmed(Attack):
    """Disarmed in the swing, and armed again as soon as that is granted."""

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        if cycle == self.onset:
            controller.disarm()
        elif cycle > self.onset:
            controller.arm()


class _PeerDies(Attack):
    """The trace logger is killed, and says nothing any more on ``/diagnostics``."""

    must_latch = True
    patience = 0.5
    watchdog = WatchdogSettings(silent=0.5)

    def begin(self, controller: GuardedController) -> None:
        controller.heartbeat('trace_logger')

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        if cycle < self.onset:
            controller.heartbeat('trace_logger')


class _DriversRestarted(Attack):
    """The drivers are killed and come back: the drives stop, and the joint states come back with a jump.

    Either the arm is elsewhere then, as the stand-in arm, which begins in its ready pose, or an encoder has lost its
    zero.
    """

    must_latch = True

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._back = self.onset + int(rng.integers(40, 300))
        self._off = np.zeros(len(arm.ARM))
        self._elsewhere = bool(rng.integers(2))
        if not self._elsewhere:
            self._off[self._choice[0]] = rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 1.0)
        self._cycle = 0

    def drives(self, cycle: int, velocity: Array, simulator: Simulator) -> Array:
        self._cycle = cycle + 1
        if self._cycle == self._back and self._elsewhere:
            count = len(arm.ARM)
            simulator.data.qpos[:count] = simulator.data.act[:] = arm.HOME
            simulator.data.qvel[:count] = 0.0
        return velocity if not self.onset <= cycle < self._back else np.zeros(len(arm.ARM))

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        return [shown(one, position=one.position + self._off) for one in arms if self._cycle >= self._back]


INTERRUPTIONS: Final[dict[str, type[Attack]]] = {
    'clock jump': _ClockJump,
    'control loop hangs': _Hang,
    'emergency stop': _EmergencyStop,
    'disarmed and armed': _Disarmed,
    'trace logger killed': _PeerDies,
    'drivers killed and restarted': _DriversRestarted,
}
"""Clocks, people and other nodes that interrupt the swing."""
