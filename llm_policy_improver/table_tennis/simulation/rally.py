"""Balls as they come in a rally: over the net, one bounce on the robot's half, past the end of the table."""

import math
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.ranges import require_ranges
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.prediction import BallState, launch_velocity, predict_crossing
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec
from llm_policy_improver.table_tennis.simulation.launcher import Launch

_ATTEMPTS = 10_000
_LONGEST = 3.0
"""s, of a flight."""


@dataclass(frozen=True, slots=True)
class RallyLauncher:
    """Draws balls over the width of the table, by where they start, where they bounce and how long they fly.

    A ball counts if its speed is within bounds, it clears the net, and after its one bounce it passes the end
    of the table above the surface and between the side lines. Shorter balls bounce twice on the table, out of
    reach of an arm that stands behind it.

    Attributes:
        start_low, start_high: m, y of the launch.
        speed_low, speed_high: m/s, at the launch.
        spin_low, spin_high: rad/s about x; topspin is positive.
        side_spin: rad/s, largest about the other axes.
        net_margin: m between ball and net.
    """

    start_low: float = 0.8
    start_high: float = 1.6
    speed_low: float = 2.0
    speed_high: float = 7.0
    spin_low: float = -25.0
    spin_high: float = 50.0
    side_spin: float = 0.0
    net_margin: float = 0.03

    def __post_init__(self) -> None:
        if not 0.2 <= self.start_low < self.start_high <= 3.0:
            raise ValueError(
                'rally: start_low must be below start_high, both between 0.2 and 3 m; '
                f'got {self.start_low:g} and {self.start_high:g}'
            )
        if not 1.0 <= self.speed_low < self.speed_high <= 20.0:
            raise ValueError(
                'rally: speed_low must be below speed_high, both between 1 and 20 m/s; '
                f'got {self.speed_low:g} and {self.speed_high:g}'
            )
        if not -300.0 <= self.spin_low <= self.spin_high <= 300.0 or not 0.0 <= self.side_spin <= 300.0:
            raise ValueError('rally: spin_low must not be above spin_high, and no spin beyond 300 rad/s')
        require_ranges(self, {'net_margin': (-0.1, 0.5, ' m')}, 'rally')

    def draw(self, seed: int, ball: BallModel) -> Launch:
        """The ball of this seed; the same seed gives the same ball.

        Raises:
            ValueError: no such ball was found, as the bounds leave none.
        """
        generator = np.random.default_rng(seed)
        for _ in range(_ATTEMPTS):
            start = _point(generator, (-0.6, 0.6), (self.start_low, self.start_high), (0.15, 0.45))
            bounce = _point(generator, (-0.65, 0.65), (-1.15, -0.35), (table.BALL_RADIUS, table.BALL_RADIUS))
            side = generator.uniform(-self.side_spin, self.side_spin, 2).tolist()
            spin = (float(generator.uniform(self.spin_low, self.spin_high)), side[0], side[1])
            flight_time = float(generator.uniform(0.2, 0.9))
            velocity = launch_velocity(ball.law, start, spin, bounce, flight_time)
            if self.speed_low <= math.hypot(*velocity) <= self.speed_high:
                launch = Launch(start, velocity, spin)
                if self._is_rally(ball, launch):
                    return launch
        raise ValueError('rally: no ball within these bounds reaches the robot; widen speed or spin')

    def _is_rally(self, ball: BallModel, launch: Launch) -> bool:
        launched = BallState(0.0, launch.position, launch.velocity, launch.spin)
        at_net = predict_crossing(ball.law, launched, 0.0, _LONGEST)
        if at_net is None or at_net[1] > 0:
            return False
        if at_net[0].position[2] - table.BALL_RADIUS - table.NET_HEIGHT < self.net_margin:
            return False
        at_end = predict_crossing(ball.law, at_net[0], -table.HALF_LENGTH, _LONGEST)
        if at_end is None:
            return False
        x, _, z = at_end[0].position
        return at_end[1] == 1 and z > table.BALL_RADIUS and abs(x) <= table.HALF_WIDTH


def _point(generator: np.random.Generator, *ranges: tuple[float, float]) -> Vec:
    x, y, z = (float(generator.uniform(low, high)) for low, high in ranges)
    return (x, y, z)
