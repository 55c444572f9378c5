import numpy as np
import pytest

from llm_policy_improver.methods.numeric.landing.chance import WITHOUT_PRIOR, Chance

NOTHING = np.empty((0, 4)), np.empty(0, dtype=bool)


def test_without_trials_the_chance_is_the_prior_s() -> None:
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (20, 4))
    assert Chance(*NOTHING)(points) == pytest.approx(WITHOUT_PRIOR)
    assert Chance(*NOTHING, lambda p: 0.5 + 0.4 * p[:, 0])(points) == pytest.approx(0.5 + 0.4 * points[:, 0])


def test_failures_lower_it_where_they_are_most() -> None:
    generator = np.random.default_rng(1)
    points = generator.uniform(-1.0, 1.0, (40, 4))
    chance = Chance(points, points[:, 0] > 0.4)
    there, opposite = chance(np.array([[0.8, 0.0, 0.0, 0.0], [-0.8, 0.0, 0.0, 0.0]]))
    assert there < 0.4
    assert opposite > 0.9


def test_one_failure_among_successes_at_a_place_counts_as_one() -> None:
    points = np.zeros((10, 4))
    failed = np.arange(10) == 3
    assert 0.8 < Chance(points, failed)(points[:1])[0] < 0.97
    assert Chance(points, ~failed)(points[:1])[0] < 0.4
