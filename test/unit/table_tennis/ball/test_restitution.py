"""The table's restitution: as flights show it, and as it is expected of the next ball."""

import math

import closed_formulas as law
import numpy as np
import pytest

from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.flight_fit import FlightFit, fit_flight
from llm_policy_improver.table_tennis.ball.predictive import FEWEST, LATEST
from llm_policy_improver.table_tennis.ball.restitution import Restitution, expected_restitution
from llm_policy_improver.table_tennis.ball.state import BallModel

NOISE = 0.003
TIMES: law.Array = np.arange(80, dtype=np.float64) * 0.008
"""s; the ball bounces at about 0.47 s and is then followed for 0.16 s more."""
BELIEVED = BallModel()


def fitted(truth: BallModel, seed: int, sightings: int = len(TIMES)) -> FlightFit | None:
    times = TIMES[:sightings]
    positions, _ = law.flight(truth, (0.1, 1.5, 0.3), (-0.25, -5.6, 1.75), (20.0, 0.0, 5.0), times)
    noisy = positions + np.random.default_rng(seed).normal(0.0, NOISE, positions.shape)
    return fit_flight(BELIEVED, FilterConfig(sighting=NOISE), times, noisy)


@pytest.mark.parametrize('restitution', [0.78, 0.905, 0.99])
def test_restitution_is_measured_within_its_standard_error(restitution: float) -> None:
    off = []
    for seed in range(40):
        fit = fitted(BallModel(table_restitution=restitution), seed)
        assert fit is not None
        assert fit.restitution is not None
        assert fit.restitution.mean <= 1.0
        assert fit.restitution.deviation < 0.01
        off.append((fit.restitution.mean - restitution) / fit.restitution.deviation)
    assert np.mean(np.abs(off) < 2.0) > 0.9


@pytest.mark.parametrize('sightings', [50, 61])
def test_flight_that_was_hardly_seen_after_its_bounce_does_not_tell_it(sightings: int) -> None:
    fit = fitted(BELIEVED, 1, sightings)
    assert fit is not None
    assert fit.restitution is None


def told(*values: float, error: float = 0.004) -> list[Restitution]:
    return [Restitution(value, error) for value in values]


def test_nothing_is_expected_after_too_few_bounces() -> None:
    assert expected_restitution(told(*[0.9] * (FEWEST - 1))) is None


def test_only_the_latest_bounces_count_and_their_errors_do() -> None:
    expected = expected_restitution(told(*[0.99] * 30, *[0.8] * LATEST))
    assert expected is not None
    assert expected.mean == 0.8
    assert expected.deviation == pytest.approx(0.004)


def test_table_that_throws_otherwise_is_in_the_model_and_nothing_else_is() -> None:
    assert NOTHING.model(BELIEVED) is BELIEVED
    changed = Expected(restitution=Restitution(0.8, 0.01)).model(BELIEVED)
    assert changed.law == BELIEVED.law._replace(table_restitution=0.8)


@pytest.mark.parametrize(('mean', 'deviation'), [(0.0, 0.1), (1.01, 0.1), (math.nan, 0.1), (0.9, 0.0), (0.9, math.inf)])
def test_restitution_that_cannot_be_is_refused(mean: float, deviation: float) -> None:
    with pytest.raises(ValueError, match='restitution'):
        Restitution(mean, deviation)
