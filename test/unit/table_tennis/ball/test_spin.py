import math

import closed_formulas as law
import numpy as np
import pytest

from llm_policy_improver.table_tennis.ball.filter import BallFilter, FilterConfig
from llm_policy_improver.table_tennis.ball.flight_fit import fit_flight
from llm_policy_improver.table_tennis.ball.laws import lift_of
from llm_policy_improver.table_tennis.ball.predictive import FEWEST, LATEST
from llm_policy_improver.table_tennis.ball.spin import Spin, expected_spin
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec

MODEL = BallModel()
NOISE = 0.003
TIMES: law.Array = np.arange(80, dtype=np.float64) * 0.008
"""s; the ball bounces at about 0.47 s and is then followed for 0.16 s more."""
START, VELOCITY = (0.1, 1.5, 0.3), (-0.25, -5.6, 1.75)


def seen(spin: Vec, seed: int, noise: float = NOISE, times: law.Array = TIMES) -> law.Array:
    """(n, 3) m, sightings of the standard ball with this spin."""
    positions, _ = law.flight(MODEL, START, VELOCITY, spin, times)
    return positions + np.random.default_rng(seed).normal(0.0, noise, positions.shape)


def watched(filter_: BallFilter, times: law.Array, positions: law.Array) -> Vec:
    for time, (x, y, z) in zip(times.tolist(), positions.tolist(), strict=True):
        filter_.observe(time, (x, y, z))
    assert filter_.state is not None
    return filter_.state.spin


@pytest.mark.parametrize(('ratio', 'recorded'), [(0.3, 0.25), (0.5, 0.19), (0.7, 0.17), (1.0, 0.10)])
def test_lift_falls_with_the_spin_as_on_recorded_balls(ratio: float, recorded: float) -> None:
    speed = 6.0
    per_coefficient = MODEL.law.lift / MODEL.lift_coefficient
    found = lift_of(MODEL.law, speed, ratio * speed / 0.02) / per_coefficient
    assert found == pytest.approx(recorded, abs=0.03)


def test_lift_that_does_not_saturate_is_the_same_for_all_spins() -> None:
    plain = BallModel(lift_coefficient=0.18, lift_saturation=math.inf).law
    assert lift_of(plain, 6.0, 300.0) == lift_of(plain, 2.0, 1.0) == plain.lift


@pytest.mark.parametrize('wrong', [0.0, -1.0, math.nan])
def test_saturation_that_is_none_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match='lift_saturation must be above 0'):
        BallModel(lift_saturation=wrong)


def test_spin_of_a_flight_is_measured_within_its_standard_error() -> None:
    generator, off = np.random.default_rng(0), []
    for seed in range(40):
        x, y, z = generator.uniform(-80.0, 80.0, 3).tolist()
        fit = fit_flight(MODEL, FilterConfig(sighting=NOISE), TIMES, seen((x, y, z), seed))
        assert fit is not None
        assert fit.rms == pytest.approx(NOISE, rel=0.2)
        assert fit.position == pytest.approx(START, abs=0.006)
        assert fit.velocity == pytest.approx(VELOCITY, abs=0.1)
        off.append((np.array(fit.spin) - (x, y, z)) / fit.spin_error)
    assert np.mean(np.abs(off) < 2.0) > 0.9
    assert np.sqrt(np.mean(np.square(off))) < 1.3


def test_flight_that_was_hardly_seen_tells_nothing() -> None:
    assert fit_flight(MODEL, FilterConfig(), TIMES[:19], seen((0.0, 0.0, 0.0), 0, times=TIMES[:19])) is None


@pytest.mark.parametrize('spoil', ['a stamp twice', 'a stamp of long ago', 'no number', 'another ball'])
def test_track_that_is_no_flight_tells_nothing(spoil: str) -> None:
    times, positions = TIMES.copy(), seen((0.0, 0.0, 0.0), 0)
    if spoil == 'a stamp twice':
        times[30] = times[29]
    elif spoil == 'a stamp of long ago':
        times[0] = -1e9
    elif spoil == 'no number':
        positions[40, 1] = math.nan
    else:
        positions[40:, 0] += 0.2
    assert fit_flight(MODEL, FilterConfig(sighting=NOISE), times, positions) is None


