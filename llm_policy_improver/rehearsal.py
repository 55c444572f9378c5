"""The rehearsal: a proposal is played in simulation, with physics drawn anew for every ball, before the arm may try it.

    result = Rehearsal().play((1.0, 1.0, 0.8, 1.0, 1.0, 0.8, 1.0, 1.0))
    print(result.refused or result.sentence)

What differs from ball to ball: the ball's flight and bounces, the launch, delays and noise. So a proposal must be good
for more than the one model that the simulator happens to be. The same configuration and seed give the same result.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llm_policy_improver.audit import GateVerdict
from llm_policy_improver.ball import BallModel, Vec
from llm_policy_improver.control.ball_filter import FilterConfig
from llm_policy_improver.control.controller import ControllerConfig
from llm_policy_improver.control.joint_model import LatencyModel
from llm_policy_improver.control.limits import SPEED_LIMIT
from llm_policy_improver.control.stroke import StrokeConfig
from llm_policy_improver.gates import GateCase
from llm_policy_improver.parameters import PolicyParameters
from llm_policy_improver.simulation.config import SimulationConfig
from llm_policy_improver.simulation.latency import Latency
from llm_policy_improver.simulation.launcher import Launcher
from llm_policy_improver.trace import TraceSamples

if TYPE_CHECKING:
    from llm_policy_improver.simulation.watched import WatchedSimulator
    from llm_policy_improver.tasks.table_tennis import TableTennis

BALL_RANGES: Final[dict[str, tuple[float, float]]] = {
    'drag_coefficient': (0.48, 0.60),
    'lift_coefficient': (0.12, 0.24),
    'table_restitution': (0.88, 0.93),
    'table_friction': (0.20, 0.30),
    'racket_restitution': (0.78, 0.81),
    'racket_grip': (0.55, 0.85),
}
"""Fields of `BallModel` and the ranges they are drawn from. Drag, lift and both restitutions: the spread of published
fits to recordings; table friction: +- 0.05 as in D'Ambrosio et al. 2024 (arXiv 2408.03906); grip: our own estimate."""

_AT_LIMIT: Final = 0.999
"""Of a velocity limit, from which on a command counts as limited."""


