"""Where the attacks on a controller take place: the guarded controller, MuJoCo's arm and a ball, in virtual time."""

import math
from collections import deque
from dataclasses import replace
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack, Clock
from llm_policy_improver.table_tennis.bench.attacks.case import CYCLES_PER_TICK, Array
from llm_policy_improver.table_tennis.bench.attacks.judge import MOVING
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardedController, GuardSettings
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

_HOLDING: Final = DriveTimeout(timeout=math.inf)
_BEFORE: Final = 120
"""Cycles before the ball: new parameters are ramped in."""


class Cell:
    """One case, from an armed arm in its ready pose on.

    Args:
        timeout: of the drives; they hold the last command for ever where none is given, which is harder to take over.
        config: of the controller.

    Attributes:
        simulator, clock: the world.
        controller: the one that runs now.
        drives: what they make of what they were told last, until they are told something else.
        moved: whether that was ever fast.
        recent: (2, 8) position and velocity of the joints as they really were in the last cycles, until now.
        cycles, rules: of the inner loop so far, and those in which the safety stage acted.
    """

    def __init__(
        self,
        simulator: Simulator,
        limits: SafetyLimits,
        attack: Attack,
        seed: int,
        timeout: DriveTimeout = _HOLDING,
        config: ControllerConfig | None = None,
    ) -> None:
        self.simulator, self.clock = simulator, Clock()
        self.drives = TimedDrives(timeout)
        self._attack = attack
        self._config = config or ControllerConfig()
        self._settings = replace(GuardSettings(), safety=limits, watchdog=attack.watchdog)
        self.recent: deque[Array] = deque(maxlen=8)
        self.moved, self.cycles, self.rules = False, 0, 0
        self.start_controller()
        self._prepare()
        simulator.launch(seed)
        self._start = self.clock.now.stamp

    def start_controller(self) -> None:
        """A new one, which knows nothing of the one before."""
        self.controller = GuardedController(
            self._config, self._settings, lambda: self.clock.now, self._attack.chooser
        )

    def look(self) -> tuple[list[ArmObservation], list[BallObservation]]:
        """What encoders and cameras show, with the stamps of the case."""
        observed, sightings = self.simulator.observe()
        arms = [ArmObservation(observed.stamp + self._start, observed.position, observed.velocity)]
        balls = [BallObservation(one.stamp + self._start, one.position) for one in sightings]
        return arms, [] if self.simulator.finished else balls

    def deliver(self, arms: list[ArmObservation], balls: list[BallObservation]) -> None:
        """It arrives at the controller."""
        for one in arms:
            self.controller.observe_joints(one)
        for ball in balls:
            self.controller.observe_ball(ball)

    def decide(self, *, ticking: bool) -> Array | None:
        """One cycle of the controller; what it sends (8,), if anything."""
        if ticking:
            self.controller.tick()
        command = self.controller.cycle()
        if command is None:
            return None
        self.cycles += 1
        self.rules += bool(command.rules)
        self.moved = self.moved or float(np.abs(command.velocity).max()) > MOVING
        self.drives.take(slice(None), command.velocity, self.clock.now.steady)
        return command.velocity

    def go_on(self, velocity: Array | None = None) -> None:
        """The drives act for one cycle, on this velocity or on what they were told last."""
        told = self.drives.velocity(self.clock.now.steady) if velocity is None else velocity
        self.simulator.step(told)
        data, count = self.simulator.data, len(arm.ARM)
        self.recent.append(np.array([data.qpos[:count], data.qvel[:count]]))
        self.clock.advance()

    def _prepare(self) -> None:
        """Everything in order for a moment, the person's service call, and the parameters taken up."""
        controller = self.controller
        for cycle in range(_BEFORE):
            controller.observe_joints(
                ArmObservation(self.clock.now.stamp, np.array(arm.HOME), np.zeros(len(arm.ARM)))
            )
            if cycle % CYCLES_PER_TICK == 0:
                controller.tick()
            controller.cycle()
            self.clock.advance()
            if cycle == 2 * CYCLES_PER_TICK:
                refused = controller.arm()
                if refused:
                    raise RuntimeError(f'the arm could not be armed: {refused}')
                self._attack.begin(controller)
