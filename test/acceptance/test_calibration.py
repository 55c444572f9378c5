"""The calibration campaign: cells with drawn coefficients, recorded in simulation; ``--cells`` says how many."""

from collections.abc import Callable

import numpy as np
import pytest
from calibration_campaign import Coverage, cover_flights, cover_strokes, gone

_CHANCE = 0.12
"""By which a share of few draws may fall below the bar."""


@pytest.fixture(scope='module')
def cells(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption('cells'))


def told(coverage: Coverage) -> dict[str, float]:
    return {name: round(float(share), 3) for name, share in coverage.within.items()}


def require_coverage(coverage: Coverage, cells: int) -> None:
    if cells >= 50:
        assert min(coverage.within.values()) >= 0.9, told(coverage)
    assert coverage.whole >= 0.9 - (0.0 if cells >= 50 else _CHANCE), told(coverage)


def test_coefficients_of_the_ball_are_within_two_standard_errors(
    cells: int, record_property: Callable[[str, object], None]
) -> None:
    coverage = cover_flights(range(cells))
    record_property('cells within two standard errors', told(coverage))
    require_coverage(coverage, cells)
    assert len(coverage.off['drag_coefficient']) == cells


def test_racket_and_delays_are_within_two_standard_errors(
    cells: int, record_property: Callable[[str, object], None]
) -> None:
    coverage = cover_strokes(range(max(2, cells // 4)))
    record_property('arms within two standard errors', told(coverage))
    require_coverage(coverage, cells // 4)
    assert len(coverage.off['racket_restitution']) == max(2, cells // 4)


def test_half_of_the_prediction_error_in_excess_of_the_true_coefficients_is_gone(
    cells: int, record_property: Callable[[str, object], None]
) -> None:
    errors = np.array([gone(seed) for seed in range(max(3, cells // 10))])
    before, after, best = errors.mean(axis=0)
    record_property('prediction error, mm', {
        'defaults 15 % off': round(1e3 * float(before), 1),
        'calibrated': round(1e3 * float(after), 1),
        'true coefficients': round(1e3 * float(best), 1),
    })  # fmt: skip
    assert before - best > 0.005
    assert after - best <= 0.5 * (before - best)