@dataclass(frozen=True, slots=True)
class RehearsalConfig:
    """How a proposal is rehearsed, and when it is refused.

    Attributes:
        trials: balls played in simulation.
        most_misses: so many of them may fail to land on the opponent's half.
        clearance: m that the arm keeps from table, net and floor.
        joint_margin: share of its range that every joint keeps from both ends.
        longest_saturation: s in a row that a command may be at a joint's velocity limit.
        camera_noise: m, standard deviation of each coordinate of a sighting.
        ball_position, ball_velocity, ball_spin: (3,) m, m/s and rad/s in frame ``table``: how balls come to the arm.
        position_spread, velocity_spread: m and m/s by which each coordinate differs at most.

    Raises:
        ValueError: a number is out of range.
    """

    trials: int = 8
    most_misses: int = 2
    clearance: float = 0.05
    joint_margin: float = 0.01
    longest_saturation: float = 0.3
    camera_noise: float = 0.003
    ball_position: Vec = Launcher().position
    ball_velocity: Vec = Launcher().velocity
    ball_spin: Vec = Launcher().spin
    position_spread: float = 0.03
    velocity_spread: float = 0.12

    def __post_init__(self) -> None:
        if not 1 <= self.trials <= 1000 or not 0 <= self.most_misses < self.trials:
            raise ValueError(
                'rehearsal: trials must be from 1 to 1000, and most_misses from 0 to one less than trials; '
                f'got {self.trials} and {self.most_misses}'
            )
        if not 0.0 <= self.clearance <= 0.25:
            raise ValueError(f'rehearsal: clearance must be between 0 and 0.25 m; got {self.clearance:g} m')
        if not 0.0 <= self.joint_margin <= 0.2:
            raise ValueError(
                f'rehearsal: joint_margin must be between 0 and 0.2 of a range; got {self.joint_margin:g}'
            )
        if not 0.0 <= self.longest_saturation <= 3.0:
            raise ValueError(
                f'rehearsal: longest_saturation must be between 0 and 3 s; got {self.longest_saturation:g} s'
            )
        self.launcher()

    def launcher(self) -> Launcher:
        """Of the balls."""
        return Launcher(
            self.ball_position, self.ball_velocity, self.ball_spin,
            position_spread=(self.position_spread,) * 3, velocity_spread=(self.velocity_spread,) * 3,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RehearsedTrial:
    """Figures of one simulated ball.

    Attributes:
        number: of the ball, from 1.
        outcome: as the cameras saw it.
        landing: m, x and y; None where there was none.
        clearance: m, the smallest distance of the arm to table, net or floor; negative inside.
        nearest: which part came so near to what.
        joint_clearance: the smallest share of its range that a joint was away from an end of it.
        nearest_joint: which joint that was.
        saturation: s, the longest time in a row that a command was at a joint's velocity limit.
        collision: what the arm touched; empty where nothing.
    """

    number: int
    outcome: str
    landing: tuple[float, float] | None
    clearance: float
    nearest: str
    joint_clearance: float
    nearest_joint: str
    saturation: float
    collision: str


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """What a rehearsal came to.

    Attributes:
        trials: one a ball.
        refused: why the proposal must not reach the arm, in one clause; empty where it may.
    """

    trials: tuple[RehearsedTrial, ...]
    refused: str

    @property
    def landed(self) -> int:
        """Balls that landed on the opponent's half."""
        return sum(trial.outcome == 'landed' for trial in self.trials)

    @property
    def sentence(self) -> str:
        """The worst figures, in one clause."""
        near, joint = self._nearest, self._nearest_joint
        return (
            f'{self.landed} of {len(self.trials)} balls landed in simulation; the arm kept '
            f'{near.clearance:.2f} m ({near.nearest or "from all around"}) and {joint.joint_clearance:.1%} of a '
            f'joint range ({joint.nearest_joint}), and was at a velocity limit for up to {self.saturation:.2f} s'
        )

    @property
    def saturation(self) -> float:
        """Longest time in a row at a velocity limit, s."""
        return max(trial.saturation for trial in self.trials)

    @property
    def _nearest(self) -> RehearsedTrial:
        return min(self.trials, key=lambda trial: trial.clearance)

    @property
    def _nearest_joint(self) -> RehearsedTrial:
        return min(self.trials, key=lambda trial: trial.joint_clearance)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'landed': self.landed,
            'balls': len(self.trials),
            'clearance_m': self._nearest.clearance,
            'joint_clearance': self._nearest_joint.joint_clearance,
            'saturation_s': self.saturation,
            'trials': [asdict(trial) for trial in self.trials],
        }


