"""Bounces, hit and net crossing of one ball, found from its observed positions alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball import table

Array = NDArray[np.float64]

_SURFACE = 0.10
"""m, a lowest point above this is no bounce on the table."""
_FIT = 12
"""Sightings used on each side of a bounce."""
_TURN = 0.05
"""m the ball must come back before it counts as hit: ten times the cameras' noise."""
_SPAN = 4
"""Sightings over which a speed is measured."""
_COMING, _KEPT = 1.0, 0.25
"""m/s of a ball on its way to the robot, and the share of that speed that it keeps at most when it is hit."""
_LONGEST_CARRY = 0.4
"""s beyond the last sighting, that a flight is carried on at most."""
OUT_X, OUT_Y = 'out_x', 'out_y'
"""Measures of a ball that went out: m, where its flight met the table's plane."""
_RISE = 0.015
"""m the ball must rise after its lowest point before it counts as a bounce: several times the cameras' noise."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A bounce on the table: s, and m in frame ``table``."""

    time: float
    x: float
    y: float


def find_hit(time: Array, position: Array) -> int | None:
    """Index of the sighting nearest to the racket's hit; None without one.

    That is where the ball turns back. One that only glances off is stopped in its way more than a bounce would.

    Args:
        time: (n,) s.
        position: (n, 3) m, in order of time.
    """
    if len(position) < 3:
        return None
    y = position[:, 1]
    nearest = int(np.argmin(y))
    if nearest > 1 and nearest + 2 < len(y) and y[nearest:].max() - y[nearest] > _TURN:
        return nearest
    speed = (y[_SPAN:] - y[:-_SPAN]) / (time[_SPAN:] - time[:-_SPAN])
    before, after = speed[:-_SPAN], speed[_SPAN:]
    stopped = np.flatnonzero((before < -_COMING) & (after > _KEPT * before))
    if len(stopped) == 0:
        return None
    first = int(stopped[0])
    return _SPAN + first + int(np.argmax((after - before)[first : first + _SPAN]))


def find_bounces(time: Array, position: Array) -> Iterator[Bounce]:
    """The bounces on the table within one flight between hits, in order of time.

    Args:
        time: (n,) s.
        position: (n, 3) m.
    """
    height = position[:, 2]
    earliest = 1
    for index in np.flatnonzero(height[:-2] < _SURFACE).tolist():
        if index < earliest:
            continue
        window = height[max(0, index - 3) : index + 4]
        ahead = height[index : index + 5]
        if (
            height[index] <= window.min()
            and ahead.max() - height[index] > _RISE
            and window[0] - height[index] > _RISE
        ):
            bounce = _fit_bounce(time, position, index)
            if bounce is not None and table.over_surface(bounce.x, bounce.y):
                yield bounce
                earliest = index + 4


def _fit_bounce(time: Array, position: Array, lowest: int) -> Bounce | None:
    """Flights before and after the lowest sighting, each fitted by a parabola, met with the surface."""
    moment = float(time[lowest])
    place, sides = np.full(3, np.nan), (-1, -1)
    for _ in range(3):  # the sightings' sides follow from the moment, and the moment from the sides
        first, last = int(np.searchsorted(time, moment, 'left')), int(np.searchsorted(time, moment, 'right'))
        if sides == (first, last):
            break
        sides = first, last
        before, after = slice(max(0, first - _FIT), first), slice(last, last + _FIT)
        if len(time[before]) < 3 or len(time[after]) < 3:
            return None
        falling = parabola(time[before] - moment, position[before])
        rising = parabola(time[after] - moment, position[after])
        down, up = _crossing(falling[:, 2], falling=True), _crossing(rising[:, 2], falling=False)
        if down is None or up is None:
            return None
        step = 0.5 * (down + up)
        moment += step
        place = 0.5 * (along(falling, step) + along(rising, step))
    if abs(moment - float(time[lowest])) > 0.03:
        return None
    return Bounce(moment, float(place[0]), float(place[1]))


def parabola(time: Array, values: Array) -> Array:
    """(3, k) coefficients, lowest power first, of the least-squares parabola through (n, k) values."""
    powers = np.stack((np.ones_like(time), time, time * time), axis=1)
    return np.asarray(np.linalg.lstsq(powers, values, rcond=None)[0], dtype=float)


def along(coefficients: Array, time: float | Array) -> Array:
    """(k,) values of a `parabola` at a time; (n, k) at times (n, 1)."""
    return np.asarray(coefficients[0] + time * coefficients[1] + time * time * coefficients[2])


