import closed_formulas as law
import numpy as np
import pytest

from llm_policy_improver.table_tennis.ball.prediction import (
    BallState,
    advance,
    launch_velocity,
    predict_crossing,
)
from llm_policy_improver.table_tennis.ball.state import BallModel

MODEL = BallModel()
STANDARD = BallState(0.3, (0.1, 1.5, 0.3), (-0.251, -5.646, 1.746), (-30.0, 10.0, 20.0))


def test_crossing_is_that_of_the_equations_of_motion_with_the_bounce() -> None:
    found = predict_crossing(MODEL.law, STANDARD, -1.42, 2.0)
    assert found is not None
    crossing, bounces = found
    times = [crossing.time - STANDARD.time]
    position, velocity = law.flight(MODEL, STANDARD.position, STANDARD.velocity, STANDARD.spin, times)
    assert bounces == 1
    assert crossing.position[1] == pytest.approx(-1.42, abs=1e-7)
    assert crossing.position == pytest.approx(position[0], abs=1e-6)
    assert crossing.velocity == pytest.approx(velocity[0], abs=1e-5)


@pytest.mark.parametrize('part', [0.0001, 0.003, 0.0069, 0.0099])
def test_bounce_within_a_step_is_met_at_its_moment(part: float) -> None:
    speed = 3.0
    above = BallState(0.0, (0.0, -0.5, 0.02 + part * speed), (1.0, -4.0, -speed), (50.0, 0.0, 0.0))
    after, bounced = advance(MODEL.law, above, 0.01)
    position, velocity = law.flight(MODEL, above.position, above.velocity, above.spin, [0.01])
    assert bounced
    assert after.position == pytest.approx(position[0], abs=1e-7)
    assert after.velocity == pytest.approx(velocity[0], abs=1e-6)


def test_falling_ball_believed_a_little_below_the_surface_bounces_at_once() -> None:
    after, bounced = advance(
        MODEL.law, BallState(0.0, (0.0, -0.7, 0.018), (0.0, -4.0, -2.5), (0.0, 0.0, 0.0)), 0.008
    )
    assert bounced
    assert after.velocity[2] > 2.0
    assert after.position[2] == pytest.approx(0.02 + 0.008 * 2.5 * MODEL.table_restitution, abs=0.001)


@pytest.mark.parametrize(
    ('position', 'velocity'),
    [
        ((0.0, -0.7, 0.021), (0.0, -4.0, 2.0)),
        ((0.0, -1.40, 0.021), (0.0, -4.0, -2.0)),
        ((0.8, 0.0, 0.021), (0.0, 0.0, -2.0)),
    ],
)
def test_ball_that_rises_or_is_beside_the_table_does_not_bounce(
    position: tuple[float, float, float], velocity: tuple[float, float, float]
) -> None:
    after, bounced = advance(MODEL.law, BallState(0.0, position, velocity, (0.0, 0.0, 0.0)), 0.01)
    assert not bounced
    assert after.velocity[2] == pytest.approx(velocity[2] - 0.0981, abs=0.02)


def test_ball_that_does_not_come_within_the_horizon_has_no_crossing() -> None:
    assert predict_crossing(MODEL.law, STANDARD, -1.42, 0.3) is None
    away = BallState(0.0, (0.0, 1.0, 0.3), (0.0, 5.0, 1.0), (0.0, 0.0, 0.0))
    assert predict_crossing(MODEL.law, away, -1.42, 2.0) is None


def test_launched_ball_is_at_its_target_in_time() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        start = (generator.uniform(-0.7, 0.7), -1.42, generator.uniform(0.15, 0.45))
        spin = (generator.uniform(-80, 80), generator.uniform(-30, 30), generator.uniform(-30, 30))
        target, seconds = (
            (generator.uniform(-0.7, 0.7), generator.uniform(0.2, 1.3), 0.02),
            generator.uniform(0.4, 0.7),
        )
        velocity = launch_velocity(MODEL.law, start, spin, target, seconds)
        x, y, time = law.landing(MODEL, start, velocity, spin)
        assert (x, y, time) == pytest.approx((*target[:2], seconds), abs=0.005)
