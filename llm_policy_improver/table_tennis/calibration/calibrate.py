"""From recordings of a cell to its coefficients: the whole of a calibration.

result = calibrate(read_recordings([Path('runs/today')]))
print(result.coefficients['drag_coefficient'])
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.frames import TABLE, CameraFrame, RigidTransform
from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.laws import SPIN_OF_IMPULSE
from llm_policy_improver.table_tennis.ball.state import AT_MOST_ONE, BallModel
from llm_policy_improver.table_tennis.calibration.camera_noise import camera_noise
from llm_policy_improver.table_tennis.calibration.coefficient import Coefficient, is_determined
from llm_policy_improver.table_tennis.calibration.delays import delay_coefficients
from llm_policy_improver.table_tennis.calibration.drives import Drive, fit_drives
from llm_policy_improver.table_tennis.calibration.flight_model import LAWS, SHARED, shared_of
from llm_policy_improver.table_tennis.calibration.flights import Flight
from llm_policy_improver.table_tennis.calibration.flights_of import flights_of, in_table, known_transform
from llm_policy_improver.table_tennis.calibration.held_out import held_out, prediction_errors
from llm_policy_improver.table_tennis.calibration.joint_fit import JointFit, fit_together
from llm_policy_improver.table_tennis.calibration.level import after, first_level, level, moved
from llm_policy_improver.table_tennis.calibration.racket_fit import RacketFit, find_hits, fit_racket
from llm_policy_improver.table_tennis.calibration.recordings import Recording, RecordingError

Array = NDArray[np.float64]

FEWEST: Final = 8
"""Flights of a calibration."""
_AGED: Final = 0.3
"""s, at most, that a sighting can take to be recorded."""

_UNSURE: Final = 'the flights hardly tell of it: more balls, or balls that differ more, are needed'
_NO_BOUNCE: Final = 'no bounce on the table is seen: is the origin at its centre, y along it, z up?'

Step = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class CellBefore:
    """What was known of the cell before: of a parameter file, or the defaults."""

    ball: BallModel = field(default_factory=BallModel)
    filter: FilterConfig = field(default_factory=FilterConfig)
    latency: LatencyModel = field(default_factory=LatencyModel)
    cameras: CameraFrame = field(default_factory=CameraFrame)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What the recordings tell.

    Attributes:
        before: the cell as it was thought to be.
        ball, filter: the cell as it is: coefficients where they are determined; noise of cameras and bounces.
        coefficients: by name.
        level: what is still to be corrected of sightings that ``before.cameras`` puts into frame ``table``.
        from_cameras: the same together with ``before.cameras``: from the recorded frame to ``table``.
        frame: ``frame_id`` of the cameras; ``table`` where nobody names another one.
        recordings, sightings: how many.
        flights: as they were cut.
        fit: of all flights; ``fit_before`` with the coefficients from before, and the frame alone levelled.
        racket, drives: what hits and traces told; None, empty.
        errors_before, errors_after: (k,) m, predictions of flights that were held out.
    """

    before: CellBefore
    ball: BallModel
    filter: FilterConfig
    coefficients: dict[str, Coefficient]
    level: RigidTransform
    from_cameras: RigidTransform
    frame: str
    recordings: int
    sightings: int
    flights: tuple[Flight, ...]
    fit: JointFit
    fit_before: JointFit
    racket: RacketFit | None
    drives: tuple[Drive, ...]
    errors_before: Array
    errors_after: Array

    @property
    def held_out_m(self) -> tuple[float, float]:
        """m, median prediction error of flights that no fit had seen, with the values from before, and fitted ones."""
        return _median(self.errors_before), _median(self.errors_after)


def _median(errors: Array) -> float:
    return float(np.median(errors)) if len(errors) else float('nan')