def test_flight_before_the_bounce_leaves_the_spin_about_its_direction_open() -> None:
    times = TIMES[:50]
    fit = fit_flight(MODEL, FilterConfig(sighting=NOISE), times, seen((40.0, 0.0, 0.0), 1, times=times))
    assert fit is not None
    assert fit.spin_error[1] > 15.0
    assert fit.spin_error[0] < 15.0


def measured(*spins: Vec, error: float = 1.0) -> list[Spin]:
    return [Spin(spin, (error,) * 3) for spin in spins]


def test_nothing_is_expected_after_too_few_balls() -> None:
    assert expected_spin(measured(*[(10.0, 0.0, 0.0)] * (FEWEST - 1))) is None


def test_a_feeder_that_always_throws_the_same_is_known_closely() -> None:
    expected = expected_spin(measured(*[(40.0, 0.0, -10.0)] * 10))
    assert expected is not None
    assert expected.mean == pytest.approx((40.0, 0.0, -10.0))
    assert max(expected.deviation) == 2.0


def test_varied_balls_stay_open() -> None:
    generator = np.random.default_rng(0)
    spins = [
        (float(generator.normal(15.0, 25.0)), float(generator.normal(0.0, 4.0)), 0.0) for _ in range(LATEST)
    ]
    expected = expected_spin(measured(*spins))
    assert expected is not None
    assert 18.0 < expected.deviation[0] < 40.0
    assert expected.deviation[1] < 8.0


def test_what_no_flight_tells_stays_unknown() -> None:
    # Fits that say nothing give their own prior, always the same.
    expected = expected_spin(measured(*[(0.0, 0.0, 0.0)] * LATEST, error=29.0))
    assert expected is not None
    assert min(expected.deviation) >= 29.0


def test_only_the_latest_balls_count() -> None:
    spins = measured(*[(80.0, 0.0, 0.0)] * 30, *[(-20.0, 0.0, 0.0)] * LATEST)
    expected = expected_spin(spins)
    assert expected is not None
    assert expected.mean[0] == pytest.approx(-20.0)


@pytest.mark.parametrize(
    ('mean', 'deviation', 'why'),
    [
        ((0.0, 0.0), (1.0, 1.0, 1.0), 'three finite numbers'),
        ((0.0, 0.0, math.nan), (1.0, 1.0, 1.0), 'three finite numbers'),
        ((0.0, 0.0, 0.0), (1.0, 0.0, 1.0), 'above 0'),
    ],
)
def test_spin_that_is_none_is_refused(mean: Vec, deviation: Vec, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Spin(mean, deviation)


def test_filter_that_knows_the_feeder_errs_less() -> None:
    true, errors = np.array([45.0, 10.0, -20.0]), dict[str, float]()
    for name, expected in (('blind', None), ('told', Spin((43.0, 8.0, -18.0), (4.0, 4.0, 4.0)))):
        off = [
            np.array(
                watched(
                    BallFilter(MODEL, FilterConfig(sighting=NOISE), expected),
                    TIMES[:45],
                    seen((45.0, 10.0, -20.0), seed)[:45],
                )
            )
            - true
            for seed in range(20)
        ]
        errors[name] = float(np.sqrt(np.mean(np.square(off))))
    assert errors['told'] < 4.0
    assert errors['told'] < 0.5 * errors['blind']


@pytest.mark.parametrize('when', [-0.3, 0.0, 0.2], ids=['before', 'at once', 'in flight'])
def test_observed_spin_is_taken_up(when: float) -> None:
    ball = BallFilter(MODEL, FilterConfig(sighting=NOISE, spin_sighting=3.0))
    positions = seen((60.0, 30.0, -40.0), 0)
    ball.observe_spin(when, (60.0, 30.0, -40.0))
    assert watched(ball, TIMES[:40], positions[:40]) == pytest.approx((60.0, 30.0, -40.0), abs=6.0)


def test_spin_of_before_the_bounce_does_not_count_after_it() -> None:
    after, late = (BallFilter(MODEL, FilterConfig(sighting=NOISE)) for _ in range(2))
    positions = seen((60.0, 0.0, 0.0), 0)
    spin = watched(after, TIMES, positions)
    assert after.bounces == 1
    watched(late, TIMES[:70], positions[:70])
    late.observe_spin(0.3, (-200.0, 0.0, 0.0))
    assert watched(late, TIMES[70:], positions[70:]) == spin
