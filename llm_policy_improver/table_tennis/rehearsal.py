"""The rehearsal: a proposal is played in simulation, with physics drawn anew for every ball, before the arm may try it.

    result = Rehearsal().play((1.0, 1.0, 0.8, 1.0, 1.0, 0.8, 1.0, 1.0))
    print(result.refused or result.sentence)

What is played is what will run on the arm: the controller with the settings of the arm's own parameter file, with
inner loop, safety stage and watchdog. What differs from ball to ball: its flight and bounces, the launch, delays and
noise. So a proposal must be good for more than the one model that the simulator happens to be. What the arm has learnt
of its feeder's spin and of its table is told to the controller, as it will be, and simulated balls have it. The same
configuration, seed and expectation give the same result.
"""

import math
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.audit import GateVerdict
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.policy import Parameters, Policy, Program
from llm_policy_improver.core.settings import SettingsError, named_settings, read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.arm.modulation import Allowed, Modulation
from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.cells import Cell
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.rehearsal_result import Proven, RehearsalResult, RehearsedTrial, refusal
from llm_policy_improver.table_tennis.settings import ControllerSettings, require_limits
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.incoming import to_expect
from llm_policy_improver.table_tennis.tracing.observed import landing_of

if TYPE_CHECKING:
    from llm_policy_improver.table_tennis.guarded_table_tennis import GuardedTableTennis
    from llm_policy_improver.table_tennis.simulation.watched import WatchedSimulator

_LEAST_RESTITUTION: Final = 0.5
"""Of a table that is drawn around what was measured: no table is deader."""
_AT_LIMIT: Final = 0.999
"""Of a velocity limit, from which on a command counts as limited."""


class Rehearsal:
    """A gate that lets pass what does well in simulation.

    Args:
        config: how much is played, and what is too near or too often.
        seed: draws physics, balls, delays and noise.
        arm: of the controller that will run; as the files of ``config`` say where None.
        space: the bounds, to which the choices of programs are clipped.

    Attributes:
        config: as given.
        arm: what is rehearsed.

    Raises:
        SettingsError: a file cannot be read, or says what the controller would refuse.
    """

    name = 'rehearsal'

    def __init__(
        self,
        config: RehearsalConfig | None = None,
        seed: int = 0,
        arm: ControllerSettings | None = None,
        space: ParameterSpace | None = None,
    ) -> None:
        self.config = config or RehearsalConfig()
        self.arm = arm or arm_settings(self.config)
        self._seed = seed
        self._space = space or parameter_space(Searched.BOTH)
        self._latency = expected_delays(self.arm.controller.latency)
        self._fastest = _AT_LIMIT * np.array(self.arm.safety.velocity)
        self._tasks: list[tuple[GuardedTableTennis, WatchedSimulator]] = []
        self._expected = NOTHING
        try:
            SafetyStage(self.arm.safety)
        except ValueError as error:
            raise SettingsError(f'rehearsal: {error}') from None

    @property
    def allowed(self) -> Allowed:
        """What the arm's safety file allows policies to be."""
        return self.arm.safety.allowed

    def judge(self, case: GateCase) -> GateVerdict:
        """Refuse what does not do well.

        Where balls miss too often, what the arm itself has shown counts, too: the policy nearest to this one whose ball
        landed is rehearsed likewise. Near the edge of the table simulated balls, whose physics are drawn from wider
        ranges than one cell has, miss now and then with every policy.
        """
        expected = to_expect(case.history, case.version)
        result = self.play(case.proposal.policy, expected)
        proven = self._proven(case)
        if result.refused and proven is not None and not refusal(self._missing_allowed, result.trials):
            known = Proven(proven.number, self.play(proven.policy, expected).landed)
            result = RehearsalResult(result.trials, refusal(self.config, result.trials, known), known)
        return GateVerdict(
            self.name, not result.refused, result.refused or result.sentence, figures=result.as_json()
        )  # fmt: skip

    @property
    def _missing_allowed(self) -> RehearsalConfig:
        return replace(self.config, most_misses=self.config.trials - 1)

    def _proven(self, case: GateCase) -> Trial | None:
        """The trial nearest to a proposal, in the cube of the bounds, whose ball landed; None of programs."""
        if isinstance(case.proposal.policy, Program):
            return None
        here = self._space.unit(case.proposal)
        good = [each for each in case.history if each.succeeded and isinstance(each.policy, Parameters)]
        return min(good, key=lambda each: np.linalg.norm(self._space.unit(each) - here), default=None)

    def play(self, policy: Policy, expected: Expected = NOTHING) -> RehearsalResult:
        """Play this policy with every physics drawn.

        Args:
            policy: what may run on the arm.
            expected: of the balls that it will meet, as trials before it showed them.

        Raises:
            SandboxUnavailableError: it is a program, and this machine cannot confine one.
        """
        modulation = replace(Modulation.within(self._space, policy), expected=expected)
        if expected != self._expected:
            self._tasks, self._expected = [], expected
        with ExitStack() as stack:
            chooser = None
            if modulation.program is not None:
                chooser = stack.enter_context(BallChooser(self.allowed.residual, waits=True))
            trials = tuple(
                self._trial(number, modulation, chooser) for number in range(1, self.config.trials + 1)
            )
        return RehearsalResult(trials, refusal(self.config, trials))

    def physics(self, number: int, expected: Expected = NOTHING) -> SimulationConfig:
        """The simulation of the ball of this number, from 1, with spin and table drawn as they are expected."""
        generator = np.random.default_rng([self._seed, number, 3])
        return SimulationConfig(
            camera_noise=self.config.camera_noise,
            latency=self._latency,
            ball=_bouncing(self.config.ball_ranges.draw(generator), expected, generator),
            balls=self.config.balls,
            launcher=_spinning(self.config.launcher(), expected),
        )

    def _trial(self, number: int, modulation: Modulation, chooser: BallChooser | None) -> RehearsedTrial:
        if len(self._tasks) < number:
            self._tasks.append(self._task(number))
        task, simulator = self._tasks[number - 1]
        trial = task.play(modulation, self._seed + number, chooser)
        choice = None if chooser is None else chooser.pop()
        landing = landing_of(trial)
        at_limit = np.any(np.abs(task.sent) >= self._fastest, axis=1)
        margins = simulator.margins()
        return RehearsedTrial(
            number=number,
            outcome=trial.outcome,
            landing=None if landing is None else (landing.x, landing.y),
            clearance=margins.clearance,
            nearest=margins.nearest,
            joint_clearance=margins.joint_clearance,
            nearest_joint=margins.nearest_joint,
            saturation=_longest_run(at_limit) * simulator.config.control_period,
            limited=task.limited / len(task.sent),
            rules=task.rules,
            fault=task.fault,
            collision=simulator.arm_contact,
            fallback='' if choice is None else choice.sentence,
        )

    def _task(self, number: int) -> 'tuple[GuardedTableTennis, WatchedSimulator]':
        # MuJoCo is needed only where something is rehearsed.
        from llm_policy_improver.table_tennis.guarded_arm import in_cycles
        from llm_policy_improver.table_tennis.guarded_table_tennis import GuardedTableTennis
        from llm_policy_improver.table_tennis.simulation.watched import WatchedSimulator

        simulator = WatchedSimulator(in_cycles(self.physics(number, self._expected), self.arm.inner_loop))
        return GuardedTableTennis(simulator, self.arm.controller, self.arm.guard), simulator


