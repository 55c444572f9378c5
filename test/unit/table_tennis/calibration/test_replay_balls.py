"""Recorded balls, played by the simulated arm."""

import numpy as np
import pytest
from recorded_balls import drawn_ball, recorded_balls

from llm_policy_improver.table_tennis.arm.frames import CameraFrame
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.flights import Flight
from llm_policy_improver.table_tennis.calibration.flights_of import flights_of
from llm_policy_improver.table_tennis.calibration.recordings import RecordingError
from llm_policy_improver.table_tennis.calibration.replay_balls import incoming_balls, replay_balls
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig


@pytest.fixture(scope='module')
def flights() -> list[Flight]:
    return flights_of(recorded_balls(BallModel(), 10, 8, noise=0.001, side_spin=0.0), CameraFrame())


def test_recorded_balls_are_returned_and_predicted(flights: list[Flight]) -> None:
    result = replay_balls(flights, SimulationConfig(), ControllerConfig())
    told = result.as_json()
    assert told['balls'] == 10
    assert told['hit'] >= 9
    assert told['returned'] >= 8
    assert result.prediction_m < 0.015
    assert len(told['rows']) == 10


def test_delays_of_cameras_encoders_and_drives_hold_for_recorded_balls_too(flights: list[Flight]) -> None:
    simulation, controller = noisy_cell('rally')
    late = replay_balls(flights, simulation, controller).as_json()
    blind = replay_balls(flights, simulation, ControllerConfig()).as_json()
    assert late['returned'] >= 8
    assert blind['returned'] < late['returned']  # a controller that knows of no delay comes too late


def test_other_coefficients_make_other_predictions(flights: list[Flight]) -> None:
    wrong = ControllerConfig(ball=BallModel(table_restitution=0.8))
    off = replay_balls(flights[:4], SimulationConfig(), wrong)
    right = replay_balls(flights[:4], SimulationConfig(), ControllerConfig())
    assert off.prediction_m > 2.0 * right.prediction_m


def test_balls_that_go_away_or_follow_no_law_are_not_played(flights: list[Flight]) -> None:
    flight = flights[0]
    away = Flight(flight.time, flight.position * (1.0, -1.0, 1.0), 'away', flight.bounce)
    shaken = flight.position + 0.2 * np.sin(40.0 * flight.time)[:, None]
    wild = Flight(flight.time, shaken, 'wild', flight.bounce)
    assert incoming_balls([away, wild], BallModel(), FilterConfig()) == []
    with pytest.raises(RecordingError, match='none of 1 flights comes to the robot'):
        replay_balls([away], SimulationConfig(), ControllerConfig())


def test_fitted_balls_start_where_they_were_seen() -> None:
    ball = drawn_ball(9)
    seen = flights_of(recorded_balls(ball, 3, 9, noise=0.001), CameraFrame())
    for each in incoming_balls(seen, ball, FilterConfig()):
        assert np.linalg.norm(each.own[:3] - each.flight.position[0]) < 0.006
        assert each.off < 0.002
