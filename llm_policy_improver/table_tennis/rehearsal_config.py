"""Settings of the rehearsal: what is played, with which arm, and what is too near or too often."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Final

import numpy as np

from llm_policy_improver.core.ranges import require_choice, require_path, require_ranges
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec
from llm_policy_improver.table_tennis.simulation.launcher import Launcher

RALLY_MARGIN: Final = 0.002
"""``joint_margin`` with balls of a rally: they take the unchanged controller to within 0.36 % of a range (axis_4),
where the safety stage holds it. Ends of ranges stay the stage's: its own margin is 0.3 %."""


@dataclass(frozen=True, slots=True)
class BallRanges:
    """Fields of `BallModel` and the ranges (low, high) they are drawn from; the last is drawn last.

    By default drag, lift and both restitutions have the spread of published fits to recordings; table friction +- 0.05
    as in D'Ambrosio et al. 2024 (arXiv 2408.03906); grip our own estimate. A calibration (docs/calibrate.md) puts those
    of one cell in their place.
    """

    drag_coefficient: tuple[float, float] = (0.48, 0.60)
    lift_coefficient: tuple[float, float] = (0.55, 1.09)
    table_restitution: tuple[float, float] = (0.88, 0.93)
    table_friction: tuple[float, float] = (0.20, 0.30)
    racket_restitution: tuple[float, float] = (0.78, 0.81)
    racket_grip: tuple[float, float] = (0.55, 0.85)
    lift_saturation: tuple[float, float] = (BallModel().lift_saturation,) * 2

    def __post_init__(self) -> None:
        for name, (low, high) in asdict(self).items():
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f'rehearsal: ball_ranges.{name} must be (low, high); got {(low, high)}')
            for end in (low, high):
                try:
                    BallModel(**{name: end})
                except ValueError as error:
                    raise ValueError(f'rehearsal: ball_ranges: {error}') from None

    def draw(self, generator: np.random.Generator) -> BallModel:
        """A ball, each of its coefficients drawn evenly from its range."""
        return BallModel(**{name: float(generator.uniform(*ends)) for name, ends in asdict(self).items()})


@dataclass(frozen=True, slots=True)
class RehearsalConfig:
    """How a proposal is rehearsed, and when it is refused.

    Attributes:
        config: parameter file of the arm: its section for the controller is what is rehearsed; empty: the package's
            ``hardware.yaml``. Who starts the controller fills it in.
        safety: parameter file with the arm's limits, on top of that, as for the controller; empty: none.
        trials: balls played in simulation.
        most_misses: so many of them may fail to land on the opponent's half.
        clearance: m that the arm keeps from table, net and floor.
        joint_margin: share of its range that every joint keeps from both ends.
        longest_saturation: s in a row that what is sent may be at a joint's velocity limit.
        camera_noise: m, standard deviation of each coordinate of a sighting.
        ball_ranges: what the coefficients of flight and bounces are drawn from.
        balls: ``'standard'``, those that follow; ``'rally'``, another one each time, for programs that choose by them.
        ball_position, ball_velocity, ball_spin: (3,) m, m/s and rad/s in frame ``table``: how balls come to the arm.
        position_spread, velocity_spread: m and m/s by which each coordinate differs at most.

    Raises:
        ValueError: a number is out of range.
    """

    config: str = ''
    safety: str = ''
    trials: int = 8
    most_misses: int = 2
    clearance: float = 0.05
    joint_margin: float = 0.01
    longest_saturation: float = 0.3
    camera_noise: float = 0.003
    ball_ranges: BallRanges = field(default_factory=BallRanges)
    balls: str = 'standard'
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
        require_choice('balls', self.balls, ('standard', 'rally'), 'rehearsal')
        require_ranges(self, {'camera_noise': (0.0, 0.099, ' m')}, 'rehearsal')
        for name in ('config', 'safety'):
            require_path(name, getattr(self, name), 'rehearsal')
        self.launcher()

    @property
    def names_arm(self) -> bool:
        """Whether it says which arm runs, as launch files do."""
        return bool(self.config or self.safety)

    def in_rally(self) -> 'RehearsalConfig':
        """The same with balls of a rally, and the margin that suits them unless another than the usual was chosen."""
        usual = self.joint_margin == RehearsalConfig().joint_margin
        return replace(self, balls='rally', joint_margin=RALLY_MARGIN if usual else self.joint_margin)

    def launcher(self) -> Launcher:
        """Of the balls."""
        return Launcher(
            self.ball_position, self.ball_velocity, self.ball_spin,
            position_spread=(self.position_spread,) * 3, velocity_spread=(self.velocity_spread,) * 3,
        )  # fmt: skip
