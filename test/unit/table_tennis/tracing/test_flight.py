import closed_formulas as law
import numpy as np
import pytest
from simulated_ball import Array, thrown, touches, true_landing, watched

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.flight import (
    clearance_missing,
    find_bounces,
    find_hit,
    find_net_crossing,
    plane_met,
    stopped_by_net,
)
from llm_policy_improver.table_tennis.tracing.observed import landing_of

MODEL = BallModel()
TIMES = np.linspace(0.0, 0.792, 100)


def landing_errors(noise: float) -> Array:
    """m, of the landings found in trials with random attenuation, against the simulation's true contacts."""
    task, space, generator = (
        TableTennis(SimulationConfig(camera_noise=noise)),
        parameter_space(),
        np.random.default_rng(0),
    )
    errors = []
    for seed in range(60):
        trial = task.run(space.sample(generator), seed)
        if trial.succeeded:
            landing = landing_of(trial)
            assert landing is not None
            x, y = true_landing(touches(task))
            errors.append(np.hypot(landing.x - x, landing.y - y))
    assert len(errors) > 30
    return np.array(errors)


def test_landing_is_found_within_2_mm_without_noise() -> None:
    errors = landing_errors(0.0)
    assert np.median(errors) < 0.0005
    assert errors.max() < 0.002


def test_landing_is_found_within_5_mm_mostly_with_3_mm_of_noise() -> None:
    errors = landing_errors(0.003)
    assert np.median(errors) < 0.005
    assert np.quantile(errors, 0.95) < 0.012
    assert errors.max() < 0.02


@pytest.mark.parametrize('phase', [0.0, 0.002, 0.004, 0.006])
def test_every_bounce_is_found_at_its_time_and_place(phase: float) -> None:
    start, velocity, spin = (0.3, 1.2, 0.3), (-0.2, -2.0, 0.5), (-30.0, 20.0, 0.0)
    position, _ = law.flight(MODEL, start, velocity, spin, TIMES + phase)
    x, y, time = law.landing(MODEL, start, velocity, spin)
    found = list(find_bounces(TIMES + phase, position))
    assert len(found) == 2
    assert (found[0].x, found[0].y, found[0].time) == pytest.approx((x, y, time), abs=0.0005)
    low, falling = law.flight(MODEL, start, velocity, spin, [time - 1e-5])
    x, y, later = law.landing(MODEL, low[0], *law.table_bounce(MODEL, falling[0], np.array(spin)))
    assert (found[1].x, found[1].y, found[1].time) == pytest.approx((x, y, time + later), abs=0.0005)


def test_ball_passing_beside_the_table_has_no_bounce() -> None:
    position, _ = law.flight(MODEL, (1.0, 1.2, 0.3), (0.0, -2.0, 0.5), (0.0, 0.0, 0.0), TIMES)
    assert list(find_bounces(TIMES, position)) == []


def test_noise_on_a_low_flight_without_bounce_makes_none() -> None:
    position, _ = law.flight(MODEL, (0.0, 1.3, 0.05), (0.0, -5.0, 0.7), (0.0, 0.0, 0.0), TIMES[:19])
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(0.0, 0.003, position.shape)
        assert list(find_bounces(TIMES[:19], position + noise)) == []


def test_hit_is_where_the_ball_turns_back() -> None:
    there = np.column_stack((np.zeros(40), np.linspace(1.5, -1.4, 40), np.full(40, 0.3)))
    back = np.column_stack((np.zeros(40), np.linspace(-1.38, 1.0, 40), np.full(40, 0.3)))

    def hit(*parts: Array) -> int | None:
        position = np.concatenate(parts)
        return find_hit(TIMES[: len(position)], position)

    assert hit(there, back) == 39
    assert hit(there) is None
    assert hit(there, back[:1]) is None
    assert hit(there[:2]) is None


def test_ball_that_glances_off_the_racket_is_hit_where_it_is_stopped() -> None:
    times = TIMES[:60]
    for seed in range(20):
        y = 0.6 - 4.0 * np.minimum(times, 0.32) - 0.3 * np.maximum(times - 0.32, 0.0)
        position = np.column_stack((0.0 * y, y, 0.3 + 0.0 * y))
        position += np.random.default_rng(seed).normal(0.0, 0.003, position.shape)
        found = find_hit(times, position)
        assert found is not None
        assert abs(found - 40) <= 2


def test_bounce_that_rolls_and_brakes_the_ball_is_no_hit() -> None:
    backspin = (-100.0, 0.0, 0.0)
    position, _ = law.flight(MODEL, (0.0, 0.3, 0.3), (0.0, -4.0, -1.5), backspin, TIMES[:60])
    assert find_hit(TIMES[:60], position) is None


