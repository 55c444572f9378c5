"""The table-tennis task: one trial as one function, simulator and controller in one process."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Self

from llm_policy_improver.core.policy import Policy
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.expected import NOTHING
from llm_policy_improver.table_tennis.control.choosing import Chooser
from llm_policy_improver.table_tennis.control.controller import ControllerConfig, LowLevelController
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator
from llm_policy_improver.table_tennis.tracing.incoming import to_expect
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder


def require_one_period(simulation: SimulationConfig, controller: ControllerConfig) -> None:
    """Raise `ValueError` unless the controller plans for the period that the simulation calls it with."""
    if abs(simulation.control_period - controller.period) > 1e-9:
        raise ValueError(
            f'the simulation calls the controller every {simulation.control_period:g} s, '
            f'but it plans for {controller.period:g} s: set both periods to the same value'
        )


class TableTennis:
    """Plays single balls in simulation.

    Example:
        >>> trace = TableTennis().run(Modulation().policy, seed=0)
        >>> trace.outcome.value
        'landed'

    Args:
        simulation, controller: the settings of both.
        chooser: chooses the parameters of each ball's swing; None: those of the policy hold.

    Attributes:
        simulator: for what really happened, which the trace does not tell.
        expected: of the balls to come.

    Raises:
        ValueError: the controller's period is not that of the simulation.
    """

    def __init__(
        self,
        simulation: SimulationConfig | None = None,
        controller: ControllerConfig | None = None,
        chooser: Chooser | None = None,
    ) -> None:
        self.simulator = make_simulator(simulation)
        self._controller = LowLevelController(controller, chooser=chooser)
        require_one_period(self.simulator.config, self._controller.config)
        config = self._controller.config
        self._recorder = TraceRecorder(ball=config.ball, filter=config.filter)
        self._modulation = Modulation()
        self.expected = NOTHING

    def run(self, policy: Policy, seed: int) -> Trial:
        """Play the ball of this seed with this policy; the same arguments and `expected` give the same trial."""
        self.begin(replace(Modulation.of(policy), expected=self.expected), seed)
        while not self.simulator.finished:
            self.step()
        return self.finish()

    def informed_by(self, trials: Sequence[Trial], version: int) -> Self:
        """The same cell, where balls are expected to be as those of trials before this version.

        It shares simulator and controller with this one; see `core.task.LearningTask`.
        """
        informed = copy(self)
        informed.expected = to_expect(trials, version)
        return informed

    def begin(self, modulation: Modulation, seed: int) -> None:
        """Launch the ball of this seed; `step` while the simulator has not finished, then `finish`."""
        self._controller.end_ball()
        self._controller.offer(modulation)
        self._recorder.clear()
        self._modulation = modulation
        self.simulator.launch(seed)

    def step(self) -> None:
        """Play one control period."""
        controller, recorder = self._controller, self._recorder
        arm_now, sightings = self.simulator.observe()
        for sighting in sightings:
            controller.observe_ball(sighting)
            recorder.balls.append(sighting)
        command = controller.command(arm_now)
        recorder.arms.append(arm_now)
        recorder.commands.append(command)
        self.simulator.step(command.applied)

    def finish(self) -> Trial:
        """What happened."""
        self._recorder.balls.extend(self.simulator.observe()[1])
        return self._recorder.finish(self._modulation, self.simulator.arm_contact)
