"""One recorded flight as a function of the cell's coefficients and of its own numbers: residuals and derivatives.

`SHARED` is what all flights of a cell have in common: coefficients of the ball, and how the recorded frame lies to the
table. Its own numbers, (12,), are those of `ball.flight_path`.
"""

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.ball.flight_path import fit_flown, flown, place_derivatives
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel

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

FAINT: Final = 1e-9
"""Of the normal matrix of the own numbers: it can be inverted where the sightings tell nothing of one."""
_WIDTHS: Array = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-5, 1e-5, 1e-5])
"""Of the differences that give derivatives by the shared."""
_ENOUGH: Final = 1e-3
"""Of the cost of a coordinate of a sighting, that a further round must gain."""


def shared_of(model: BallModel) -> Array:
    """(8,) in the order of `SHARED`, in a frame that is level."""
    return np.array([float(getattr(model, name, 0.0)) for name in SHARED])


def unit_law(model: BallModel) -> BallLaw:
    """The law of this air where drag, lift and its saturation have the coefficient 1."""
    return replace(model, drag_coefficient=1.0, lift_coefficient=1.0, lift_saturation=1.0).law


@compiled
def law_of(unit: BallLaw, shared: Array) -> BallLaw:
    """The law with these coefficients; ``unit`` is a `unit_law`."""
    return BallLaw(
        unit.gravity, unit.drag * shared[0], unit.lift * shared[1], unit.saturation / shared[2],
        shared[3], shared[4], unit.racket_restitution, unit.racket_grip,
    )  # fmt: skip


@compiled
def _in_table(shared: Array, position: Array) -> Array:
    """(n, 3) m, frame ``table``."""
    height, roll, pitch = shared[5], shared[6], shared[7]
    cr, sr, cp, sp = math.cos(roll), math.sin(roll), math.cos(pitch), math.sin(pitch)
    found = np.empty(position.shape)
    for row in range(len(position)):
        x, y, z = position[row, 0], position[row, 1], position[row, 2]
        turned = sr * y + cr * z
        found[row, 0], found[row, 1] = cp * x + sp * turned, cr * y - sr * z
        found[row, 2] = cp * turned - sp * x + height
    return found


@compiled
def off_flight(unit: BallLaw, shared: Array, time: Array, position: Array, own: Array) -> Array:
    """(3 n,) m in frame ``table``: the flight of these coefficients and numbers, less the sightings.

    Args:
        shared: (8,) in the order of `SHARED`.
        time: (n,) s, growing.
        position: (n, 3) m, as recorded.
        own: (12,).
    """
    return flown(law_of(unit, shared), time, own)[0] - _in_table(shared, position).ravel()


@compiled
def linearised(
    unit: BallLaw, shared: Array, time: Array, position: Array, own: Array
) -> tuple[Array, Array, Array]:
    """`off_flight`, and its derivatives by the shared (3 n, 8) and by the flight's own numbers (3 n, 12)."""
    off = off_flight(unit, shared, time, position, own)
    by_shared = np.empty((len(off), len(shared)))
    for column in range(len(shared)):
        changed = shared.copy()
        changed[column] += _WIDTHS[column]
        by_shared[:, column] = (off_flight(unit, changed, time, position, own) - off) / _WIDTHS[column]
    law = law_of(unit, shared)
    return off, by_shared, place_derivatives(law, time, own, flown(law, time, own)[0])


@compiled
def settled(
    unit: BallLaw,
    shared: Array,
    time: Array,
    position: Array,
    weight: Array,
    precision: Array,
    own: Array,
    rounds: int,
) -> tuple[Array, float]:
    """The flight's own numbers that fit best where the coefficients are these, and their cost; see `fit_flown`.

    Args:
        precision: (12,) about zero.
    """
    own, cost, _, _ = fit_flown(
        law_of(unit, shared), time, _in_table(shared, position), weight, own, np.zeros(OWN), precision, FAINT,
        rounds, (0.0, _ENOUGH / len(weight)),
    )  # fmt: skip
    return own, cost
