"""One recorded flight as a function of the cell's coefficients and of the ball's own state: residuals and derivatives.

Two vectors shape a flight. `SHARED` is what all flights of a cell have in common: coefficients of the ball, and how the
recorded frame lies to the table. Its own, (12,), are the ball's position, velocity and spin at the first sighting, and
the impulse per mass, m/s, by which its bounce differed from the law; the spin that goes with it is the shell's.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.linear import product, solve_positive
from llm_policy_improver.table_tennis.ball.laws import fly, spun
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel, Vec

Array = NDArray[np.float64]

SHARED: Final = (
    'drag_coefficient',
    'lift_coefficient',
    'lift_saturation',
    'table_restitution',
    'table_friction',
    'height',
    'roll',
    'pitch',
)
"""The first five are fields of `BallModel`; m and rad: a recorded p lies at Ry(pitch) Rx(roll) p + (0, 0, height)."""

LAWS: Final = SHARED[:5]
OWN: Final = 12
"""Numbers of a flight of its own."""

_COUNT: Final = len(SHARED)
_SHARED_WIDTHS: Array = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-5, 1e-5, 1e-5])
_OWN_WIDTHS: Array = np.array([1e-5] * 3 + [1e-4] * 3 + [1e-2] * 3 + [1e-4] * 3)
"""Of the differences that give the derivatives: m, m/s, rad/s, m/s."""
_LONGEST: Final = 0.02
"""s, one Runge-Kutta step."""
_TRIES: Final = 6
"""Of a step in a round, each more cautious."""


class Units(NamedTuple):
    """What turns coefficients into a `BallLaw`.

    Attributes:
        drag, lift: of the law where the coefficient is 1.
        radius: m; divided by lift_saturation it is the law's ``saturation``.
    """

    gravity: float
    drag: float
    lift: float
    radius: float


def units_of(model: BallModel) -> Units:
    """Those of this ball and air."""
    law = model.law
    return Units(
        law.gravity,
        law.drag / model.drag_coefficient,
        law.lift / model.lift_coefficient,
        law.saturation * model.lift_saturation,
    )


@compiled
def off_flight(units: Units, shared: Array, time: Array, position: Array, own: Array) -> Array:
    """(n, 3) m in frame ``table``: the flight of these coefficients and this state, less the sightings.

    Args:
        shared: (8,) in the order of `SHARED`.
        time: (n,) s, growing.
        position: (n, 3) m, as recorded.
        own: (12,).
    """
    law = _law(units, shared)
    height, roll, pitch = shared[5], shared[6], shared[7]
    cr, sr, cp, sp = math.cos(roll), math.sin(roll), math.cos(pitch), math.sin(pitch)
    state = BallState(time[0], (own[0], own[1], own[2]), (own[3], own[4], own[5]), (own[6], own[7], own[8]))
    kick = (own[9], own[10], own[11])
    off = np.empty((len(time), 3))
    for row in range(len(time)):
        if row:
            state = _flown(law, state, kick, time[row])
        x, y, z = position[row, 0], position[row, 1], position[row, 2]
        turned = sr * y + cr * z
        off[row, 0] = state.position[0] - (cp * x + sp * turned)
        off[row, 1] = state.position[1] - (cr * y - sr * z)
        off[row, 2] = state.position[2] - (cp * turned - sp * x + height)
    return off


@compiled
def _law(units: Units, shared: Array) -> BallLaw:
    return BallLaw(
        units.gravity, units.drag * shared[0], units.lift * shared[1], units.radius / shared[2],
        shared[3], shared[4], 0.0, 0.0,
    )  # fmt: skip


@compiled
def _flown(law: BallLaw, state: BallState, kick: Vec, until: float) -> BallState:
    """The state at ``until``, s, in small steps; a bounce on the way adds its kick."""
    gap = until - state.time
    steps = max(1, math.ceil(gap / _LONGEST))
    for _ in range(steps):
        state, bounced = advance(law, state, gap / steps)
        if bounced:
            vx, vy, vz = state.velocity
            state = BallState(
                state.time,
                state.position,
                (vx + kick[0], vy + kick[1], vz + kick[2]),
                spun(state.spin, (0.0, 0.0, 1.0), kick),
            )
    return state


@compiled
def state_at(units: Units, shared: Array, own: Array, time: float) -> Array:
    """(9,) position, velocity and spin, frame ``table``, so many seconds after the first sighting, or before it."""
    law = _law(units, shared)
    state = BallState(0.0, (own[0], own[1], own[2]), (own[3], own[4], own[5]), (own[6], own[7], own[8]))
    if time < 0.0:
        position, velocity = fly(law, state.position, state.velocity, state.spin, time)
        state = BallState(time, position, velocity, state.spin)
    elif time > 0.0:
        state = _flown(law, state, (own[9], own[10], own[11]), time)
    (px, py, pz), (vx, vy, vz), (wx, wy, wz) = state.position, state.velocity, state.spin
    return np.array((px, py, pz, vx, vy, vz, wx, wy, wz))


@compiled
def linearised(
    units: Units, shared: Array, time: Array, position: Array, own: Array
) -> tuple[Array, Array, Array]:
    """`off_flight` (3 n,), and its derivatives by the shared (3 n, 8) and by the flight's own numbers (3 n, 12)."""
    off = off_flight(units, shared, time, position, own).ravel()
    by_shared, by_own = np.empty((len(off), _COUNT)), np.empty((len(off), OWN))
    for column in range(_COUNT):
        width = _SHARED_WIDTHS[column]
        changed = shared.copy()
        changed[column] += width
        by_shared[:, column] = (off_flight(units, changed, time, position, own).ravel() - off) / width
    for column in range(OWN):
        width = _OWN_WIDTHS[column]
        changed = own.copy()
        changed[column] += width
        by_own[:, column] = (off_flight(units, shared, time, position, changed).ravel() - off) / width
    return off, by_shared, by_own


