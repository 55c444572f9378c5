"""The guarded controller and MuJoCo in virtual time: the physical arm's timing without waiting and without chance."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardedController, GuardSettings
from llm_policy_improver.table_tennis.guard.sensor_checks import Instant
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives

MS = 1_000_000
EPOCH = 1_700_000_000 * NANOSECONDS
"""ns: where the clock of the stamps stands at the start."""


class GuardedCell:
    """Encoders every 8 ms, control ticks every 20 ms, commands every 4 ms.

    Attributes:
        guard: under test.
        drives: those of `DriveTimeout`, until the controller is killed.
        sent: what was sent, (8,) a cycle.
        ticks: what the control ticks gave back.
        connected, ticking, sending: whether the drivers report, the control ticks and the inner loop run.
        alter_joints, alter_ball: what a broken sensor makes of a message; None: it is lost.
        set_clock: ns, added to the clock of the stamps.
    """

    def __init__(
        self,
        settings: GuardSettings | None = None,
        simulation: SimulationConfig | None = None,
        config: ControllerConfig | None = None,
    ) -> None:
        self._steady = 5 * NANOSECONDS
        self.set_clock = EPOCH
        self.simulator = make_simulator(replace(simulation or SimulationConfig(), control_period=0.004))
        self.simulator.launch(0)
        self._launched = -1
        self._config, self._settings = config or ControllerConfig(), settings or GuardSettings()
        self.drives = TimedDrives(DriveTimeout())
        self.restart()
        self.sent: list[NDArray[np.float64]] = []
        self.ticks: list[tuple[NDArray[np.float64], int]] = []
        self.connected = True
        self.alter_joints: Callable[[ArmObservation], ArmObservation | None] = lambda seen: seen
        self.alter_ball: Callable[[BallObservation], BallObservation | None] = lambda seen: seen
        self._cycle = 0

    def kill(self) -> None:
        """The controller's process ends, and the drives go on with its last command, as some do for ever."""
        self.drives = TimedDrives(DriveTimeout(math.inf))
        if self.sent:
            self.drives.take(slice(None), self.sent[-1], self._steady)
        self.pause()

    def pause(self) -> None:
        """The controller's process is stopped."""
        self.ticking = self.sending = False

    def others_send(self, velocity: NDArray[np.float64]) -> None:
        """A command (8,) to the drives, m/s and rad/s, of somebody else."""
        self.sent.append(velocity)
        self.drives.take(slice(None), velocity, self._steady)

    def go_on(self) -> None:
        """It is continued."""
        self.ticking = self.sending = True

    def restart(self) -> None:
        """A new controller; it knows nothing of the one before."""
        self.guard = GuardedController(self._config, self._settings, lambda: self.now)
        self.ticking = self.sending = True

    @property
    def now(self) -> Instant:
        return Instant(self._steady, self._steady + self.set_clock)

    @property
    def velocity(self) -> NDArray[np.float64]:
        """(8,) of the joints as they really are, m/s and rad/s."""
        return self.simulator.data.qvel[:8].copy()

    @property
    def position(self) -> NDArray[np.float64]:
        """(8,) of the joints as they really are, m and rad."""
        return self.simulator.data.qpos[:8].copy()

    def throw(self, seed: int = 0) -> None:
        """A ball; the arm is put back into its ready pose."""
        self.simulator.launch(seed)
        self._launched = self._cycle

    def run(self, seconds: float) -> None:
        """For a while."""
        for _ in range(round(seconds / 0.004)):
            self.step()

    def until(self, condition: Callable[[], bool], seconds: float = 3.0) -> float:
        """Until it holds; how long that took, s."""
        for number in range(round(seconds / 0.004)):
            if condition():
                return number * 0.004
            self.step()
        raise AssertionError(f'not within {seconds:g} s')

    def armed(self) -> 'GuardedCell':
        """Running for long enough, and armed."""
        self.run(1.2)
        refused = self.guard.arm()
        assert not refused, refused
        return self

    def step(self) -> None:
        """One cycle of the inner loop."""
        seen, sightings = self.simulator.observe()
        stamp = self.now.stamp
        if self.connected and self._cycle % 2 == 0:
            joints = self.alter_joints(ArmObservation(stamp, seen.position, seen.velocity))
            if joints is not None:
                self.guard.observe_joints(joints)
        for sighting in sightings if self._launched >= 0 and not self.simulator.finished else ():
            late = self.simulator.stamp - sighting.stamp
            ball = self.alter_ball(BallObservation(stamp - late, sighting.position))
            if ball is not None:
                self.guard.observe_ball(ball)
        if self.ticking and self._cycle % 5 == 0:
            done = self.guard.tick()
            if done is not None:
                self.ticks.append((done[0].applied, done[1]))
        if self.sending:
            command = self.guard.cycle()
            if command is not None:
                self.sent.append(command.velocity)
                self.drives.take(slice(None), command.velocity, self._steady)
        self.simulator.step(self.drives.velocity(self._steady))
        self._steady += 4 * MS
        self._cycle += 1

    def play(self, seed: int = 0) -> list[str]:
        """Throws one ball; what it touched."""
        self.throw(seed)
        self.until(lambda: self.simulator.finished, 4.0)
        touched = [contact.what for contact in self.simulator.contacts]
        self.run(1.5)
        return touched
