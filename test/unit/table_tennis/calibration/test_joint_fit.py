"""The fit of all flights: what it finds, how sure it is, and what it leaves alone."""

from dataclasses import replace

import numpy as np
import pytest
from recorded_balls import Spoiled, drawn_ball, one_after_another, recorded_balls

from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.camera_noise import camera_noise
from llm_policy_improver.table_tennis.calibration.flight_model import SHARED, shared_of
from llm_policy_improver.table_tennis.calibration.flights import Flight, cut_flights
from llm_policy_improver.table_tennis.calibration.joint_fit import fit_together

BALL = drawn_ball(3)


@pytest.fixture(scope='module')
def flights() -> list[Flight]:
    return [
        flight
        for each in recorded_balls(BALL, 24, 3)
        for flight in cut_flights(each.time, each.position, each.source)
    ]


def test_coefficients_noise_and_states_are_found(flights: list[Flight]) -> None:
    fit = fit_together(flights, BallModel())
    off = (fit.shared - shared_of(BALL)) / fit.standard_error
    assert fit.determined.all()
    assert np.abs(off).max() < 3.0
    assert fit.sighting == pytest.approx([0.003] * 3, rel=0.1)
    assert fit.bounce < 0.03  # the simulated table is the same for all bounces
    assert np.sqrt(np.mean(np.concatenate(fit.off) ** 2)) < 0.0035


def test_flights_without_a_bounce_leave_the_table_as_it_was(flights: list[Flight]) -> None:
    short = []
    for flight in flights:
        if flight.bounce is not None and flight.bounce - flight.time[0] > 0.35:
            end = int(np.searchsorted(flight.time, flight.bounce - 0.02))
            short.append(replace(flight, time=flight.time[:end], position=flight.position[:end], bounce=None))
    fit = fit_together(short, BallModel())
    told = dict(zip(SHARED, fit.determined.tolist(), strict=True))
    assert not any(told[name] for name in ('table_restitution', 'table_friction', 'height'))
    kept = shared_of(BallModel())[~fit.determined]
    np.testing.assert_array_equal(fit.shared[~fit.determined], kept)
    assert told['drag_coefficient']
    row = SHARED.index('drag_coefficient')
    assert fit.shared[row] == pytest.approx(BALL.drag_coefficient, abs=3.0 * fit.standard_error[row])


def test_flights_that_touch_something_count_up_to_there(flights: list[Flight]) -> None:
    bent = list(flights)
    for number in (2, 5):
        flight = flights[number]
        position = flight.position.copy()
        kink = 3 * len(position) // 4
        position[kink:, 0] += 2.0 * (flight.time[kink:] - flight.time[kink])
        bent[number] = replace(flight, position=position)
    fit = fit_together(bent, BallModel())
    assert len(fit.off[2]) < 3 * len(flights[2].time)
    assert np.abs((fit.shared - shared_of(BALL)) / fit.standard_error).max() < 3.5


def test_tilted_frame_rounded_stamps_and_outliers_do_no_harm() -> None:
    spoiled = [
        Spoiled(height=0.01)(each, row)
        for row, each in enumerate(recorded_balls(BALL, 24, 3, noise=0.001, period=0.007))
    ]
    evening = one_after_another(spoiled)
    fit = fit_together(cut_flights(evening.time, evening.position, ''), BallModel())
    truth = shared_of(BALL)
    truth[5:] = (0.01, 0.006, -0.005)
    assert np.abs((fit.shared - truth) / fit.standard_error).max() < 3.5
    # 2 mm more along y, and what is left of 1 ms of rounding
    assert fit.sighting == pytest.approx([0.001, 0.0022, 0.001], rel=0.15)


def test_noise_of_each_axis_is_told_without_any_law(flights: list[Flight]) -> None:
    generator = np.random.default_rng(0)
    noisier = [
        replace(
            flight,
            position=flight.position + generator.normal(size=flight.position.shape) * (0.0, 0.004, 0.0),
        )
        for flight in flights
    ]
    noise, error = camera_noise(noisier)
    assert np.abs((noise - (0.003, 0.005, 0.003)) / error).max() < 3.5
    assert np.isnan(camera_noise([])[0]).all()
