"""Tracks of a ball, as cameras give them, cleaned and cut into flights between hits, with one bounce at most."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.flight import find_bounces

Array = NDArray[np.float64]

FEWEST: Final = 20
"""Sightings of a flight."""
_SHORTEST: Final = 0.15
"""s of a flight."""
_GAP: Final = 0.1
"""s without a sighting that end a track."""
_FASTEST: Final = 25.0
"""m/s: whatever moves faster is another thing than the ball before it."""
_SPIKE: Final = 0.05
"""m that one sighting may be off the middle of its neighbours; a bounce makes it 3 cm at most."""
_LOST: Final = 3
"""Impossible sightings in a row after which the later ones are the ball."""
_SPAN: Final = 4
"""Sightings over which a speed is measured."""
_COMING: Final = 0.5
"""m/s along the table on both sides of a hit, at least."""
_FLOOR: Final = -0.25
"""m below the surface: there the ball is out of play."""
_EDGE: Final = 0.03
"""m from the table's edge, within which nothing tells whether a ball still bounces."""
_DOWN: Final = 0.05
"""m above the surface: a ball is about to touch it, whether there is a table below or not."""
_REBOUND: Final = 0.05
"""s after a bounce in which the ball is still as low."""
_ROUNDED: Final = 0.25
"""Share of the cameras' period that stamps may be off an even beat, and still be taken for rounded ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A ball from where it was launched or hit to the next hit, or to its second bounce.

    Attributes:
        time: (n,) s, growing; within the recording.
        position: (n, 3) m, as recorded.
        source: the recording.
        bounce: s, of its bounce on the table; None without one.
        follows: whether it is the way back of the flight before it in the same recording.
    """

    time: Array
    position: Array
    source: str
    bounce: float | None = None
    follows: bool = False


def cut_flights(time: Array, position: Array, source: str) -> list[Flight]:
    """The flights in a track.

    Args:
        time: (n,) s; rows need not be in order, and stamps may come twice, be rounded, or jump.
        position: (n, 3) m, in a frame that lies nearly as ``table`` does; rows that are not finite are dropped.
        source: named in the flights.
    """
    found: list[Flight] = []
    for track in _tracks(*_in_order(time, position)):
        for number, (moments, places) in enumerate(_between_hits(*track)):
            flight = _up_to_second_bounce(*_in_play(moments, places), source, follows=number > 0)
            if len(flight.time) >= FEWEST and flight.time[-1] - flight.time[0] >= _SHORTEST:
                found.append(flight)
    return found


def _in_order(time: Array, position: Array) -> tuple[Array, Array]:
    whole = np.isfinite(time) & np.isfinite(position).all(axis=1)
    time, position = time[whole], position[whole]
    time, first = np.unique(time, return_index=True)
    return time, position[first]


def _tracks(time: Array, position: Array) -> Iterator[tuple[Array, Array]]:
    """What one ball showed without a pause, free of impossible sightings and of rounding."""
    kept: list[int] = []
    strange: list[int] = []
    for row in range(len(time)):
        if kept and time[row] - time[kept[-1]] > _GAP:
            yield from _track(time[kept], position[kept])
            kept, strange = [], []
        if not kept:
            kept = [row]
            continue
        way = float(np.linalg.norm(position[row] - position[kept[-1]]))
        if way <= _FASTEST * (time[row] - time[kept[-1]]) + _SPIKE:
            kept, strange = [*kept, row], []
            continue
        strange.append(row)
        if len(strange) >= _LOST:
            yield from _track(time[kept], position[kept])
            kept, strange = strange, []
    yield from _track(time[kept], position[kept])


def _track(time: Array, position: Array) -> Iterator[tuple[Array, Array]]:
    if len(time) < FEWEST:
        return
    share = ((time[1:-1] - time[:-2]) / (time[2:] - time[:-2]))[:, None]
    middle = (1.0 - share) * position[:-2] + share * position[2:]
    off = np.linalg.norm(position[1:-1] - middle, axis=1)
    # A spike pulls its neighbours' middles, too, but half as much.
    beside = np.concatenate(([0.0], off, [0.0]))
    spikes = (off > _SPIKE) & (off >= beside[:-2]) & (off >= beside[2:])
    kept = np.concatenate(([True], ~spikes, [True]))
    yield evened(time[kept]), position[kept]


def evened(time: Array) -> Array:
    """Stamps (n,), s, of even pictures that were rounded or jumped a little, put back on the cameras' beat.

    Stamps that keep no beat stay as they are.
    """
    gaps = np.diff(time)
    period = float(np.median(gaps))
    for _ in range(2):  # the count of pictures follows from the period, and the period from the count
        number = np.concatenate(([0.0], np.cumsum(np.maximum(np.rint(gaps / period), 1.0))))
        slope, start = np.polyfit(number, time, 1)
        period = float(slope)
    beat = start + slope * number
    return beat if np.abs(beat - time).max() <= _ROUNDED * period else time


def _between_hits(time: Array, position: Array) -> Iterator[tuple[Array, Array]]:
    """Pieces between the turns along the table; the sightings next to a hit belong to none."""
    y = position[:, 1]
    begin = 0
    row = _SPAN
    while row < len(y) - _SPAN:
        before = (y[row] - y[row - _SPAN]) / (time[row] - time[row - _SPAN])
        after = (y[row + _SPAN] - y[row]) / (time[row + _SPAN] - time[row])
        if before * after < 0.0 and min(abs(before), abs(after)) > _COMING:
            around = slice(row - _SPAN, row + _SPAN + 1)
            furthest = np.argmin(y[around]) if before < 0.0 else np.argmax(y[around])
            hit = row - _SPAN + int(furthest)
            yield time[begin:hit], position[begin:hit]
            begin = hit + 1
            row = hit + 2 * _SPAN
        else:
            row += 1
    yield time[begin:], position[begin:]


def _in_play(time: Array, position: Array) -> tuple[Array, Array]:
    below = np.flatnonzero(position[:, 2] < _FLOOR)
    end = int(below[0]) if len(below) else len(time)
    return time[:end], position[:end]


def _up_to_second_bounce(time: Array, position: Array, source: str, follows: bool) -> Flight:
    """Up to where the ball comes down again after its bounce, or for the first time where that is no clear bounce."""
    first = next(find_bounces(time, position), None)
    clear = first is not None and table.over_surface(
        math.copysign(abs(first.x) + _EDGE, first.x), math.copysign(abs(first.y) + _EDGE, first.y)
    )
    bounce = first.time if first is not None and clear else None
    down = position[:, 2] < _DOWN
    if bounce is not None:
        down &= time > bounce + _REBOUND
    again = np.flatnonzero(down)
    end = int(again[0]) if len(again) else len(time)
    return Flight(time[:end], position[:end], source, bounce, follows)