class Rehearsal:
    """A gate that lets pass what does well in simulation.

    Args:
        config: how much is played, and what is too near or too often.
        seed: draws physics, balls, delays and noise.
        controller: that of the arm; one that knows the mean delays where None.
        latency: of the simulated arm.
    """

    name = 'rehearsal'

    def __init__(
        self,
        config: RehearsalConfig | None = None,
        seed: int = 0,
        controller: ControllerConfig | None = None,
        latency: Latency | None = None,
    ) -> None:
        self.config = config or RehearsalConfig()
        self._seed = seed
        self._latency = latency or Latency.published()
        self._controller = controller or knowing_delays(self._latency, self.config.camera_noise)
        self._tasks: list[tuple[TableTennis, WatchedSimulator]] = []

    def judge(self, case: GateCase) -> GateVerdict:
        """Refuse what does not do well."""
        result = self.play(case.attenuation)
        return GateVerdict(
            self.name, not result.refused, result.refused or result.sentence, case.attenuation,
            figures=result.as_json(),
        )  # fmt: skip

    def play(self, attenuation: Sequence[float]) -> RehearsalResult:
        """Play this attenuation (8,) with every physics drawn."""
        trials = []
        for number in range(1, self.config.trials + 1):
            if len(self._tasks) < number:
                self._tasks.append(self._task(number))
            task, simulator = self._tasks[number - 1]
            trace = task.run(PolicyParameters(tuple(attenuation)), self._seed + number)
            landing = None if trace.landing is None else (trace.landing.x, trace.landing.y)
            trials.append(
                RehearsedTrial(
                    number=number,
                    outcome=trace.outcome.value,
                    landing=landing,
                    clearance=simulator.clearance,
                    nearest=simulator.nearest,
                    joint_clearance=simulator.joint_clearance,
                    nearest_joint=simulator.nearest_joint,
                    saturation=_saturation(trace.samples) * self._controller.period,
                    collision=simulator.arm_contact,
                )
            )
        return RehearsalResult(tuple(trials), self._refusal(trials))

    def physics(self, number: int) -> SimulationConfig:
        """The simulation of the ball of this number, from 1."""
        generator = np.random.default_rng([self._seed, number, 3])
        drawn = {name: float(generator.uniform(low, high)) for name, (low, high) in BALL_RANGES.items()}
        return SimulationConfig(
            control_period=self._controller.period,
            camera_noise=self.config.camera_noise,
            latency=self._latency,
            ball=BallModel(**drawn),
            launcher=self.config.launcher(),
        )

    def _task(self, number: int) -> 'tuple[TableTennis, WatchedSimulator]':
        # MuJoCo is needed only where something is rehearsed.
        from llm_policy_improver.simulation.watched import WatchedSimulator
        from llm_policy_improver.tasks.table_tennis import TableTennis

        simulation = self.physics(number)
        task = TableTennis(simulation, self._controller)
        task.simulator = simulator = WatchedSimulator(simulation)
        return task, simulator

    def _refusal(self, trials: Sequence[RehearsedTrial]) -> str:
        """The gravest fault, in one clause; empty where there is none."""
        config, count = self.config, len(trials)

        def worst(
            key: Callable[[RehearsedTrial], float], limit: float, words: Callable[[RehearsedTrial], str]
        ) -> str:
            found = min(trials, key=key)
            return words(found) if key(found) < limit else ''

        touched = next((trial for trial in trials if trial.collision), None)
        misses = count - sum(trial.outcome == 'landed' for trial in trials)
        found = (
            f'in simulated ball {touched.number} of {count} {touched.collision}' if touched else '',
            worst(
                lambda trial: trial.clearance,
                config.clearance,
                lambda trial: (
                    f'in simulated ball {trial.number} of {count} the arm came within {trial.clearance:.3f} m '
                    f'({trial.nearest}), and {config.clearance:g} m are to be kept'
                ),
            ),
            worst(
                lambda trial: trial.joint_clearance,
                config.joint_margin,
                lambda trial: (
                    f'in simulated ball {trial.number} of {count} {trial.nearest_joint} came within '
                    f'{trial.joint_clearance:.2%} of its range to its end, and {config.joint_margin:.2%} are to be kept'
                ),
            ),
            worst(
                lambda trial: -trial.saturation,
                -config.longest_saturation - 1e-9,
                lambda trial: (
                    f'in simulated ball {trial.number} of {count} the commands were at a velocity limit for '
                    f'{trial.saturation:.2f} s, and {config.longest_saturation:g} s are allowed'
                ),
            ),
            f"{misses} of {count} simulated balls did not land on the opponent's half, and {config.most_misses} may"
            if misses > config.most_misses
            else '',
        )
        return next(filter(None, found), '')


def knowing_delays(latency: Latency, camera_noise: float) -> ControllerConfig:
    """A controller that knows the mean delays and the cameras' noise, for an arm that has them."""
    known = LatencyModel(
        arm_action=latency.arm_action, slide_x_action=latency.slide_x_action, slide_y_action=latency.slide_y_action,
        arm_state=latency.arm_state, slide_state=latency.slide_state, trust=0.05,
    )  # fmt: skip
    # Late sightings say more of the ball than early ones: the swing begins later than without delays.
    return ControllerConfig(
        filter=FilterConfig(sighting=max(camera_noise, 1e-4)), latency=known, stroke=StrokeConfig(swing=0.2)
    )


def _saturation(samples: TraceSamples) -> int:
    """Longest run of control ticks with a command at a joint's velocity limit."""
    longest = run = 0
    at_limit = np.abs(samples.applied_velocity) >= _AT_LIMIT * SPEED_LIMIT
    for limited in np.any(at_limit, axis=1).tolist():
        run = run + 1 if limited else 0
        longest = max(longest, run)
    return longest
