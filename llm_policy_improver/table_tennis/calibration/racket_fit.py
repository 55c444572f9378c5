"""The racket's restitution and grip, and how late the encoders are, from the ball's flights before and after hits.

The blade's pose and velocity at a hit come from the joint states of the moment that belongs to it: encoders show what
was. How late they are is told by the blade itself, which must touch the ball.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq, least_squares

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.kinematics import blade_and_forearm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.flight_path import WIDTHS, state_at
from llm_policy_improver.table_tennis.ball.laws import racket_bounce
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.flight_model import OWN, law_of, unit_law
from llm_policy_improver.table_tennis.calibration.flights import Flight
from llm_policy_improver.table_tennis.calibration.joint_fit import JointFit
from llm_policy_improver.table_tennis.calibration.recordings import ArmSeries

Array = NDArray[np.float64]

_CONTACT: Final = table.BALL_RADIUS + arm.BLADE_THICKNESS / 2
"""m from the middle of the blade to the ball's centre."""
_APART: Final = 0.05
"""m between the flights before and after, at the moment when they are nearest: more is no hit."""
_IS_SLIDE: Final = np.array(['slide' in name for name in JOINTS])
_MOMENT: Final = 1e-6
"""s, how closely the moment of a hit is found."""
_LATEST: Final = 0.12
"""s that encoders may be late."""
_GAP: Final = 0.004
"""m, how exactly the blade's place is known."""
_FEWEST: Final = 5
"""Hits."""
_RECOIL: Final = 0.0025
"""Of the restitution, that hits never tell: a blade is taken for much heavier than the ball, and gives way a little.
With 2 kg behind it that takes (1 + e) 2.7 g / 2 kg off; in simulation 0.002."""
_BEGIN: Final = (0.79, 0.7)
_OFF: Final = 3.0
"""Standard deviations beyond which a hit counts less."""


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A ball as it met the racket.

    Attributes:
        time: s of the recording.
        position: (3,) m of the ball.
        before, after: (6,) velocity and spin, m/s and rad/s.
        before_covariance, after_covariance: (6, 6).
        arm: what the arm showed.
    """

    time: float
    position: Array
    before: Array
    after: Array
    before_covariance: Array
    after_covariance: Array
    arm: ArmSeries


@dataclass(frozen=True, slots=True)
class RacketFit:
    """What hits tell of the racket; ``delay`` is by how much the encoders' stamps are late, s.

    Each number with its standard error; ``delay_spread`` is how much delays differ from hit to hit, s. Of the speed at
    which the blade came to the ball the slides made the share ``slides``, and so of the delay theirs.
    """

    hits: int
    restitution: float
    restitution_error: float
    grip: float
    grip_error: float
    delay: float
    delay_error: float
    delay_spread: float
    slides: float


def find_hits(
    flights: Sequence[Flight], fit: JointFit, model: BallModel, arms: dict[str, ArmSeries]
) -> list[Hit]:
    """The hits between a flight and the one that follows it in the same recording.

    Args:
        arms: by recording.
    """
    law, hits = law_of(unit_law(model), fit.shared), []
    for number in range(len(flights) - 1):
        coming, going = flights[number], flights[number + 1]
        if not (going.follows and going.source == coming.source and going.source in arms):
            continue
        if not (fit.used[number] and fit.used[number + 1]) or coming.time[-1] - coming.time[0] > 3.0:
            continue
        begin, back = coming.time[0], going.time[0]

        def before(own: Array, at: float, begin: float = begin) -> Array:
            return state_at(law, own, at - begin)

        def after(own: Array, at: float, back: float = back) -> Array:
            return state_at(law, own, at - back)

        moment = 0.5 * (float(coming.time[-1]) + float(back))
        own, later = fit.own[number], fit.own[number + 1]
        for _ in range(3):
            apart = before(own, moment) - after(later, moment)
            moment -= float(apart[:3] @ apart[3:6]) / max(float(apart[3:6] @ apart[3:6]), 1e-6)
        apart = before(own, moment) - after(later, moment)
        if not (coming.time[-1] - 0.03 < moment < back + 0.03) or np.linalg.norm(apart[:3]) > _APART:
            continue
        jacobian = _derivatives(before, own, moment)
        jacobian_after = _derivatives(after, later, moment)
        state, state_after = before(own, moment), after(later, moment)
        hits.append(
            Hit(
                moment,
                0.5 * (state[:3] + state_after[:3]),
                state[3:],
                state_after[3:],
                (jacobian @ fit.own_covariance[number] @ jacobian.T)[3:, 3:],
                (jacobian_after @ fit.own_covariance[number + 1] @ jacobian_after.T)[3:, 3:],
                arms[coming.source],
            )
        )
    return hits


def _derivatives(state: Callable[[Array, float], Array], own: Array, at: float) -> Array:
    """(9, 12)."""
    steps = np.diag(WIDTHS[:OWN])
    return np.array([(state(own + step, at) - state(own, at)) / step.sum() for step in steps]).T


def fit_racket(hits: Sequence[Hit], model: BallModel) -> RacketFit | None:
    """What these hits tell; None of too few, or where the arm was not seen."""
    measured = [each for hit in hits if (each := _Measured.of(hit, model)) is not None]
    if len(measured) < _FEWEST:
        return None

    def off(values: Array) -> Array:
        return np.concatenate([each.off(values[0], values[1]) for each in measured])

    found = least_squares(
        off, _BEGIN, loss='soft_l1', f_scale=_OFF, bounds=((0.3, 0.0), (1.0, 1.0)), diff_step=1e-3
    )
    # As in the joint fit: a hit as a whole is one observation.
    rows = [each.off(*found.x) for each in measured]
    slopes = [_slope(each, found.x, row) for each, row in zip(measured, rows, strict=True)]
    weights = [1.0 / np.sqrt(1.0 + (row @ row) / len(row) / _OFF**2) for row in rows]
    normal = sum(weight * slope.T @ slope for weight, slope in zip(weights, slopes, strict=True))
    parts = np.array(
        [weight * slope.T @ row for weight, slope, row in zip(weights, slopes, rows, strict=True)]
    )
    spread = np.linalg.inv(normal)
    count = len(measured)
    between = spread @ (parts.T @ parts * count / (count - 2)) @ spread
    errors = np.sqrt(np.maximum(np.diag(spread), np.diag(between)))
    errors[0] = np.hypot(errors[0], _RECOIL)
    delays = np.array([each.delay for each in measured])
    middle = float(np.median(delays))
    scatter = 1.4826 * float(np.median(np.abs(delays - middle)))
    kept = delays[np.abs(delays - middle) <= 4.0 * max(scatter, 1e-3)]
    return RacketFit(
        count, float(found.x[0]), float(errors[0]), float(found.x[1]), float(errors[1]),
        float(kept.mean()), float(kept.std(ddof=1) / np.sqrt(len(kept))), float(kept.std(ddof=1)),
        float(np.median([each.slides for each in measured])),
    )  # fmt: skip


def _slope(each: '_Measured', values: Array, row: Array) -> Array:
    width = 1e-4
    return np.array([(each.off(*(values + step)) - row) / width for step in width * np.eye(2)]).T


def _blade_axes(q: Array) -> tuple[Array, Array]:
    """Centre of the blade, m, and its axes (3, 3) in rows: away from the handle, across, normal."""
    centre, normal, _, _, handle = (np.array(each) for each in blade_and_forearm(q))
    away = (centre - handle) / np.linalg.norm(centre - handle)
    return centre, np.array((away, np.cross(normal, away), normal))


class _Measured:
    """A hit beside the joint states around it."""

    def __init__(self, hit: Hit, model: BallModel, joints: CubicHermiteSpline) -> None:
        self._hit, self._model, self._joints = hit, model, joints
        self.delay = self._find_delay()
        self._whiten = self._whitening()

    @classmethod
    def of(cls, hit: Hit, model: BallModel) -> '_Measured | None':
        """None where no joint states are around the hit, or the blade never comes near the ball."""
        series = hit.arm
        time, first = np.unique(series.time, return_index=True)
        around = (time > hit.time - 0.1) & (time < hit.time + _LATEST + 0.1)
        rows = first[around]
        if len(rows) < 5 or time[around][-1] < hit.time + _LATEST:
            return None
        joints = CubicHermiteSpline(time[around], series.position[rows], series.velocity[rows])
        found = cls(hit, model, joints)
        near = 0.002 < found.delay < _LATEST - 0.002 or abs(found._gap(found.delay)) < 2.0 * _GAP
        return found if near and abs(found._gap(found.delay)) < 5.0 * _GAP else None

    def _blade(self, delay: float) -> tuple[Array, Array, Array]:
        """Centre, m, normal, and the velocity, m/s, of the blade where the ball is."""
        at = self._hit.time + delay
        q, speed = self._joints(at), self._joints(at, 1)
        centre, axes = _blade_axes(q)
        touched = axes @ (self._hit.position - table.BALL_RADIUS * axes[2] - centre)
        width = 1e-4
        (here, turned), (there, back) = _blade_axes(q + width * speed), _blade_axes(q - width * speed)
        velocity = (here + touched @ turned - there - touched @ back) / (2.0 * width)
        return centre, axes[2], velocity

    def _gap(self, delay: float) -> float:
        """m between ball and blade, along its normal."""
        centre, normal, _ = self._blade(delay)
        return float((self._hit.position - centre) @ normal) - _CONTACT

    @property
    def slides(self) -> float:
        """Share of the slides in the speed at which the blade comes to the ball, 0 to 1."""
        at, width = self._hit.time + self.delay, 1e-4
        q, speed = self._joints(at), self._joints(at, 1)
        _, axes = _blade_axes(q)
        alone = np.where(_IS_SLIDE, speed, 0.0)
        closing, theirs = (
            axes[2] @ (_blade_axes(q + width * each)[0] - _blade_axes(q - width * each)[0]) for each in (speed, alone)
        )
        return float(np.clip(theirs / closing, 0.0, 1.0)) if closing else 0.5

    def _find_delay(self) -> float:
        """s: when the blade, as the encoders show it, touches the ball."""
        delays = np.linspace(0.0, _LATEST, 25)
        gaps = np.array([self._gap(delay) for delay in delays])
        turns = np.flatnonzero(np.sign(gaps[:-1]) != np.sign(gaps[1:]))
        if len(turns) == 0:
            return float(delays[np.argmin(np.abs(gaps))])
        row = int(turns[0])
        return float(brentq(self._gap, delays[row], delays[row + 1], xtol=_MOMENT))

    def _after(self, restitution: float, grip: float, before: Array) -> Array:
        """(6,) velocity and spin after the hit."""
        _, normal, speed = self._blade(self.delay)
        law = self._model.law._replace(racket_restitution=restitution, racket_grip=grip)
        vectors = (before[:3], before[3:], normal, speed)
        velocity, spin, n, moving = ((float(v[0]), float(v[1]), float(v[2])) for v in vectors)
        return np.concatenate(racket_bounce(law, velocity, spin, n, moving))

    def _whitening(self) -> Array:
        """(6, 6), what takes the residuals to unit variance."""
        before = self._hit.before
        widths = np.diag([1e-3] * 3 + [1e-1] * 3)
        base = self._after(*_BEGIN, before)
        slope = np.array([(self._after(*_BEGIN, before + step) - base) / step.sum() for step in widths]).T
        covariance = self._hit.after_covariance + slope @ self._hit.before_covariance @ slope.T
        # The blade moves on while its moment is uncertain.
        delay = self.delay
        width = 1e-3
        self.delay = delay + width
        by_delay = (self._after(*_BEGIN, before) - base) / width
        self.delay = delay
        closing = (self._gap(delay + width) - self._gap(delay)) / width
        late = _GAP / max(abs(closing), 0.3)
        covariance = covariance + np.outer(by_delay, by_delay) * late**2
        return np.linalg.inv(np.linalg.cholesky(covariance))

    def off(self, restitution: float, grip: float) -> Array:
        """(6,) what the ball's velocity and spin after the hit are off the law, in standard deviations."""
        return np.asarray(self._whiten @ (self._after(restitution, grip, self._hit.before) - self._hit.after))
