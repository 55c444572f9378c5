"""A flight with one bounce at most, as a function of a few numbers, and the numbers that fit what was seen of it best.

The numbers of a flight (12,) are the ball's position, velocity and spin at the first sighting, m, m/s and rad/s in
frame ``table``, and the impulse per mass, m/s, by which its bounce differs from the law. The spin that goes with this
is a thin shell's, or else given by three further numbers (15,), rad/s.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.linear import product, solve_positive
from llm_policy_improver.table_tennis.ball.laws import fly, spun
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance, touch_down
from llm_policy_improver.table_tennis.ball.state import BallLaw

Array = NDArray[np.float64]

WIDTHS: Array = np.array([1e-5] * 3 + [1e-4] * 3 + [1e-2] * 3 + [1e-4] * 3 + [1e-2] * 3)
"""(15,) m, m/s and rad/s, of the differences that give derivatives by the numbers."""
_LONGEST: Final = 0.02
"""s, one Runge-Kutta step."""
_TRIES: Final = 6
"""Of a step in a round, each more cautious."""


@compiled
def flown(law: BallLaw, time: Array, own: Array) -> tuple[Array, BallState]:
    """The positions (3 n,), m, at these times (n,), s, which grow, and the state at the last of them.

    Args:
        own: (12,) or (15,), the numbers at the first of them.
    """
    state = BallState(time[0], (own[0], own[1], own[2]), (own[3], own[4], own[5]), (own[6], own[7], own[8]))
    kick = (own[9], own[10], own[11])
    twist = (own[12], own[13], own[14]) if len(own) > 12 else spun((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), kick)
    places = np.empty(3 * len(time))
    for row in range(len(time)):
        gap = time[row] - state.time
        steps = max(1, math.ceil(gap / _LONGEST)) if row else 0
        for _ in range(steps):
            state, bounced = advance(law, state, gap / steps)
            if bounced:
                (vx, vy, vz), (wx, wy, wz) = state.velocity, state.spin
                velocity = (vx + kick[0], vy + kick[1], vz + kick[2])
                spin = (wx + twist[0], wy + twist[1], wz + twist[2])
                state = BallState(state.time, state.position, velocity, spin)
        for axis in range(3):
            places[3 * row + axis] = state.position[axis]
    return places, state


@compiled
def state_at(law: BallLaw, own: Array, time: float) -> Array:
    """(9,) position, velocity and spin so many seconds after the first sighting, or before it."""
    _, state = flown(law, np.array([0.0, max(time, 0.0)]), own)
    (px, py, pz), (vx, vy, vz), (wx, wy, wz) = state.position, state.velocity, state.spin
    if time < 0.0:
        (px, py, pz), (vx, vy, vz) = fly(law, state.position, state.velocity, state.spin, time)
    return np.array((px, py, pz, vx, vy, vz, wx, wy, wz))


@compiled
def speed_at_table(law: BallLaw, time: Array, own: Array) -> float:
    """m/s, downwards, with which the flight of `flown` first meets the table; 0 where it does not."""
    state = BallState(time[0], (own[0], own[1], own[2]), (own[3], own[4], own[5]), (own[6], own[7], own[8]))
    for row in range(1, len(time)):
        gap = time[row] - state.time
        steps = max(1, math.ceil(gap / _LONGEST))
        for _ in range(steps):
            before = state
            state, bounced = advance(law, before, gap / steps)
            if bounced:
                there, _ = fly(law, before.position, before.velocity, before.spin, gap / steps)
                _, _, velocity = touch_down(law, before, there[2], gap / steps)
                return -velocity[2]
    return 0.0


@compiled
def place_derivatives(law: BallLaw, time: Array, own: Array, here: Array) -> Array:
    """(3 n, 12 or 15), of the positions of `flown`, which are ``here``, by the numbers, by differences."""
    jacobian = np.empty((len(here), len(own)))
    for column in range(len(own)):
        changed = own.copy()
        changed[column] += WIDTHS[column]
        there, _ = flown(law, time, changed)
        for row in range(len(here)):
            jacobian[row, column] = (there[row] - here[row]) / WIDTHS[column]
    return jacobian


@compiled
def fit_flown(
    law: BallLaw,
    time: Array,
    position: Array,
    weight: Array,
    own: Array,
    mean: Array,
    precision: Array,
    faint: float,
    rounds: int,
    enough: tuple[float, float],
) -> tuple[Array, float, Array, Array]:
    """The most probable numbers of a flight, by Levenberg and Marquardt.

    Args:
        position: (n, 3) m, the sightings.
        weight: (3 n,) 1/m, of each coordinate of each sighting: one over its standard deviation.
        own: (12,) or (15,) to begin with.
        mean, precision: of the numbers, beforehand: one over the standard deviations; 0 where nothing is known.
        faint: added to the diagonal of the normal matrix alone.
        rounds: at most.
        enough: what a round must gain for another one: of half the sum of squares, and as a share of it.

    Returns:
        The numbers, half the sum of squares that is left, the flight less the sightings (3 n,) in standard deviations,
        and the normal matrix about the numbers before the last round.
    """
    seen = position.copy().ravel()
    here = flown(law, time, own)[0]
    off = (here - seen) * weight
    cost = 0.5 * (np.sum(off**2) + np.sum(((own - mean) * precision) ** 2))
    normal, damping = np.eye(len(own)), 1e-3
    for _ in range(rounds):
        jacobian = place_derivatives(law, time, own, here)
        jacobian *= weight.reshape((-1, 1))
        both = product(jacobian.T, np.column_stack((jacobian, off)))
        normal, slope = both[:, :-1].copy(), both[:, -1:].copy()
        for row in range(len(own)):
            normal[row, row] += precision[row] ** 2 + faint
            slope[row, 0] += (own[row] - mean[row]) * precision[row] ** 2
        gain = 0.0
        for _ in range(_TRIES):
            damped = normal.copy()
            for row in range(len(own)):
                damped[row, row] *= 1.0 + damping
            tried = own - solve_positive(damped, slope)[:, 0]
            there = flown(law, time, tried)[0]
            off_tried = (there - seen) * weight
            cost_tried = 0.5 * (np.sum(off_tried**2) + np.sum(((tried - mean) * precision) ** 2))
            if cost_tried < cost:
                gain = cost - cost_tried
                own, here, off, cost = tried, there, off_tried, cost_tried
                damping *= 0.1
                break
            damping *= 10.0
        if gain < enough[0] + enough[1] * cost:
            break
    return own, cost, off, normal
