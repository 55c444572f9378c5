"""A calibration as plain data and as a table for people."""

import math
from typing import Any

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.frames import TABLE
from llm_policy_improver.table_tennis.calibration.calibrate import Calibration
from llm_policy_improver.table_tennis.calibration.coefficient import Coefficient
from llm_policy_improver.table_tennis.calibration.parameter_file import camera_settings

_DIGITS = {'m': ('mm', 1e3, 1), 'rad': ('mrad', 1e3, 2), 's': ('ms', 1e3, 1), '': ('', 1.0, 3)}
"""Unit to the one that is shown, the factor, and the digits."""


def as_json(calibration: Calibration) -> dict[str, Any]:
    """Plain data; a figure that there is none of is NaN, or infinite."""
    before, after = calibration.held_out_m
    return {
        'parameters': {name: each.as_json() for name, each in calibration.coefficients.items()},
        'held_out_m': {'before': before, 'after': after},
        'recordings': calibration.recordings,
        'sightings': calibration.sightings,
        'flights': len(calibration.flights),
        'flights_used': int(calibration.fit.used.sum()),
        'bounces': sum(flight.bounce is not None for flight in calibration.flights),
        'hits': 0 if calibration.racket is None else calibration.racket.hits,
        'residual_m': dict(zip(('before', 'after'), residuals(calibration), strict=True)),
        'filter': {
            name: getattr(calibration.filter, name) for name in ('sighting', 'bounce_velocity', 'bounce_spin')
        },
        'cameras': camera_settings(calibration),
        'drives': [
            {'joint': each.joint, 'lag_s': each.lag, 'lag_error_s': each.lag_error, 'delay_s': each.delay}
            for each in calibration.drives
        ],
        'not_written': not_written(calibration, True),
    }


def residuals(calibration: Calibration) -> tuple[float, float]:
    """m, root mean square of an axis over the flights that count, before and after."""
    used = np.flatnonzero(calibration.fit.used)
    before, after = (
        math.sqrt(float(np.mean(np.concatenate([fit.off[row] ** 2 for row in used]))))
        for fit in (calibration.fit_before, calibration.fit)
    )
    return before, after


def rows(calibration: Calibration) -> list[tuple[str, str, str, str]]:
    """Name, before, measured with its standard error, and what becomes of it; for people."""
    return [
        (name, before_of(each), measured(each), 'taken' if each.determined else f'kept: {each.why}')
        for name, each in calibration.coefficients.items()
    ]


def not_written(calibration: Calibration, on_the_arm: bool) -> list[str]:
    """What was measured and no setting can take, a sentence each."""
    said = []
    found = calibration.coefficients
    lags = {joint.name: joint.lag for joint in arm.ARM}
    for drive in calibration.drives:
        said.append(
            f'{drive.joint}: time constant {1e3 * drive.lag:.1f} +- {1e3 * drive.lag_error:.1f} ms; the controller '
            f'counts with {1e3 * lags[drive.joint]:.1f} ms'
        )
    tilted = [name for name in ('height', 'roll', 'pitch') if found[name].determined]
    if tilted and not (on_the_arm and camera_settings(calibration)):
        x, y, z = calibration.from_cameras.translation
        roll, pitch, yaw = calibration.from_cameras.rpy
        why = (
            'no other frame than "table" is named: give the cameras one of their own'
            if calibration.frame == TABLE
            else 'not all three are determined'
            if not camera_settings(calibration)
            else 'this file is for the simulator, whose cameras report in frame "table"'
        )
        said.append(
            f'cameras.translation [{x:.4f}, {y:.4f}, {z:.4f}], '
            f'cameras.rotation [{roll:.5f}, {pitch:.5f}, {yaw:.5f}]: {why}'
        )
    said.append('shifts of the cameras along x and y, and a turn about z: bounces do not tell them')
    return said


def measured(each: Coefficient) -> str:
    """The value with its standard error, as many digits as that error makes sense of."""
    if not math.isfinite(each.standard_error):
        return '-'
    unit, factor, digits = _DIGITS[each.unit]
    digits = max(digits, min(5, 1 - math.floor(math.log10(max(factor * each.standard_error, 1e-5)))))
    value = f'{factor * each.value:.{digits}f}' if each.determined else '?'
    return f'{value} +- {factor * each.standard_error:.{digits}f} {unit}'.rstrip()


def before_of(each: Coefficient) -> str:
    """The value from before."""
    unit, factor, digits = _DIGITS[each.unit]
    return f'{factor * each.before:.{digits}f} {unit}'.rstrip()
