"""The guarded controller and the simulated arm in virtual time: the physical arm's timing, without waiting for it.

    going = GuardedArm(simulator, ControllerConfig(), GuardSettings())
    going.guard.handover.offer(parameters)
    going.make_ready()
    simulator.launch(seed)
    while not simulator.finished:
        going.step()

What runs on the arm runs here: watchdog, handover, inner loop and safety stage around the controller, each at its own
rate. Only that nothing comes late, unless a subclass makes it.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.control.choosing import Chooser
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardedController, GuardSettings
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoopSettings
from llm_policy_improver.table_tennis.guard.sensor_checks import Instant
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.continuous import ARM_GROUP, GANTRY_GROUP
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

Array = NDArray[np.float64]

_START: Final = Instant(5 * NANOSECONDS, 1_700_000_000 * NANOSECONDS)
"""Far apart, so that one clock taken for the other shows."""
_PATIENCE: Final = NANOSECONDS
"""ns beyond the handover in which an arm in order is armed."""


def in_cycles(simulation: SimulationConfig, inner_loop: InnerLoopSettings) -> SimulationConfig:
    """The simulation that advances by one cycle of the inner loop at a time, rounded to whole physics steps."""
    steps = max(1, round(inner_loop.period / simulation.physics_period))
    return replace(simulation, control_period=steps * simulation.physics_period)


class GuardedArm:
    """A controller, disarmed at the start, and the arm that it commands. Subclasses listen in, or interfere.

    Args:
        simulator: advances by one cycle of the inner loop at a time: `in_cycles`.
        config: of the controller.
        settings: of what guards the arm.
        chooser: chooses the parameters of each ball's swing; None: those offered hold.

    Attributes:
        guard: the controller.
        simulator: the arm.
        now: the time by both clocks.
    """

    def __init__(
        self,
        simulator: Simulator,
        config: ControllerConfig,
        settings: GuardSettings,
        chooser: Chooser | None = None,
    ) -> None:
        self.simulator = simulator
        self.now = _START
        self.guard = GuardedController(config, settings, lambda: self.now, chooser)
        self._cycle = round(simulator.config.control_period * NANOSECONDS)
        self._period = round(config.period * NANOSECONDS)
        self._ramp = round(settings.handover.ramp * NANOSECONDS) + 2 * self._period
        self._tick_due = self.now.steady
        self._groups = tuple(zip((GANTRY_GROUP, ARM_GROUP), settings.inner_loop.cycles, strict=True))
        self._number = 0
        self._drives = TimedDrives(DriveTimeout.of(settings.safety))

    def make_ready(self) -> None:
        """Have what `guard.handover` was offered taken up and the arm armed, while it stands in its ready pose.

        The simulation does not move on meanwhile: an arm that is sent standstill stays where it is.

        Raises:
            RuntimeError: the controller refuses to be armed.
        """
        still = np.zeros(len(arm.ARM))
        start = self.now.steady
        while True:
            self.take_joints(ArmObservation(self.now.stamp, np.array(arm.HOME), still))
            self._command()
            since = self.now.steady - start - self._ramp
            if since < 0:
                continue
            refused = self.guard.arm()
            if not refused:
                return
            if since > _PATIENCE:
                raise RuntimeError(f'the simulated arm could not be armed: {refused}')

    def step(self) -> None:
        """One cycle of the inner loop, with the messages that come before it."""
        observation, sightings = self.observe()
        self.take_joints(observation)
        for sighting in sightings:
            self.take_ball(sighting)
        self._command()
        self.simulator.step(self._drives.velocity(self.now.steady))

    def observe(self) -> tuple[ArmObservation, list[BallObservation]]:
        """What the drivers and the cameras report now, by the clock of the stamps."""
        seen, sightings = self.simulator.observe()
        launched = self.now.stamp - self.simulator.stamp
        return (
            ArmObservation(self.now.stamp, seen.position, seen.velocity),
            [one._replace(stamp=launched + one.stamp) for one in sightings],
        )

    def take_joints(self, observation: ArmObservation) -> None:
        """A joint state comes."""
        self.guard.observe_joints(observation)

    def take_ball(self, sighting: BallObservation) -> None:
        """A sighting comes."""
        self.guard.observe_ball(sighting)

    def tick(self) -> None:
        """A control tick is due."""
        self.guard.tick()

    def cycle(self) -> Array | None:
        """A cycle of the inner loop is due: (8,) m/s and rad/s, what is sent; None where nothing is."""
        command = self.guard.cycle()
        return None if command is None else command.velocity

    def _command(self) -> None:
        """The control ticks and the cycle that are due now, and what each group of drives gets; time goes on."""
        while self._tick_due <= self.now.steady:
            self.tick()
            self._tick_due += self._period
        velocity = self.cycle()
        for group, every in self._groups:
            if velocity is not None and self._number % every == 0:
                self._drives.take(group, velocity[group], self.now.steady)
        self._number += 1
        self.now = Instant(self.now.steady + self._cycle, self.now.stamp + self._cycle)
