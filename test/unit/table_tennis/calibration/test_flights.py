import numpy as np
import pytest
from recorded_balls import Spoiled, drawn_ball, one_after_another, recorded_balls, recorded_strokes

from llm_policy_improver.table_tennis.calibration.flights import cut_flights, evened
from llm_policy_improver.table_tennis.calibration.recordings import Recording


@pytest.fixture(scope='module')
def balls() -> list[Recording]:
    return recorded_balls(drawn_ball(0), 6)


def test_rounded_stamps_are_put_back_on_the_cameras_beat() -> None:
    time = 3.0 + np.arange(80) / 145.0
    rounded = np.round(time, 3)
    assert np.abs(evened(rounded) - time).max() < 0.2e-3 < np.abs(rounded - time).max()


def test_lost_pictures_do_not_shift_the_beat() -> None:
    time = np.delete(np.arange(80, dtype=float) * 0.008, [7, 8, 30]).astype(np.float64)
    np.testing.assert_allclose(evened(np.round(time, 3) + 0.0), time, atol=1e-9)


def test_stamps_without_a_beat_stay() -> None:
    time = np.cumsum(np.random.default_rng(0).uniform(0.004, 0.012, 60))
    np.testing.assert_array_equal(evened(time), time)


def test_one_recording_of_many_balls_is_cut_into_their_flights(balls: list[Recording]) -> None:
    alone = [flight for each in balls for flight in cut_flights(each.time, each.position, each.source)]
    evening = one_after_another(balls)
    together = cut_flights(evening.time, evening.position, 'evening')
    assert [len(flight.time) for flight in together] == [len(flight.time) for flight in alone]
    assert sum(flight.bounce is not None for flight in together) >= 6


def test_stroke_is_cut_at_the_hit_and_at_the_second_bounce() -> None:
    for each in recorded_strokes(drawn_ball(1), 2):
        coming, going = cut_flights(each.time, each.position, each.source)
        assert (coming.follows, going.follows) == (False, True)
        assert coming.position[-1, 1] < -1.0
        assert coming.bounce is not None
        assert going.bounce is not None
        assert going.position[-1, 1] > going.position[0, 1]


def test_outliers_doubles_and_nan_do_not_change_what_is_cut(balls: list[Recording]) -> None:
    for number, each in enumerate(balls):
        spoiled = Spoiled(height=0.0, roll=0.0, pitch=0.0, outliers=0.03)(each, number)
        clean = cut_flights(each.time, each.position, '')
        found = cut_flights(spoiled.time[::-1], spoiled.position[::-1], '')
        assert len(found) == len(clean)
        for flight, other in zip(found, clean, strict=True):
            assert np.isfinite(flight.position).all()
            assert (np.diff(flight.time) > 0.0).all()
            assert flight.bounce == pytest.approx(other.bounce, abs=0.004)


def test_resting_ball_and_stray_points_are_no_flight() -> None:
    generator = np.random.default_rng(0)
    time = (np.arange(300) * 0.008).astype(np.float64)
    assert cut_flights(time, generator.uniform(-1.0, 1.0, (300, 3)), '') == []
    assert cut_flights(np.empty(0), np.empty((0, 3)), '') == []
