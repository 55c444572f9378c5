"""The ball's coefficients, for the simulator and for the controller's predictions; `laws` has the formulas."""

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from llm_policy_improver.core.ranges import Range, require_ranges
from llm_policy_improver.table_tennis.ball import table

Vec = tuple[float, float, float]
"""x, y, z in frame ``table``: metres, m/s, rad/s."""

_VOLUME = 4.0 / 3.0 * math.pi * table.BALL_RADIUS**3
_AREA = math.pi * table.BALL_RADIUS**2


AT_MOST_ONE: Final = ('table_restitution', 'racket_restitution', 'racket_grip')
"""Coefficients of a `BallModel` above which a bounce would give energy."""


class BallLaw(NamedTuple):
    """What the formulas need of a `BallModel`; the same names mean the same.

    Attributes:
        drag: 1/m, drag acceleration divided by the speed squared.
        lift: dimensionless, Magnus acceleration of a slow spin divided by (spin x velocity).
        saturation: m, by which lift falls: lift / (1 + saturation * spin / speed).
    """

    gravity: float
    drag: float
    lift: float
    saturation: float
    table_restitution: float
    table_friction: float
    racket_restitution: float
    racket_grip: float


@dataclass(frozen=True, slots=True)
class BallModel:
    """Coefficients of flight and bounces; the defaults are those of docs/simulation.md.

    Attributes:
        gravity: m/s^2, downwards.
        air_density: kg/m^3.
        drag_coefficient: Cd of the sphere; fits to recordings give 0.48 to 0.60.
        lift_coefficient: of a slow spin: Magnus force = C * density * volume * (spin x velocity), C = this /
            (1 + S / lift_saturation), S = radius * spin / speed. Recorded balls give C of 0.25, 0.19, 0.17 and 0.10 at
            S of 0.3, 0.5, 0.7 and 1.0.
        lift_saturation: the S at which C is half of it; infinite where C is the same for all spins.
        table_restitution: normal, ball on table; 0.905 gives the ITTF's rebound of 23 cm from 30 cm in air.
        table_friction: Coulomb coefficient, ball on table.
        racket_restitution: normal, ball on racket; 0.78 to 0.81.
        racket_grip: tangential restitution of the rubber: the slip after the hit is minus this times the slip before.
    """

    gravity: float = 9.81
    air_density: float = 1.2
    drag_coefficient: float = 0.5
    lift_coefficient: float = 0.82
    lift_saturation: float = 0.147
    table_restitution: float = 0.905
    table_friction: float = 0.25
    racket_restitution: float = 0.79
    racket_grip: float = 0.7
    law: BallLaw = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.lift_saturation > 0.0:
            raise ValueError(f'lift_saturation must be above 0; got {self.lift_saturation}')
        require_ranges(self, _RANGES)
        law = BallLaw(
            gravity=float(self.gravity),
            drag=0.5 * self.air_density * _AREA * self.drag_coefficient / table.BALL_MASS,
            lift=self.lift_coefficient * self.air_density * _VOLUME / table.BALL_MASS,
            saturation=table.BALL_RADIUS / self.lift_saturation,
            table_restitution=float(self.table_restitution),
            table_friction=float(self.table_friction),
            racket_restitution=float(self.racket_restitution),
            racket_grip=float(self.racket_grip),
        )
        object.__setattr__(self, 'law', law)


_RANGES: Final[dict[str, Range]] = {
    'gravity': (0.0, 100.0, ' m/s^2'),
    'air_density': (0.0, 100.0, ' kg/m^3'),
    'drag_coefficient': (0.0, 100.0, ''),
    'lift_coefficient': (0.0, 100.0, ''),
    'lift_saturation': (1e-9, math.inf, ''),
    'table_friction': (0.0, 100.0, ''),
    **dict.fromkeys(AT_MOST_ONE, (0.0, 1.0, '')),
}
"""Far beyond any ball and any air: what fits to recordings may look at, too."""
