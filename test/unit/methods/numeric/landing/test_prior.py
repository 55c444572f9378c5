from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from noisy_throw import BRIEF, SPACE, Throw, drawn, simulated_prior

from llm_policy_improver.methods.numeric.landing.prior import Prior
from llm_policy_improver.methods.numeric.landing.told import Told

PRIOR = simulated_prior()
POINTS = np.random.default_rng(3).uniform(-1.0, 1.0, (50, 5))


def test_measures_noise_and_failures_of_the_simulator_are_known() -> None:
    quiet = Throw(scatter=0.0)
    for point in POINTS:
        trial = quiet.run(SPACE.at(SPACE.from_unit(point)), 0)
        for name, value in trial.measures.items():
            measure = 'across' if name == 'beside' else name
            assert PRIOR.measures[measure].mean(point[None, :])[0] == pytest.approx(value, abs=0.06)
    assert np.sqrt(PRIOR.measures['along'].noise(POINTS)).mean() == pytest.approx(0.03, abs=0.006)
    missed, hit = PRIOR.chance(np.array([[0, 0, 0, 0.9, 0.9], [0, 0, 0, -0.5, -0.5]], dtype=float))
    assert missed < 0.8
    assert hit > 0.97


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    PRIOR.save(tmp_path / 'prior.npz')
    again = Prior.load(tmp_path / 'prior.npz')
    assert list(again.measures) == list(PRIOR.measures) == ['across', 'along']
    for name, each in again.measures.items():
        np.testing.assert_array_equal(each.mean(POINTS), PRIOR.measures[name].mean(POINTS))
        np.testing.assert_array_equal(each.noise(POINTS), PRIOR.measures[name].noise(POINTS))
    np.testing.assert_array_equal(again.chance(POINTS), PRIOR.chance(POINTS))
    np.testing.assert_array_equal(again.correlation, PRIOR.correlation)
    assert again.trials == 400


def test_a_measure_that_few_trials_tell_has_no_prior() -> None:
    assert Prior.fit(Told.of(drawn(40, 1, Throw()), BRIEF)).measures == {}


def test_scatter_that_two_measures_share_is_found() -> None:
    told = Told.of(drawn(300, 2, Throw(scatter=0.0)), BRIEF)
    shared = 0.05 * np.random.default_rng(0).normal(size=len(told.points))
    values = {name: column + shared for name, column in told.values.items()}
    fitted = Prior.fit(replace(told, values=values))
    assert fitted.correlation[0, 1] > 0.9
    np.linalg.cholesky(fitted.correlation)
