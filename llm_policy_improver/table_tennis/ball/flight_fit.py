"""One flight that is over, fitted to the laws: where the ball came from, how fast, and with what spin."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.linear import product, solve_positive
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel, Vec

Array = NDArray[np.float64]

_FEWEST: Final = 20
"""Sightings."""
_LONGEST: Final = 3.0
"""s; no ball is in flight for so long."""
_MISFIT: Final = 5.0
"""Times the cameras' noise, that a flight may be off its sightings on average: more was another ball, or touched."""
_SPEED_OVER = 8
"""Sightings that give the first guess of the velocity."""
_ROUNDS = 12
_TRIES = 6
"""Of a step in a round, each more cautious."""
_ENOUGH = 0.01
"""Of the logarithm of the probability, that a further round must gain."""
_WIDTHS: Array = np.array([1e-5] * 3 + [1e-4] * 3 + [1e-2] * 3 + [1e-4] * 3 + [1e-2] * 3)
"""m, m/s and rad/s, of the differences that give the derivatives."""


@dataclass(frozen=True, slots=True)
class FlightFit:
    """The ball at its first sighting, frame ``table``.

    Attributes:
        position, velocity, spin: m, m/s and rad/s.
        spin_error: (3,) rad/s, standard errors.
        rms: m, root mean square of what the sightings are off the fitted flight, per axis.
    """

    position: Vec
    velocity: Vec
    spin: Vec
    spin_error: Vec
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
    if not (np.diff(time) > 0.0).all() or not time[-1] - time[0] < _LONGEST:
        return None
    bounce = (float(config.bounce_velocity), float(config.bounce_spin))
    fitted, errors, rms = _fitted(
        model.law, float(config.sighting), float(config.spin), bounce, time, position
    )
    if not (np.isfinite(fitted).all() and np.isfinite(errors).all() and rms < _MISFIT * config.sighting):
        return None
    (px, py, pz, vx, vy, vz, wx, wy, wz), (ex, ey, ez) = fitted[:9].tolist(), errors.tolist()
    return FlightFit((px, py, pz), (vx, vy, vz), (wx, wy, wz), (ex, ey, ez), rms)


@compiled
def _fitted(
    law: BallLaw, sighting: float, spin: float, bounce: tuple[float, float], time: Array, position: Array
) -> tuple[Array, Array, float]:
    """State at the first sighting and kick of the bounce (15,), standard errors of the spin (3,), rms in m."""
    # Position and velocity are told by the sightings themselves: hardly anything is assumed of them.
    prior = np.array([1.0] * 3 + [10.0] * 3 + [spin] * 3 + [bounce[0]] * 3 + [bounce[1]] * 3)
    begin = _first_guess(law, time, position)
    x, off = begin, _off(law, time, position, begin)
    cost = _cost(off, x - begin, sighting, prior)
    normal, damping = np.eye(len(x)), 1e-3
    for _ in range(_ROUNDS):
        jacobian = _derivatives(law, time, position, x, off)
        normal = product(jacobian.T, jacobian) / sighting**2
        slope = product(jacobian.T, off.reshape((-1, 1))) / sighting**2
        for row in range(len(x)):
            normal[row, row] += prior[row] ** -2
            slope[row, 0] += (x[row] - begin[row]) * prior[row] ** -2
        gain = 0.0
        for _ in range(_TRIES):
            damped = normal.copy()
            for row in range(len(x)):
                damped[row, row] *= 1.0 + damping
            tried = x - solve_positive(damped, slope)[:, 0]
            off_tried = _off(law, time, position, tried)
            cost_tried = _cost(off_tried, tried - begin, sighting, prior)
            if cost_tried < cost:
                gain = cost - cost_tried
                x, off, cost = tried, off_tried, cost_tried
                damping *= 0.1
                break
            damping *= 10.0
        if gain < _ENOUGH:
            break
    spread = solve_positive(normal, np.eye(len(x)))
    errors = np.array([math.sqrt(spread[6, 6]), math.sqrt(spread[7, 7]), math.sqrt(spread[8, 8])])
    return x, errors, math.sqrt(np.mean(off**2))


@compiled
def _first_guess(law: BallLaw, time: Array, position: Array) -> Array:
    """(15,) from the first sightings, without spin and with a bounce by its law."""
    x = np.zeros(15)
    gap = time[_SPEED_OVER] - time[0]
    for axis in range(3):
        x[axis] = position[0, axis]
        x[3 + axis] = (position[_SPEED_OVER, axis] - position[0, axis]) / gap
    x[5] += 0.5 * law.gravity * gap
    return x


@compiled
def _derivatives(law: BallLaw, time: Array, position: Array, x: Array, off: Array) -> Array:
    """(3 n, 15) of `_off`, by differences."""
    jacobian = np.empty((len(off), len(x)))
    for column in range(len(x)):
        change = np.zeros(len(x))
        change[column] = _WIDTHS[column]
        jacobian[:, column] = (_off(law, time, position, x + change) - off) / _WIDTHS[column]
    return jacobian


@compiled
def _cost(off: Array, away: Array, sighting: float, prior: Array) -> float:
    return 0.5 * (np.sum(off**2) / sighting**2 + np.sum((away / prior) ** 2))


@compiled
def _off(law: BallLaw, time: Array, position: Array, x: Array) -> Array:
    """(3 n,) m, the flight of ``x`` less the sightings."""
    state = BallState(time[0], (x[0], x[1], x[2]), (x[3], x[4], x[5]), (x[6], x[7], x[8]))
    off = np.empty(3 * len(time))
    for row in range(len(time)):
        if row:
            gap = time[row] - state.time
            steps = max(1, math.ceil(gap / 0.02))
            for _ in range(steps):
                state, bounced = advance(law, state, gap / steps)
                if bounced:
                    (vx, vy, vz), (wx, wy, wz) = state.velocity, state.spin
                    state = BallState(
                        state.time,
                        state.position,
                        (vx + x[9], vy + x[10], vz + x[11]),
                        (wx + x[12], wy + x[13], wz + x[14]),
                    )
        for axis in range(3):
            off[3 * row + axis] = state.position[axis] - position[row, axis]
    return off
