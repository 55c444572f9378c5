"""An attack on a controller that plays a ball, and the clock of its case."""

from dataclasses import replace
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.case import CYCLE, Array
from llm_policy_improver.table_tennis.control.choosing import Chooser
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.sensor_checks import Instant
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

_ONSET: Final = (40, 200)
"""Cycles, between which the attack begins: while the arm is in motion."""


class Clock:
    """Simulated time, which an attack may set."""

    def __init__(self) -> None:
        self.now = Instant(NANOSECONDS, NANOSECONDS)

    def advance(self) -> None:
        step = round(CYCLE * NANOSECONDS)
        self.now = Instant(self.now.steady + step, self.now.stamp + step)

    def set(self, by: float) -> None:
        """Somebody sets the clock of the stamps by so many seconds."""
        self.now = replace(self.now, stamp=self.now.stamp + round(by * NANOSECONDS))


class Attack:
    """On a controller that plays a ball. This one does nothing: the undisturbed play.

    Attributes:
        onset: cycle in which it begins.
        hangs: whether the control ticks stop then.
        must_latch: whether it is a fault whenever it happens while sensors report; others are only where they do harm.
        patience: s after its begin until it is one.
        watchdog: settings.
        chooser: chooses the parameters of each ball's swing; None: nobody does.
    """

    hangs = False
    must_latch = False
    patience = 0.0
    watchdog = WatchdogSettings()
    chooser: Chooser | None = None

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.onset = int(rng.integers(*_ONSET))
        self._choice = rng.permutation(len(arm.ARM))

    def begin(self, controller: GuardedController) -> None:
        """Before the ball."""

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        """Once a cycle."""

    def drives(self, cycle: int, velocity: Array, simulator: Simulator) -> Array:
        """What the drives make of the command (8,)."""
        return velocity

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        """What arrives of the joint states."""
        return arms

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        """What arrives of the sightings."""
        return balls