def _bouncing(ball: BallModel, expected: Expected, generator: np.random.Generator) -> BallModel:
    known = expected.restitution
    if known is None:
        return ball
    drawn = known.mean + known.deviation * float(generator.standard_normal())
    return replace(ball, table_restitution=min(max(drawn, _LEAST_RESTITUTION), 1.0))


def _spinning(launcher: Launcher, expected: Expected) -> Launcher:
    known = expected.spin
    if known is None:
        return launcher
    x, y, z = (math.sqrt(3.0) * deviation for deviation in known.deviation)  # even draws, as far spread
    return replace(launcher, spin=known.mean, spin_spread=(x, y, z))


def allowed(config: RehearsalConfig) -> Allowed:
    """What the arm's safety file allows policies to be.

    Raises:
        SettingsError: a file cannot be read, or says what the controller would refuse.
    """
    return arm_settings(config).safety.allowed


def arm_settings(config: RehearsalConfig) -> ControllerSettings:
    """Of the controller that is rehearsed.

    Raises:
        SettingsError: a file cannot be read, or says what the controller would refuse.
    """
    path = Path(config.config) if config.config else share_folder() / 'config' / 'hardware.yaml'
    on_top = [Path(config.safety)] if config.safety else []
    try:
        settings = read_settings(path, ControllerSettings, 'controller', *on_top)
        for each in on_top:
            require_limits(named_settings(each, 'controller'), str(each))
        return settings
    except SettingsError as error:
        raise SettingsError(f'rehearsal, of the arm of {error}') from None


def expected_delays(known: LatencyModel) -> Latency:
    """The delays of an arm whose means the controller knows, with the published spreads in proportion to them.

    Those of the cameras are the published ones: sightings tell their age, and no controller has to know it.
    """
    published = Latency.published()

    def spread(name: str) -> float:
        return float(getattr(known, name) * getattr(published, f'{name}_spread') / getattr(published, name))

    names = ('arm_state', 'slide_state', 'arm_action', 'slide_x_action', 'slide_y_action')
    return Latency(
        ball=published.ball,
        ball_spread=published.ball_spread,
        **{name: getattr(known, name) for name in names},
        **{f'{name}_spread': spread(name) for name in names},
    )


def _longest_run(holds: NDArray[np.bool_]) -> int:
    """Of cycles in a row in which it holds."""
    longest = run = 0
    for held in holds.tolist():
        run = run + 1 if held else 0
        longest = max(longest, run)
    return longest


def arm_cell(config: RehearsalConfig) -> Cell:
    """The arm of a rehearsal's files: its controller, the delays and ball that this knows, as balls come to it.

    Raises:
        SettingsError: a file cannot be read, or says what the controller would refuse.
    """
    controller = arm_settings(config).controller
    simulation = SimulationConfig(
        control_period=controller.period, camera_noise=config.camera_noise, random_phase=True,
        latency=expected_delays(controller.latency), ball=controller.ball, launcher=config.launcher(),
    )  # fmt: skip
    return simulation, controller
