"""The ball launcher: draws each incoming ball from a seeded distribution."""

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from llm_policy_improver.core.ranges import Range, require_ranges
from llm_policy_improver.table_tennis.ball.state import Vec


@dataclass(frozen=True, slots=True)
class Launch:
    """State of the ball as it leaves the launcher: m, m/s and rad/s in frame ``table``."""

    position: Vec
    velocity: Vec
    spin: Vec


_RANGES: Final[dict[str, Range]] = {
    'position': (-100.0, 100.0, ' m'),
    'position_spread': (0.0, 100.0, ' m'),
    'velocity': (-50.0, 50.0, ' m/s'),
    'velocity_spread': (0.0, 50.0, ' m/s'),
    'spin': (-2000.0, 2000.0, ' rad/s'),
    'spin_spread': (0.0, 2000.0, ' rad/s'),
}
"""The fastest smashes have 30 m/s and 1000 rad/s."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Draws balls uniformly within ``mean +- spread``; the default is always the same standard ball.

    Attributes:
        position, position_spread: (3,) m.
        velocity, velocity_spread: (3,) m/s.
        spin, spin_spread: (3,) rad/s; positive about x is topspin for a ball flying towards the robot.
    """

    position: Vec = (0.1, 1.5, 0.3)
    velocity: Vec = (-0.251, -5.646, 1.746)
    spin: Vec = (0.0, 0.0, 0.0)
    position_spread: Vec = (0.0, 0.0, 0.0)
    velocity_spread: Vec = (0.0, 0.0, 0.0)
    spin_spread: Vec = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = tuple(float(number) for number in getattr(self, entry.name))
            if len(value) != 3 or not all(math.isfinite(number) for number in value):
                raise ValueError(
                    f'launcher: {entry.name} must be three finite numbers (x, y, z); got {value}'
                )
            if entry.name.endswith('_spread') and min(value) < 0.0:
                raise ValueError(f'launcher: {entry.name} must not be negative; got {value}')
            object.__setattr__(self, entry.name, value)
        require_ranges(self, _RANGES, 'launcher')

    @property
    def varies(self) -> bool:
        """Whether different seeds give different balls."""
        return max(*self.position_spread, *self.velocity_spread, *self.spin_spread) > 0.0

    def draw(self, seed: int) -> Launch:
        """The ball of this seed; the same seed gives the same ball."""
        generator = np.random.default_rng(seed)

        def vector(mean: Vec, spread: Vec) -> Vec:
            x, y, z = (m + s * float(generator.uniform(-1.0, 1.0)) for m, s in zip(mean, spread, strict=True))
            return (x, y, z)

        return Launch(
            vector(self.position, self.position_spread),
            vector(self.velocity, self.velocity_spread),
            vector(self.spin, self.spin_spread),
        )
