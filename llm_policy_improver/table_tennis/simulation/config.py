"""Settings of the simulation: periods, sensors, delays, physics and balls."""

from dataclasses import dataclass, field

import numpy as np

from llm_policy_improver.core.ranges import require_choice, require_ranges
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.simulation.launcher import Launch, Launcher
from llm_policy_improver.table_tennis.simulation.rally import RallyLauncher

PAUSE = 2 * NANOSECONDS
"""ns of simulated time between two trials."""


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """Periods, sensors and physics of the simulation.

    Attributes:
        physics_period: s, one MuJoCo step.
        control_period: s between joint velocity commands; a whole number of physics steps.
        camera_period: s between sightings of the ball; a whole number of physics steps.
        camera_noise: m, standard deviation of each coordinate of a sighting.
        spin_noise: rad/s, the same of the spin, which every picture shows then; 0: none does.
        tick_phase, camera_phase: s after the launch, of the first control tick and of the first picture; each
            less than its period, in whole physics steps.
        random_phase: whether both are drawn anew for every trial, as nobody launches balls in time with the ticks.
        latency: delays of cameras, encoders and drives.
        time_limit: s after the launch at which a trial ends in any case.
        ball: coefficients of flight and bounces.
        balls: ``'standard'``, those of ``launcher``, or ``'rally'``, another one for every seed.
        launcher: the standard ball.
        rally: distribution of varied balls.

    Raises:
        ValueError: a period is no whole number of physics steps, or a number is out of range.
    """

    physics_period: float = 0.001
    control_period: float = 0.02
    camera_period: float = 0.008
    camera_noise: float = 0.0
    spin_noise: float = 0.0
    tick_phase: float = 0.0
    camera_phase: float = 0.0
    random_phase: bool = False
    latency: Latency = field(default_factory=Latency)
    time_limit: float = 3.0
    ball: BallModel = field(default_factory=BallModel)
    balls: str = 'standard'
    launcher: Launcher = field(default_factory=Launcher)
    rally: RallyLauncher = field(default_factory=RallyLauncher)

    def __post_init__(self) -> None:
        if not 1e-4 <= self.physics_period <= 0.002:
            raise ValueError(
                f'physics_period must be between 0.0001 and 0.002 s, for exact bounces; got {self.physics_period:g} s'
            )
        for name in ('control_period', 'camera_period'):
            steps = getattr(self, name) / self.physics_period
            if steps < 0.5 or abs(steps - round(steps)) > 1e-6:
                raise ValueError(
                    f'{name} must be a whole number of physics steps of {self.physics_period:g} s; '
                    f'got {getattr(self, name):g} s, which is {steps:g} steps'
                )
        require_ranges(self, {'control_period': (1e-4, 0.5, ' s'), 'camera_period': (1e-4, 0.5, ' s')})
        for name, period in (('tick_phase', self.control_period), ('camera_phase', self.camera_period)):
            if not 0.0 <= getattr(self, name) < period:
                raise ValueError(
                    f'{name} must be at least 0 and less than its period, {period:g} s; got {getattr(self, name):g} s'
                )
        require_choice('balls', self.balls, ('standard', 'rally'))
        if not 0.0 <= self.camera_noise < 0.1:
            raise ValueError(f'camera_noise must be between 0 and 0.1 m; got {self.camera_noise:g} m')
        if not 0.0 <= self.spin_noise < 1000.0:
            raise ValueError(f'spin_noise must be between 0 and 1000 rad/s; got {self.spin_noise:g} rad/s')
        if not 1.0 <= self.time_limit <= 60.0:
            raise ValueError(f'time_limit must be between 1 and 60 s; got {self.time_limit:g} s')

    @property
    def varies(self) -> bool:
        """Whether different seeds give different balls."""
        return self.balls == 'rally' or self.launcher.varies

    def draw_phases(self, seed: int) -> tuple[int, int]:
        """Physics steps from the launch to the first control tick and to the first picture."""
        ticks, pictures = (
            round(period / self.physics_period) for period in (self.control_period, self.camera_period)
        )
        if self.random_phase:
            generator = np.random.default_rng([seed, 3])
            return int(generator.integers(ticks)), int(generator.integers(pictures))
        return (
            min(round(self.tick_phase / self.physics_period), ticks - 1),
            min(round(self.camera_phase / self.physics_period), pictures - 1),
        )

    def draw_ball(self, seed: int) -> Launch:
        """The incoming ball of this seed."""
        return self.rally.draw(seed, self.ball) if self.balls == 'rally' else self.launcher.draw(seed)