def crossed(start: tuple[float, float, float], velocity: tuple[float, float, float]) -> tuple[Array, Array]:
    """Sightings of a ball thrown over, into or beside the net from the robot's side."""
    return watched(thrown(start, velocity), 0.4)


def test_clearance_is_that_of_the_true_flight() -> None:
    start, velocity = (0.2, -1.0, 0.3), (0.1, 4.0, 1.5)
    crossing = find_net_crossing(*crossed(start, velocity))
    moments = np.linspace(0.2, 0.3, 2001)
    position, _ = law.flight(MODEL, start, velocity, (0.0, 0.0, 0.0), moments)
    height = np.interp(0.0, position[:, 1], position[:, 2])
    assert crossing is not None
    assert crossing.clearance == pytest.approx(height - 0.02 - 0.1525, abs=0.0005)
    assert not crossing.deflected
    assert not crossing.beside


def test_ball_stopped_by_the_net_says_how_much_was_missing() -> None:
    start, velocity = (0.2, -1.0, 0.25), (0.1, 4.0, 0.6)
    time, position = crossed(start, velocity)
    moments = np.linspace(0.2, 0.4, 4001)
    free, _ = law.flight(MODEL, start, velocity, (0.0, 0.0, 0.0), moments)
    height = np.interp(0.0, free[:, 1], free[:, 2])
    assert position[:, 1].max() < 0.0
    assert clearance_missing(time, position) == pytest.approx(height - 0.02 - 0.1525, abs=0.003)
    assert height < 0.15


def test_ball_that_clips_the_net_is_deflected() -> None:
    found = [find_net_crossing(*crossed((0.0, -1.0, height), (0.0, 4.0, 1.0))) for height in (0.25, 0.26)]
    assert all(crossing is not None and crossing.deflected and not crossing.beside for crossing in found)


@pytest.mark.parametrize(('x', 'z'), [(1.0, 0.05), (-0.96, 0.1), (0.9, -0.2)])
def test_ball_passing_beside_or_below_the_net_is_beside(x: float, z: float) -> None:
    time = np.linspace(0.0, 0.232, 30)
    position = np.column_stack((np.full(30, x), -0.4 + 4.0 * time, np.full(30, z)))
    crossing = find_net_crossing(time, position)
    assert crossing is not None
    assert crossing.beside


@pytest.mark.parametrize('x', [0.0, 0.9])
def test_ball_passing_through_the_height_of_the_net_is_not_beside(x: float) -> None:
    time = np.linspace(0.0, 0.232, 30)
    crossing = find_net_crossing(time, np.column_stack((np.full(30, x), -0.4 + 4.0 * time, np.full(30, 0.1))))
    assert crossing is not None
    assert not crossing.beside
    assert crossing.clearance == pytest.approx(0.1 - 0.02 - 0.1525)


def test_ball_that_falls_before_the_net_does_not_cross() -> None:
    times, position = crossed((0.0, -1.0, 0.1), (0.0, 1.0, 1.0))
    assert find_net_crossing(times, position) is None
    assert not stopped_by_net(position)


def test_ball_in_the_net_is_stopped_by_it() -> None:
    _, position = crossed((0.0, -1.0, 0.1), (0.0, 5.0, 1.0))
    assert stopped_by_net(position)
    assert position[:, 1].max() == pytest.approx(-table.BALL_RADIUS, abs=0.01)


@pytest.mark.parametrize('more', [5, 0])
def test_a_ball_past_the_table_meets_its_plane_where_it_would_have_landed(more: int) -> None:
    """Seen below the plane, too, or lost 4 cm above it."""
    start, velocity, spin = (0.1, -1.0, 0.3), (0.4, 7.5, 1.5), (20.0, 0.0, 0.0)
    x, y, moment = law.landing(MODEL, start, velocity, spin)
    assert y > table.HALF_LENGTH
    end = moment - (0.0 if more else 0.02)
    times = TIMES[: int(np.searchsorted(TIMES, end))]
    position, speed = law.flight(MODEL, start, velocity, spin, times)
    assert more or position[-1, 2] > table.BALL_RADIUS + 0.04
    later = 0.008 * np.arange(1, more + 1)
    seen = np.vstack((position, position[-1] + later[:, None] * speed[-1]))
    assert plane_met(np.append(times, times[-1] + later), seen) == pytest.approx((x, y), abs=0.01)


def test_a_ball_that_does_not_come_down_or_was_hardly_seen_meets_no_plane() -> None:
    position, _ = law.flight(MODEL, (0.0, -1.0, 0.3), (0.0, 5.5, 3.0), (0.0, 0.0, 0.0), TIMES[:10])
    assert plane_met(TIMES[:3], position[:3]) is None
    assert plane_met(TIMES[:10], position[:10]) is None
