import numpy as np
import pytest

from llm_policy_improver.methods.numeric.landing.polynomial import (
    Polynomial,
    degree_for,
    fit_robustly,
    monomials,
    terms,
)


def test_a_cubic_in_sixteen_parameters_has_969_terms() -> None:
    assert terms(16, 3) == 969 == monomials(np.zeros((1, 16)), 3).shape[1]


def test_monomials_come_degree_after_degree() -> None:
    assert monomials(np.array([[2.0, 3.0]]), 3)[0].tolist() == [1, 2, 3, 4, 6, 9, 8, 12, 18, 27]


@pytest.mark.parametrize(('samples', 'degree'), [(5, 0), (18, 1), (90, 2), (330, 3), (10_000, 3)])
def test_fewer_samples_are_fitted_by_lower_degrees(samples: int, degree: int) -> None:
    assert degree_for(samples, 8) == degree


def test_a_tenth_of_odd_values_does_not_bend_a_cubic() -> None:
    generator = np.random.default_rng(0)
    points = generator.uniform(-1.0, 1.0, (300, 2))
    true = Polynomial(generator.normal(size=10), 3)
    values = true(points) + 0.01 * generator.normal(size=300)
    values[::10] -= 5.0
    fitted, left_out = fit_robustly(points, values, 3)
    assert np.abs(fitted(points) - true(points)).max() < 0.05
    assert np.median(np.abs(left_out)) < 0.02
    # Least squares alone are off by the odd values' share of 5.
    plain = np.linalg.lstsq(monomials(points, 3), values, rcond=None)[0]
    assert np.abs(monomials(points, 3) @ plain - true(points)).max() > 0.5


def test_left_out_residuals_are_those_of_fits_without_the_sample() -> None:
    generator = np.random.default_rng(1)
    points = generator.uniform(-1.0, 1.0, (40, 1))
    values = points[:, 0] + 0.1 * generator.normal(size=40)
    _, left_out = fit_robustly(points, values, 1)
    kept = np.arange(40) != 7
    without, _ = fit_robustly(points[kept], values[kept], 1)
    assert left_out[7] == pytest.approx(values[7] - without(points[7:8])[0], abs=0.005)