@compiled
def settled(
    units: Units,
    shared: Array,
    time: Array,
    position: Array,
    weight: Array,
    precision: Array,
    own: Array,
    rounds: int,
) -> tuple[Array, float]:
    """The flight's own numbers that fit best where the coefficients are these, by Levenberg and Marquardt.

    Args:
        weight: (3 n,) 1/m, of each coordinate of each sighting: one over its standard deviation.
        precision: (12,) one over the standard deviations of the own numbers about zero; 0 where nothing is known.
        own: (12,) to begin with.
        rounds: at most.

    Returns:
        The numbers, and half the sum of squares that is left.
    """
    off = off_flight(units, shared, time, position, own).ravel() * weight
    cost = 0.5 * (np.sum(off**2) + np.sum((own * precision) ** 2))
    damping = 1e-3
    for _ in range(rounds):
        jacobian = np.empty((len(off), OWN))
        for column in range(OWN):
            changed = own.copy()
            changed[column] += _OWN_WIDTHS[column]
            moved = off_flight(units, shared, time, position, changed).ravel() * weight
            jacobian[:, column] = (moved - off) / _OWN_WIDTHS[column]
        normal = product(jacobian.T, jacobian)
        slope = product(jacobian.T, off.reshape((-1, 1)))
        for row in range(OWN):
            normal[row, row] += precision[row] ** 2 + 1e-9
            slope[row, 0] += own[row] * precision[row] ** 2
        gain = 0.0
        for _ in range(_TRIES):
            damped = normal.copy()
            for row in range(OWN):
                damped[row, row] *= 1.0 + damping
            tried = own - solve_positive(damped, slope)[:, 0]
            off_tried = off_flight(units, shared, time, position, tried).ravel() * weight
            cost_tried = 0.5 * (np.sum(off_tried**2) + np.sum((tried * precision) ** 2))
            if cost_tried < cost:
                gain = cost - cost_tried
                own, off, cost = tried, off_tried, cost_tried
                damping *= 0.1
                break
            damping *= 10.0
        if gain < 1e-3 * cost / len(off):
            break
    return own, cost
