"""The ball as it is shown: what was seen of it, and where the laws say it will go."""

import numpy as np
import pytest

from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec
from llm_policy_improver.table_tennis.ball.track import BallTrack

MODEL = BallModel()
THROWN = BallState(0.0, (0.1, 1.5, 0.3), (-0.25, -5.6, 1.7), (0.0, 0.0, 0.0))
RETURNED = BallState(0.0, (0.0, -1.5, 0.3), (0.3, 4.5, 1.8), (0.0, 0.0, 0.0))
CAMERA = 0.008


def flight(state: BallState, seconds: float, start: float = 0.0) -> list[tuple[float, Vec]]:
    places = []
    for _ in range(round(seconds / CAMERA)):
        places.append((start + state.time, state.position))
        state, _ = advance(MODEL.law, state, CAMERA)
    return places


@pytest.fixture
def track() -> BallTrack:
    return BallTrack(MODEL, FilterConfig(), trail=0.1)


def see(track: BallTrack, seen: list[tuple[float, Vec]]) -> None:
    for time, position in seen:
        track.see(time, position)


def nearest(places: list[Vec], place: Vec) -> float:
    return float(min(np.linalg.norm(np.array(places) - place, axis=1)))


def test_way_ahead_is_the_one_that_the_ball_takes_through_its_bounce(track: BallTrack) -> None:
    whole = flight(THROWN, 0.9)
    see(track, whole[:25])
    ahead = track.ahead
    assert ahead[0] == pytest.approx(whole[24][1], abs=0.005)
    for _, place in whole[25:100:5]:
        assert nearest(ahead, place) < 0.08  # points lie 0.02 s apart


def test_nothing_is_foretold_of_a_ball_that_was_hardly_seen(track: BallTrack) -> None:
    assert track.ahead == []
    see(track, flight(THROWN, 0.9)[:4])
    assert track.ahead == []


def test_ball_that_was_hit_goes_on_where_it_was_hit_to(track: BallTrack) -> None:
    back = flight(RETURNED, 0.6, start=0.4)
    see(track, flight(THROWN, 0.4) + back[:20])
    ahead = track.ahead
    for _, place in back[20::5]:
        assert nearest(ahead, place) < 0.08


def test_trail_is_that_of_the_last_moments_and_of_one_ball_alone(track: BallTrack) -> None:
    see(track, flight(THROWN, 0.3))
    assert 12 <= len(track.behind) <= 14
    assert not track.lost_at(0.5)
    assert track.lost_at(1.0)
    track.see(2.0, (0.1, 1.5, 0.3))
    assert track.behind == [(0.1, 1.5, 0.3)]
    assert track.ahead == []


def test_sighting_that_is_not_later_is_left_out(track: BallTrack) -> None:
    see(track, [(0.1, (0.0, 1.0, 0.3)), (0.1, (0.0, 0.9, 0.3)), (0.05, (0.0, 0.8, 0.3))])
    assert track.behind == [(0.0, 1.0, 0.3)]


def test_way_ahead_ends_soon_wherever_the_ball_goes(track: BallTrack) -> None:
    straight_up = BallState(0.0, (0.0, 0.0, 0.3), (0.0, 0.0, 30.0), (0.0, 0.0, 0.0))
    see(track, flight(straight_up, 0.1))
    assert 1 < len(track.ahead) <= 52
