"""One flight that is over, fitted to the laws: where the ball came from, how fast, with what spin; and its bounce."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.linear import solve_positive
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.flight_path import fit_flown, speed_at_table
from llm_policy_improver.table_tennis.ball.restitution import Restitution
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel, Vec

Array = NDArray[np.float64]

_FEWEST: Final = 20
"""Sightings."""
_LONGEST: Final = 3.0
"""s; no ball is in flight for so long."""
_MISFIT: Final = 5.0
"""Times the cameras' noise, that a flight may be off its sightings on average: more was another ball, or touched."""
_SPEED_OVER: Final = 8
"""Sightings that give the first guess of the velocity."""
_ROUNDS: Final = 12
_BOUNCE_UP: Final = 0.5
"""m/s, by which tables may throw balls up otherwise than the law says: a restitution that is 15 % off."""
_TELLING: Final = 0.02
"""Standard error of the restitution, beyond which a flight does not tell it: it was hardly seen after its bounce."""
_CHANCE: Final = 3.0
"""Standard errors, by which a restitution may come out above 1."""
_ENOUGH: Final = 0.01
"""Of the logarithm of the probability, that a further round must gain."""


@dataclass(frozen=True, slots=True)
class FlightFit:
    """The ball at its first sighting, frame ``table``.

    Attributes:
        position, velocity, spin: m, m/s and rad/s.
        spin_error: (3,) rad/s, standard errors.
        restitution: of the table, as its bounce shows it; None where it hardly does.
        rms: m, root mean square of what the sightings are off the fitted flight, per axis.
    """

    position: Vec
    velocity: Vec
    spin: Vec
    spin_error: Vec
    restitution: Restitution | None
    rms: float


def fit_flight(model: BallModel, config: FilterConfig, time: Array, position: Array) -> FlightFit | None:
    """The most probable flight through its sightings, up to one bounce on the table and past it.

    Gauss-Newton over the state at the first sighting and what the bounce differs from its law. Unlike the filter's, the
    estimate does not depend on where the spin was first thought to be.

    Args:
        config: noise of the cameras, of the bounce, and how widely spins spread.
        time: (n,) s.
        position: (n, 3) m, frame ``table``.

    Returns:
        None of too few sightings, of times that do not grow or lie far apart, and where no flight fits.
    """
    if len(time) < _FEWEST or not np.isfinite(position).all():
        return None
    if not (time[1:] > time[:-1]).all() or not time[-1] - time[0] < _LONGEST:
        return None
    begin = _first_guess(model.law, time, position)
    # Position and velocity are told by the sightings themselves: hardly anything is assumed of them.
    prior = np.repeat([1.0, 10.0, config.spin, config.bounce_velocity, config.bounce_spin], 3)
    prior[11] = _BOUNCE_UP
    weight = np.full(3 * len(time), 1.0 / config.sighting)
    own, _, off, normal = fit_flown(
        model.law, time, position, weight, begin, begin, 1.0 / prior, 0.0, _ROUNDS, (_ENOUGH, 0.0)
    )
    spread = np.sqrt(np.diag(solve_positive(normal, np.eye(len(own)))))
    errors = spread[6:9]
    rms = float(config.sighting * np.sqrt(np.mean(off**2)))
    if not (np.isfinite(errors).all() and rms < _MISFIT * config.sighting):
        return None
    bounce = _bounce(model.law, time, own, float(spread[11]))
    (px, py, pz, vx, vy, vz, wx, wy, wz), (ex, ey, ez) = own[:9].tolist(), errors.tolist()
    return FlightFit((px, py, pz), (vx, vy, vz), (wx, wy, wz), (ex, ey, ez), bounce, rms)


def _bounce(law: BallLaw, time: Array, own: Array, error: float) -> Restitution | None:
    """What the impulse by which the bounce differs from the law makes of the law's restitution.

    Args:
        error: m/s, standard error of that impulse, upwards.
    """
    speed = speed_at_table(law, time, own)
    if not error < _TELLING * speed:
        return None
    value, deviation = law.table_restitution + float(own[11]) / speed, error / speed
    if not 0.0 < value <= 1.0 + _CHANCE * deviation:
        return None
    return Restitution(min(value, 1.0), deviation)


def _first_guess(law: BallLaw, time: Array, position: Array) -> Array:
    """(15,) from the first sightings, without spin and with a bounce by its law."""
    gap = time[_SPEED_OVER] - time[0]
    velocity = (position[_SPEED_OVER] - position[0]) / gap
    velocity[2] += 0.5 * law.gravity * gap
    return np.concatenate((position[0], velocity, np.zeros(9)))
