import numpy as np

from llm_policy_improver.methods.numeric.landing.local_noise import SPAN, fit_noise, variance
from llm_policy_improver.methods.numeric.landing.polynomial import Polynomial


def test_noise_that_grows_along_a_parameter_is_found_and_calibrated() -> None:
    generator = np.random.default_rng(0)
    points = generator.uniform(-1.0, 1.0, (1500, 3))
    deviation = 0.05 * np.exp(0.8 * points[:, 0])
    found = np.sqrt(variance(fit_noise(points, deviation * generator.normal(size=1500)), points))
    assert np.abs(np.log(found / deviation)).max() < 0.35
    assert abs(np.log(found / deviation).mean()) < 0.05


def test_noise_stays_within_a_span_of_the_middle_one() -> None:
    steep = Polynomial(np.array([0.0, 10.0]), 1)
    deviations = np.sqrt(variance(steep, np.array([[-1.0], [0.0], [1.0]])))
    np.testing.assert_allclose(deviations, [1.0 / SPAN, 1.0, SPAN])