def _crossing(height: Array, *, falling: bool) -> float | None:
    """Time at which the parabola passes the height of a resting ball in the given direction."""
    c, b, a = float(height[0]) - table.BALL_RADIUS, float(height[1]), float(height[2])
    if abs(a) < 1e-9:
        return None
    root = b * b - 4.0 * a * c
    if root < 0.0:
        return -b / (
            2.0 * a
        )  # noise keeps the parabola just above the surface: its lowest point is next to it
    # For a parabola open downwards the later root is the falling one.
    spread = np.sqrt(root) / (2.0 * abs(a))
    middle = -b / (2.0 * a)
    return float(middle + spread if falling == (a < 0.0) else middle - spread)


@dataclass(frozen=True, slots=True)
class NetCrossing:
    """How a returned ball passed the net's plane.

    Attributes:
        clearance: m between the ball's lowest point and the net's top edge.
        deflected: whether the flight has a kink there, as after a touch.
        beside: whether it passed outside the net's posts, or below the table.
    """

    clearance: float
    deflected: bool
    beside: bool


def find_net_crossing(time: Array, position: Array) -> NetCrossing | None:
    """Where a ball flying away from the robot passes y = 0; None if it does not.

    Args:
        time: (n,) s.
        position: (n, 3) m, from the hit to the next bounce.
    """
    beyond = np.flatnonzero(position[:, 1] >= 0.0)
    if len(beyond) == 0 or beyond[0] == 0:
        return None
    cross = int(beyond[0])
    before = np.arange(max(0, cross - _FIT), cross)
    after = np.arange(cross, min(len(time), cross + _FIT))
    share = position[cross - 1, 1] / (position[cross - 1, 1] - position[cross, 1])
    moment = float(time[cross - 1] + share * (time[cross] - time[cross - 1]))
    x, _, height = position[cross - 1] + share * (position[cross] - position[cross - 1])
    wide = abs(x) > table.HALF_WIDTH + table.NET_OVERHANG + table.BALL_RADIUS
    beside = bool(wide or height < -table.BALL_RADIUS)
    if len(before) < 4:
        return NetCrossing(
            float(height) - table.BALL_RADIUS - table.NET_HEIGHT, deflected=False, beside=beside
        )
    incoming = parabola(time[before] - moment, position[before])
    clearance = float(incoming[0, 2]) - table.BALL_RADIUS - table.NET_HEIGHT
    deflected = False
    if len(after) >= 4:
        outgoing = parabola(time[after] - moment, position[after])
        kink = float(np.linalg.norm(outgoing[1] - incoming[1]))
        deflected = kink > max(0.6, 0.15 * float(np.linalg.norm(incoming[1]))) and clearance < 0.05
    return NetCrossing(clearance, deflected, beside)


def clearance_missing(time: Array, position: Array) -> float | None:
    """The clearance, m, that a ball stopped by the net would have had: its flight up to there, carried on to y = 0.

    Args:
        time: (n,) s.
        position: (n, 3) m, from the hit on.

    Returns:
        None where too little of the flight was seen.
    """
    # Without the furthest sighting itself: there the ball may lean on the net already.
    stopped = int(np.argmax(position[:, 1]))
    flight = np.arange(max(0, stopped - _FIT), stopped)
    if len(flight) < 4:
        return None
    moment = float(time[flight[-1]])
    path = parabola(time[flight] - moment, position[flight])
    y, speed = float(path[0, 1]), float(path[1, 1])
    return float(along(path, -y / speed)[2]) - table.BALL_RADIUS - table.NET_HEIGHT if speed > 0.1 else None


def plane_met(time: Array, position: Array) -> tuple[float, float] | None:
    """Where, m, a flight past the table meets the plane that it would have bounced on, or the last of it would.

    Args:
        time: (n,) s.
        position: (n, 3) m, from the hit on.

    Returns:
        x and y; None where too little of the flight was seen, or it does not come down.
    """
    top = int(np.argmax(position[:, 2]))
    below = np.flatnonzero(position[top:, 2] < table.BALL_RADIUS)
    end = min(len(time), top + int(below[0]) + 2) if len(below) else len(time)
    seen = slice(max(0, end - _FIT), end)
    if len(time[seen]) < 4:
        return None
    moment = float(time[end - 1])
    path = parabola(time[seen] - moment, position[seen])
    met = _crossing(path[:, 2], falling=True)
    if met is None or not -_LONGEST_CARRY < met < _LONGEST_CARRY:
        return None
    x, y, _ = along(path, met)
    return float(x), float(y)


def stopped_by_net(position: Array) -> bool:
    """Whether a ball flying away from the robot came to the net and not past it. ``position``: (n, 3) m."""
    furthest = int(np.argmax(position[:, 1]))
    y, z = position[furthest, 1], position[furthest, 2]
    return bool(
        -0.12 < y < 0.06 and z < table.NET_HEIGHT + 2.0 * table.BALL_RADIUS and furthest < len(position) - 2
    )