def calibrate(
    recordings: Sequence[Recording], before: CellBefore | None = None, step: Step = lambda *_: None
) -> Calibration:
    """Fit all that these recordings tell of.

    Args:
        before: what is kept where they do not tell.
        step: told what is done, how much of it, and of how much.

    Raises:
        RecordingError: they hold too few flights, or several frames.
    """
    before = before or CellBefore()
    recorded = _one_frame(recordings)
    # What is in frame `table` already was put there by the calibration from before.
    frame = before.cameras.name if recorded in ('', TABLE) else recorded
    tracks = [in_table(each, before.cameras) for each in recordings]
    rough = first_level([(each.time, each.position) for each in tracks])
    levelled = [replace(each, position=moved(rough, each.position)) for each in tracks]
    flights = flights_of(levelled, CameraFrame())  # in frame `table` already
    if len(flights) < FEWEST:
        raise RecordingError(
            f'{len(flights)} flights found in {len(recordings)} recordings, {FEWEST} are needed: record more balls, '
            'each seen for 0.15 s and 20 sightings at least, in m and s, with z up and y along the table'
        )
    noise, noise_error = camera_noise(flights)
    sighting = float(np.sqrt(np.nanmean(noise**2))) if np.isfinite(noise).any() else before.filter.sighting
    sighting = max(sighting, 1e-4)
    fit = fit_together(
        flights, before.ball, sighting=sighting, progress=lambda done, total: step('all flights', done, total)
    )
    fit_before = fit_together(flights, before.ball, free=('height', 'roll', 'pitch'), sighting=sighting)
    errors = _judge(flights, before, sighting, lambda done, total: step('held-out flights', done, total))
    coefficients = _shared_coefficients(fit, rough, before.ball, flights)
    arms = {each.source: each.arm for each in recordings if each.arm is not None}
    racket = fit_racket(find_hits(flights, fit, before.ball, arms), before.ball)
    coefficients |= _racket_coefficients(racket, before.ball, bool(arms))
    drives = tuple(fit_drives(list(arms.values())))
    coefficients |= delay_coefficients(drives, racket, before.latency)
    coefficients |= _noise_coefficients(noise, noise_error, before.filter)
    coefficients |= _age_coefficient(recordings)
    taken = {
        name: coefficient.value
        for name, coefficient in coefficients.items()
        if coefficient.determined and name in (*LAWS, 'racket_restitution', 'racket_grip')
    }
    ball = with_coefficients(before.ball, taken)
    whole = after(level(*fit.shared[5:]), rough)
    return Calibration(
        before=before,
        ball=ball,
        filter=_filter_of(before.filter, fit, sighting),
        coefficients=coefficients,
        level=whole,
        from_cameras=after(whole, known_transform(before.cameras, frame)),
        frame=frame,
        recordings=len(recordings),
        sightings=sum(len(each.time) for each in recordings),
        flights=tuple(flights),
        fit=fit,
        fit_before=fit_before,
        racket=racket,
        drives=drives,
        errors_before=errors[0],
        errors_after=errors[1],
    )


def with_coefficients(model: BallModel, values: Mapping[str, float]) -> BallModel:
    """The ball with other coefficients, by name, within what `BallModel` takes."""
    changes: dict[str, Any] = {
        name: min(max(value, 0.0), 1.0) if name in AT_MOST_ONE else max(value, 0.0)
        for name, value in values.items()
    }
    return replace(model, **changes)


def _one_frame(recordings: Sequence[Recording]) -> str:
    frames = sorted({each.frame for each in recordings if each.frame})
    if len(frames) > 1:
        raise RecordingError(
            f'the recordings are in several frames ({", ".join(frames)}): calibrate those of one frame at a time'
        )
    return frames[0] if frames else ''


def _filter_of(before: FilterConfig, fit: JointFit, sighting: float) -> FilterConfig:
    """Noise as it was measured; what recordings do not tell, as before."""
    return replace(
        before,
        sighting=round(sighting, 6),
        bounce_velocity=round(fit.bounce, 4),
        bounce_spin=round(max(SPIN_OF_IMPULSE * fit.bounce, 0.5), 2),
    )


