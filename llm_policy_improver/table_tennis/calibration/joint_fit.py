"""All flights of a cell fitted at once: coefficients that they share, and each flight's own state.

Gauss-Newton over both. A flight's own numbers meet those of no other flight, so they are eliminated one flight at a
time (the Schur complement of the normal equations; Triggs et al., Bundle Adjustment, 2000, section 6), and what remains
are eight equations however many flights there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.coefficient import KNOWN_BEFORE, is_determined
from llm_policy_improver.table_tennis.calibration.flight_model import (
    FAINT,
    OWN,
    SHARED,
    linearised,
    off_flight,
    settled,
    shared_of,
    unit_law,
)
from llm_policy_improver.table_tennis.calibration.flights import FEWEST, Flight

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

_SPIN: Final = 300.0
"""rad/s: spins are told by the flights alone. A narrow belief in slow spins would be taken for a strong lift."""
_HUBER: Final = 2.0
"""Standard deviations beyond which a sighting counts less."""
_ODD: Final = 1.3
"""Times the typical misfit: such a flight touched something on its way, and counts up to there."""
_STRANGE: Final = 2.0
"""Times the typical misfit: such a flight does not count."""
_BLOCK: Final = 8
"""Sightings at the end of what counts of an odd flight, that fit as well as all of it."""
_PASSES: Final = 3
"""Of noise and weights."""
_ROUNDS: Final = 8
"""Of the coefficients in each pass."""
_ENOUGH: Final = 0.05
"""Of the logarithm of the probability: less tells nothing, and flights settle no closer."""
_ASTRAY: Final = 20.0
"""The same, that no flight loses by a good step."""
_CLOSE: Final = 0.02
"""Standard errors that no coefficient moves any more at the end."""
_LEAST_KICK: Final = 0.01
"""m/s, scatter of bounces about their law that is always allowed for."""
_SHIFTED: Array = np.array([0.0, 0.02, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0])
"""(8,) of the coefficients, by which they come out wrong however many flights there are: lift, its saturation and each
flight's own spin are told by their product, and noise of the spins does not average out of it (Neyman and Scott 1948).
Of four simulated cells with 40 strokes each lift was 3.0 % too high to 0.8 % too low."""
_KNOWN: Array = np.array([KNOWN_BEFORE[name] for name in SHARED])
"""(8,): no sighting of a flight moves by a metre where a coefficient moves by this; .."""
_STEEP: Final = 20.0
""".. nor by so many times what its own numbers move by, in m, m/s and rad/s."""
_LOW: Array = np.array([0.1, 0.0, 0.02, 0.4, 0.0, -0.2, -0.2, -0.2])
_HIGH: Array = np.array([1.2, 4.0, 2.0, 1.0, 1.0, 0.2, 0.2, 0.2])
"""(8,) in the order of `SHARED`: nothing real lies outside."""


@dataclass(frozen=True, slots=True, eq=False)
class JointFit:
    """The coefficients that fit all flights best.

    Attributes:
        shared: (8,) in the order of `SHARED`; where not determined, as before.
        standard_error: (8,) of what the flights tell; infinite where they tell nothing.
        determined: (8,).
        own: the flights' own numbers (12,); see `flight_model`.
        own_covariance: (12, 12) of each, the coefficients taken as known.
        used: whether each flight counted: no strange ones.
        sighting: (3,) m, root mean square of what sightings are off, an axis, degrees of freedom accounted for.
        bounce: m/s, scatter of bounces about their law.
        off: (3 n,) m, what the sightings of each flight are off its fit.
    """

    shared: Array
    standard_error: Array
    determined: NDArray[np.bool_]
    own: tuple[Array, ...]
    own_covariance: tuple[Array, ...]
    used: NDArray[np.bool_]
    sighting: Array
    bounce: float
    off: tuple[Array, ...]


def fit_together(
    flights: Sequence[Flight],
    model: BallModel,
    free: Sequence[str] = SHARED,
    begin: Array | None = None,
    sighting: float = 0.003,
    progress: Progress = lambda *_: None,
) -> JointFit:
    """The coefficients of these flights.

    What the flights do not determine (`coefficient.is_determined`) stays as it was, the least certain first; the
    standard errors of the others then count that it may be off by what is known of it beforehand.

    Args:
        model: to begin with, and what is kept.
        free: names of `SHARED` that are sought.
        begin: (8,) instead of those of ``model``: where to look first.
        sighting: m, the cameras' noise to begin with.
        progress: told the passes done and the passes in all.

    Raises:
        ValueError: there is no flight.
    """
    if not flights:
        raise ValueError('there is no flight to fit')
    fit = _Fit(flights, model, np.full(3, sighting), begin)
    active = np.array([name in free for name in SHARED])
    for number in range(_PASSES):
        fit.improve(active)
        progress(number + 1, _PASSES)
        fit.weigh()
        if number == 0:
            fit.shorten()
    error = np.full(len(SHARED), np.inf)
    while True:
        error[active] = fit.errors(active)
        unsure = [
            (error[row] / KNOWN_BEFORE[name], row)
            for row, name in enumerate(SHARED)
            if active[row] and not is_determined(name, error[row])
        ]
        if not unsure:
            break
        row = max(unsure)[1]
        active[row] = False
        fit.shared[row] = fit.before[row]
        fit.improve(active)
    fit.improve(active)
    return fit.result(active, error)


class _Fit:
    """The state of the iterations."""

    def __init__(
        self, flights: Sequence[Flight], model: BallModel, sighting: Array, begin: Array | None
    ) -> None:
        self.unit = unit_law(model)
        self.before = shared_of(model)
        self.shared = (self.before if begin is None else begin).copy()
        self.sighting, self.bounce = sighting, 0.1
        # Times count from the first sighting: those of a recording may be seconds since 1970.
        self.time = [np.ascontiguousarray(flight.time - flight.time[0]) for flight in flights]
        self.position = [np.ascontiguousarray(flight.position) for flight in flights]
        self.used = np.ones(len(flights), dtype=bool)
        self.weights = [np.ones(3 * len(time)) for time in self.time]
        self.own = [
            first_guess(self.unit.gravity, time, position)
            for time, position in zip(self.time, self.position, strict=True)
        ]
        self.off = [np.zeros(3 * len(time)) for time in self.time]
        self.cost = np.zeros(len(flights))
        self._settle(30)
        self.weigh()

    @property
    def precision(self) -> Array:
        return np.array([0.0] * 6 + [1.0 / _SPIN] * 3 + [1.0 / self.bounce] * 3)

    def _weight(self, number: int) -> Array:
        """(3 n,) 1/m."""
        return np.tile(1.0 / self.sighting, len(self.time[number])) * np.sqrt(self.weights[number])

    def _settle(self, rounds: int) -> float:
        """Have every flight's own numbers follow the coefficients; returns the cost of the flights that count."""
        for number in range(len(self.time)):
            self.own[number], self.cost[number] = self._settled(number, self.own[number], rounds)
        return float(self.cost[self.used].sum())

    def _settled(self, number: int, own: Array, rounds: int) -> tuple[Array, float]:
        return settled(
            self.unit, self.shared, self.time[number], self.position[number],
            self._weight(number), self.precision, own, rounds,
        )  # fmt: skip

    def _follow(self, own: Sequence[Array], cost: Array) -> float:
        """As `_settle`, with another try from the numbers before where a flight was led astray.

        At the table's edge a small step decides whether there is a bounce at all.
        """
        self._settle(3)
        for number in np.flatnonzero(self.used & (self.cost > 1.2 * cost + _ASTRAY)).tolist():
            again, less = self._settled(number, own[number], 10)
            if less < self.cost[number]:
                self.own[number], self.cost[number] = again, less
        return float(self.cost[self.used].sum())

    def improve(self, active: NDArray[np.bool_]) -> None:
        """Move the active coefficients until they stay."""
        cost = self._settle(3)
        for _ in range(_ROUNDS):
            normal, slope, _, follow = self.reduced()
            normal, slope = normal[np.ix_(active, active)], slope[active]
            if not active.any():
                return
            # A whisper of what is known beforehand keeps what the flights say nothing of in its place.
            faint = np.diag(
                [(0.1 / KNOWN_BEFORE[name]) ** 2 for name, on in zip(SHARED, active, strict=True) if on]
            )
            away = (self.shared - self.before)[active]
            step = -np.linalg.solve(normal + faint, slope + faint @ away)
            start, own, costs = self.shared.copy(), self.own, self.cost.copy()
            for share in (1.0, 0.5, 0.2, 0.05):
                self.shared = start.copy()
                self.shared[active] += share * step
                self.shared = np.clip(self.shared, _LOW, _HIGH)
                moved = self.shared - start
                self.own = [
                    each - share * alone - with_shared @ moved
                    for each, (alone, with_shared) in zip(own, follow, strict=True)
                ]
                tried = self._follow(own, costs)
                if tried <= cost + _ENOUGH:
                    break
            else:
                self.shared, self.own, self.cost = start, own, costs
                return
            cost = tried
            if np.all(np.abs(step) < _CLOSE * np.sqrt(np.diag(np.linalg.inv(normal + faint)))):
                return

    def reduced(self) -> tuple[Array, Array, list[Array], list[tuple[Array, Array]]]:
        """Normal equations (8, 8), (8,) of the shared alone, and each used flight's part (8,) in the right-hand side.

        Then for every flight by how much its own numbers (12,) go down, and how they follow the shared (12, 8).
        """
        size = len(SHARED)
        normal, slope = np.zeros((size, size)), np.zeros(size)
        parts = []
        precision = np.diag(self.precision**2 + FAINT)
        follow = []
        for number, used in enumerate(self.used.tolist()):
            off, by_shared, by_own = linearised(
                self.unit, self.shared, self.time[number], self.position[number], self.own[number]
            )
            # Where a bounce hangs by a hair a difference is no derivative: it would pass for certainty.
            steep = max(np.abs(by_shared * _KNOWN).max(), np.abs(by_own).max() / _STEEP) > 1.0
            weight = self._weight(number)
            off, by_shared, by_own = off * weight, by_shared * weight[:, None], by_own * weight[:, None]
            inner = by_own.T @ by_own + precision
            across = by_own.T @ by_shared
            own_slope = by_own.T @ off + precision @ self.own[number]
            gone = np.linalg.solve(inner, np.column_stack((across, own_slope)))
            follow.append((gone[:, size], gone[:, :size]))
            if not used or steep:
                continue
            normal += by_shared.T @ by_shared - across.T @ gone[:, :size]
            part = by_shared.T @ off - across.T @ gone[:, size]
            slope += part
            parts.append(part)
        return normal, slope, parts, follow

    def weigh(self) -> None:
        """Noise, scatter of bounces, weights of sightings, and which flights are strange, from what is left."""
        squares, freedom, kicks = np.zeros(3), 0.0, []
        misfit = self._misfits()
        self.used = misfit <= _STRANGE * np.median(misfit)
        for number in np.flatnonzero(self.used).tolist():
            rows = self.off[number].reshape(-1, 3)
            weights = self.weights[number].reshape(-1, 3)
            squares += np.sum(weights * rows**2, axis=0)
            freedom += len(rows) * float(weights.mean()) - OWN / 3.0
            if np.any(self.own[number][9:]):
                spread = self._own_covariance(number)[9:, 9:]
                kicks.append(np.mean(self.own[number][9:] ** 2 + np.diag(spread)))
        self.sighting = np.maximum(np.sqrt(squares / max(freedom, 1.0)), 1e-5)
        if kicks:
            self.bounce = max(float(np.sqrt(np.median(kicks))), _LEAST_KICK)
        for number, off in enumerate(self.off):
            size = np.linalg.norm(off.reshape(-1, 3) / self.sighting, axis=1) / np.sqrt(3.0)
            self.weights[number] = np.repeat(np.minimum(1.0, _HUBER / np.maximum(size, 1e-9)), 3)

    def _misfits(self) -> Array:
        """(flights,) root mean squares of the residuals, which are brought up to date, in units of the noise."""
        for number, time in enumerate(self.time):
            self.off[number] = off_flight(
                self.unit, self.shared, time, self.position[number], self.own[number]
            )
        return np.array([self._size(off) for off in self.off])

    def _size(self, off: Array) -> float:
        """Root mean square in units of the noise; single wrong sightings hardly count."""
        squares = np.mean((off.reshape(-1, 3) / self.sighting) ** 2, axis=1)
        return float(np.sqrt(np.mean(np.minimum(squares, 9.0 * np.median(squares)))))

    def shorten(self) -> None:
        """Cut odd flights off where they stop to follow any: at the net, at the racket, at the table's edge."""
        misfit = self._misfits()
        typical = float(np.median(misfit))
        for number in np.flatnonzero(misfit > _ODD * typical).tolist():
            whole = len(self.time[number])
            kept, own = 0, self.own[number]
            begin = first_guess(self.unit.gravity, self.time[number], self.position[number])
            for end in range(FEWEST, whole + 1, _BLOCK // 2):
                time, position = self.time[number][:end], self.position[number][:end]
                weight = np.tile(1.0 / self.sighting, end)
                begin, _ = settled(self.unit, self.shared, time, position, weight, self.precision, begin, 10)
                off = off_flight(self.unit, self.shared, time, position, begin)
                if max(self._size(off), self._size(off[-3 * _BLOCK :]) / _ODD) > _ODD * typical:
                    break
                kept, own = end, begin
            if kept:
                kept = max(FEWEST, kept - _BLOCK // 2) if kept < whole - _BLOCK // 2 else kept
                self.time[number], self.position[number] = (
                    self.time[number][:kept],
                    self.position[number][:kept],
                )
                self.own[number], self.weights[number] = own, np.ones(3 * kept)
        self._settle(10)
        self.weigh()

    def errors(self, active: NDArray[np.bool_]) -> Array:
        """Standard errors of the active: the larger of what noise explains and of how flights differ; and `_SHIFTED`.

        Cameras that are calibrated badly are off in one flight as a whole; its sightings then count as one (the cluster
        robust errors of Liang and Zeger 1986).
        """
        normal, _, parts, _ = self.reduced()
        # The inactive may be off by what is known of them beforehand.
        known = np.diag(
            [0.0 if on else KNOWN_BEFORE[name] ** -2 for name, on in zip(SHARED, active, strict=True)]
        )
        faint = np.diag([(0.01 / KNOWN_BEFORE[name]) ** 2 for name in SHARED])
        spread = np.linalg.inv(normal + known + faint)
        count = len(parts)
        gathered = np.array(parts).T @ np.array(parts) * count / max(count - int(active.sum()), 1)
        between = spread @ (gathered + known) @ spread
        error = np.sqrt(np.maximum(np.diag(spread), np.diag(between)))
        return np.asarray(np.hypot(error, _SHIFTED * self.shared)[active])

    def _own_covariance(self, number: int) -> Array:
        _, _, by_own = linearised(
            self.unit, self.shared, self.time[number], self.position[number], self.own[number]
        )
        by_own = by_own * self._weight(number)[:, None]
        return np.linalg.inv(by_own.T @ by_own + np.diag(self.precision**2 + FAINT))

    def result(self, active: NDArray[np.bool_], error: Array) -> JointFit:
        """What came out."""
        self.weigh()
        return JointFit(
            shared=self.shared,
            standard_error=error,
            determined=active,
            own=tuple(self.own),
            own_covariance=tuple(map(self._own_covariance, range(len(self.own)))),
            used=self.used,
            sighting=self.sighting,
            bounce=self.bounce,
            off=tuple(self.off),
        )


def first_guess(gravity: float, time: Array, position: Array) -> Array:
    """(12,) from a parabola through the first sightings, without spin and with a bounce by its law."""
    early = time <= time[0] + max(0.06, time[8] - time[0])
    early[15:] = False
    own = np.zeros(OWN)
    for axis in range(3):
        # Gravity is known: a line through what is left of it.
        fallen = 0.5 * gravity * time[early] ** 2 if axis == 2 else 0.0
        own[3 + axis], own[axis] = np.polyfit(time[early], position[early, axis] + fallen, 1)
    return own
