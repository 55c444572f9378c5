"""A calibration as settings: what simulator, controller, trace logger, visualizer and rehearsal read of it."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from llm_policy_improver.table_tennis.arm.frames import TABLE
from llm_policy_improver.table_tennis.ball.state import AT_MOST_ONE
from llm_policy_improver.table_tennis.calibration.calibrate import Calibration
from llm_policy_improver.table_tennis.calibration.delays import ACTIONS, STATES, spread_of
from llm_policy_improver.table_tennis.calibration.flight_model import LAWS

_BALL: Final = (*LAWS, 'racket_restitution', 'racket_grip')
_HALF_WIDTH: Final = 3.0**0.5
"""Of an even distribution, in standard deviations."""
_TRUST: Final = 0.05
"""In late encoders rather than in the model of the drives; as in config/hardware.yaml."""
_LARGEST_NOISE: Final = 0.099
"""m that the simulator takes."""


def settings_of(calibration: Calibration, on_the_arm: bool) -> dict[str, dict[str, Any]]:
    """Node to its flat settings; only what was determined is in them.

    Args:
        on_the_arm: whether the file is for the physical arm, whose cameras report in their own frame. Those of the
            simulator report in frame ``table``.
    """
    found = calibration.coefficients
    ball = {
        f'ball.{name}': _plain(getattr(calibration.ball, name)) for name in _BALL if found[name].determined
    }
    believed = {
        f'filter.{name}': _plain(getattr(calibration.filter, name))
        for name in ('sighting', 'bounce_velocity', 'bounce_spin')
    }
    noise = {'camera_noise': min(_plain(calibration.filter.sighting), _LARGEST_NOISE)}
    delays = {name: found[name].value for name in (*ACTIONS, *STATES) if found[name].determined}
    simulated = {f'latency.{name}': value for name, value in delays.items()}
    simulated |= {
        f'latency.{name}_spread': spread_of(name, calibration.drives, calibration.racket) for name in delays
    }
    if found['camera_delay'].determined:
        simulated['latency.ball'] = _plain(found['camera_delay'].value)
    simulation = _under('simulation', ball | noise | simulated)
    cameras = _under('cameras', camera_settings(calibration)) if on_the_arm else {}
    known = {f'latency.{name}': value for name, value in delays.items()}
    if max(delays.values(), default=0.0) > 0.0 and calibration.before.latency.trust == 1.0:
        # Encoders that show what was cannot be taken as they are.
        known['latency.trust'] = _TRUST
    controller = _under('controller', ball | believed | known)
    return {
        'simulator': simulation,
        'stand_in_arm': simulation,
        'controller': controller | cameras,
        'trace_logger': ball | believed | cameras,
        'visualizer': ball | believed | cameras,
        'optimizer': _under('rehearsal', ranges_of(calibration) | noise),
    }


def camera_settings(calibration: Calibration) -> dict[str, Any]:
    """Those of `CameraFrame`; empty where the frame has no name of its own, or bounces do not tell how it lies."""
    if calibration.frame == TABLE or not all(
        calibration.coefficients[name].determined for name in ('height', 'roll', 'pitch')
    ):
        return {}
    whole = calibration.from_cameras
    return {
        'name': calibration.frame,
        'translation': [_plain(each) for each in whole.translation],
        'rotation': [_plain(each) for each in whole.rpy],
    }


def ranges_of(calibration: Calibration) -> dict[str, Any]:
    """What the rehearsal draws coefficients from: as widely as their standard errors say."""
    ranges = {}
    for name in _BALL:
        coefficient = calibration.coefficients[name]
        if coefficient.determined:
            wide = _HALF_WIDTH * coefficient.standard_error
            most = 1.0 if name in AT_MOST_ONE else np.inf
            low, high = (float(np.clip(coefficient.value + way, 1e-3, most)) for way in (-wide, wide))
            ranges[f'ball_ranges.{name}'] = [_plain(low), _plain(high)]
    return ranges


def _under(prefix: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f'{prefix}.{name}': value for name, value in settings.items()}


def _plain(value: float) -> float:
    """With five digits: more than any coefficient is certain to."""
    return float(f'{float(value):.5g}')
