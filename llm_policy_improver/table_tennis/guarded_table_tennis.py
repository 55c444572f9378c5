"""The table-tennis task as it is on the physical arm: with all that guards it, in virtual time."""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.policy import Policy
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.choosing import Chooser
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardSettings
from llm_policy_improver.table_tennis.guarded_arm import GuardedArm
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.simulator import Simulator
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder

Array = NDArray[np.float64]


class GuardedTableTennis:
    """Plays single balls as the nodes of the physical arm do.

    Example:
        >>> simulation = in_cycles(SimulationConfig(), InnerLoopSettings())
        >>> task = GuardedTableTennis(make_simulator(simulation))
        >>> task.run(Modulation().policy, seed=0).outcome.value
        'landed'

    Args:
        simulator: advances by one cycle of the inner loop at a time: `guarded_arm.in_cycles`.
        controller: of the arm.
        guard: what guards it.

    Attributes:
        simulator: for what really happened, which the trace does not tell.
        sent: (n, 8) m/s and rad/s, what was sent in each cycle of the last ball.
        limited: cycles of these in which the safety stage changed the command.
        rules: cycles in which each of its rules did.
        fault: why the arm was stopped meanwhile; empty where it was not.
    """

    def __init__(
        self,
        simulator: Simulator,
        controller: ControllerConfig | None = None,
        guard: GuardSettings | None = None,
    ) -> None:
        self.simulator = simulator
        self._controller = controller or ControllerConfig()
        guard = guard or GuardSettings()
        # The parameters are taken up before the ball comes: how slowly changes nothing.
        self._guard = replace(guard, handover=replace(guard.handover, ramp=0.0))
        self._recorder = TraceRecorder(ball=self._controller.ball, filter=self._controller.filter)
        self.sent: Array = np.empty((0, len(arm.ARM)))
        self.limited = 0
        self.rules: dict[str, int] = {}
        self.fault = ''

    def run(self, policy: Policy, seed: int) -> Trial:
        """Play the ball of this seed with this policy; the same arguments give the same trial."""
        return self.play(Modulation.of(policy), seed)

    def play(self, modulation: Modulation, seed: int, chooser: Chooser | None = None) -> Trial:
        """The same with what a policy comes to, and who chooses for the ball where that is a program."""
        # A controller of its own for every ball: no fault and no drift of one reaches the next.
        played = _PlayedArm(self.simulator, self._controller, self._guard, self._recorder, chooser)
        played.guard.handover.offer(modulation)
        played.make_ready()
        played.begin()
        self.simulator.launch(seed)
        while not self.simulator.finished:
            played.step()
        self._recorder.balls.extend(played.observe()[1])
        self.sent, self.limited = np.array(played.sent), played.limited
        self.rules = {str(rule): count for rule, count in played.rules.items()}
        self.fault = '' if played.guard.fault is None else played.guard.fault.sentence
        return self._recorder.finish(modulation, self.simulator.arm_contact)


class _PlayedArm(GuardedArm):
    """Notes what passes, as the trace logger does."""

    def __init__(
        self,
        simulator: Simulator,
        config: ControllerConfig,
        settings: GuardSettings,
        recorder: TraceRecorder,
        chooser: Chooser | None,
    ) -> None:
        super().__init__(simulator, config, settings, chooser)
        self._recorder = recorder
        self.begin()

    def begin(self) -> None:
        """The ball comes now."""
        self._recorder.clear()
        self.sent: list[Array] = []
        self.limited = 0
        self.rules: Counter[str] = Counter()

    def take_joints(self, observation: ArmObservation) -> None:
        super().take_joints(observation)
        self._recorder.arms.append(observation)

    def take_ball(self, sighting: BallObservation) -> None:
        super().take_ball(sighting)
        self._recorder.balls.append(sighting)

    def tick(self) -> None:
        done = self.guard.tick()
        if done is not None:
            self._recorder.commands.append(done[0])

    def cycle(self) -> Array | None:
        command = self.guard.cycle()
        if command is None:
            return None
        self.sent.append(command.velocity)
        self.limited += bool(command.rules)
        self.rules.update(command.rules)
        return command.velocity