def _judge(
    flights: Sequence[Flight], before: CellBefore, sighting: float, step: Callable[[int, int], None]
) -> tuple[Array, Array]:
    """Prediction errors of every fourth flight, with the values from before, and with a fit to the other flights."""
    kept = held_out(len(flights))
    seen = [flight for flight, out in zip(flights, kept, strict=True) if not out]
    fit = fit_together(seen, before.ball, sighting=sighting, progress=step)
    ball = with_coefficients(before.ball, {name: float(fit.shared[row]) for row, name in enumerate(LAWS)})
    levelled = level(*fit.shared[5:])
    judged = [flight for flight, out in zip(flights, kept, strict=True) if out]
    corrected = [replace(flight, position=moved(levelled, flight.position)) for flight in judged]
    return (
        prediction_errors(judged, before.ball, before.filter),
        prediction_errors(corrected, ball, _filter_of(before.filter, fit, sighting)),
    )


def _shared_coefficients(
    fit: JointFit, rough: RigidTransform, before: BallModel, flights: Sequence[Flight]
) -> dict[str, Coefficient]:
    found = {}
    whole = after(level(*fit.shared[5:]), rough)
    bounced = any(flight.bounce is not None for flight in flights)
    placed = {'height': float(whole.translation[2]), 'roll': whole.rpy[0], 'pitch': whole.rpy[1]}
    begin = shared_of(before)
    for row, name in enumerate(SHARED):
        error, determined = float(fit.standard_error[row]), bool(fit.determined[row])
        value = placed.get(name, float(fit.shared[row]))
        why = '' if determined else _UNSURE if bounced else _NO_BOUNCE
        found[name] = Coefficient(
            name, value, error, determined, 0.0 if name in placed else float(begin[row]),
            {'height': 'm', 'roll': 'rad', 'pitch': 'rad'}.get(name, ''), why,
        )  # fmt: skip
    return found


def _racket_coefficients(racket: RacketFit | None, before: BallModel, arms: bool) -> dict[str, Coefficient]:
    found = {}
    for name in ('racket_restitution', 'racket_grip'):
        was = float(getattr(before, name))
        if racket is None:
            why = (
                'too few hits between two flights were seen'
                if arms
                else 'no joint states and commands were recorded'
            )
            found[name] = Coefficient(name, was, float('inf'), False, was, why=why)
            continue
        value, error = (
            (racket.restitution, racket.restitution_error)
            if name == 'racket_restitution'
            else (racket.grip, racket.grip_error)
        )
        determined = is_determined(name, error)
        why = '' if determined else 'the hits hardly tell of it: more hits are needed'
        found[name] = Coefficient(name, value if determined else was, error, determined, was, why=why)
    return found


def _noise_coefficients(noise: Array, error: Array, before: FilterConfig) -> dict[str, Coefficient]:
    found = {}
    for axis, value, uncertain in zip('xyz', noise.tolist(), error.tolist(), strict=True):
        known = bool(np.isfinite(value))
        found[f'camera_noise_{axis}'] = Coefficient(
            f'camera_noise_{axis}', value if known else before.sighting, uncertain if known else float('inf'), known,
            before.sighting, 'm', '' if known else 'no flight is seen often enough',
        )  # fmt: skip
    return found


def _age_coefficient(recordings: Sequence[Recording]) -> dict[str, Coefficient]:
    ages = [np.median(each.age) for each in recordings if len(each.age)]
    whole = np.concatenate([each.age for each in recordings]) if recordings else np.empty(0)
    if len(whole) < FEWEST or not 0.0 < float(np.median(whole)) < _AGED:
        why = 'the recordings do not tell when sightings arrived'
        return {'camera_delay': Coefficient('camera_delay', 0.0, float('inf'), False, 0.0, 's', why)}
    # Delays differ from recording to recording more than within one, where there are several.
    error = (
        np.std(ages, ddof=1) / np.sqrt(len(ages)) if len(ages) > 2 else np.std(whole) / np.sqrt(len(whole))
    )
    return {
        'camera_delay': Coefficient('camera_delay', float(np.median(whole)), float(error), True, 0.0, 's')
    }
