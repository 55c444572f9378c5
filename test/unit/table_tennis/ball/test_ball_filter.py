import closed_formulas as law
import numpy as np
import pytest

from llm_policy_improver.table_tennis.ball.filter import BallFilter, FilterConfig
from llm_policy_improver.table_tennis.ball.prediction import BallState
from llm_policy_improver.table_tennis.ball.state import BallModel

MODEL = BallModel()
TIMES = 0.008 * np.arange(80)
"""s; the ball bounces at about 0.47 s and is then followed for 0.16 s more."""


def incoming(seed: int) -> tuple[law.Array, law.Array, law.Array]:
    generator = np.random.default_rng(seed)
    position = np.array([0.1, 1.5, 0.3]) + generator.uniform(-0.05, 0.05, 3)
    velocity = np.array([-0.25, -5.6, 1.75]) + generator.uniform(-0.3, 0.3, 3)
    return position, velocity, generator.uniform(-60.0, 60.0, 3)


def followed(seed: int, noise: float, until: float = 1.0) -> tuple[BallFilter, law.Array, law.Array]:
    """A filter that has seen the ball of this seed, and the ball's true position and velocity at the end."""
    generator, times = np.random.default_rng([seed, 1]), TIMES[until >= TIMES]
    positions, velocities = law.flight(MODEL, *incoming(seed), times)
    seen = BallFilter(MODEL, FilterConfig(sighting=max(noise, 0.001)))
    for time, position in zip(times, positions + generator.normal(0.0, noise, positions.shape), strict=True):
        x, y, z = position.tolist()
        seen.observe(float(time), (x, y, z))
    return seen, positions[-1], velocities[-1]


def test_clean_sightings_give_the_flight_and_the_spin() -> None:
    for seed in range(10):
        seen, position, velocity = followed(seed, 0.0)
        _, spin = law.table_bounce(MODEL, *at_the_bounce(seed))
        assert seen.state is not None
        assert seen.bounces == 1
        assert seen.state.position == pytest.approx(position, abs=0.0005)
        assert seen.state.velocity == pytest.approx(velocity, abs=0.01)
        assert np.linalg.norm(seen.state.spin - spin) < 0.2 * np.linalg.norm(spin)  # lift tells little of fast ones


def at_the_bounce(seed: int) -> tuple[law.Array, law.Array]:
    """Velocity and spin just before it."""
    position, velocity, spin = incoming(seed)
    _, _, time = law.landing(MODEL, position, velocity, spin)
    return law.flight(MODEL, position, velocity, spin, [time - 1e-5])[1][0], spin


def test_spin_is_learnt_from_the_curve_and_the_bounce() -> None:
    # Topspin and backspin are far from the filter's first belief, no spin, and leave the bounce differently.
    for seed in range(10):
        spin = incoming(seed)[2]
        seen, _, _ = followed(seed, 0.0, until=0.4)
        assert seen.state is not None
        assert np.linalg.norm(np.array(seen.state.spin)[[0, 2]] - spin[[0, 2]]) < 0.5 * np.linalg.norm(
            spin[[0, 2]]
        )


def test_error_with_3_mm_of_noise_is_bounded_wherever_the_bounce_falls() -> None:
    position_errors, velocity_errors, spin_errors = [], [], []
    for seed in range(60):
        seen, position, velocity = followed(seed, 0.003)
        assert seen.state is not None
        assert seen.bounces == 1
        position_errors.append(np.linalg.norm(seen.state.position - position))
        velocity_errors.append(np.linalg.norm(seen.state.velocity - velocity))
        _, spin = law.table_bounce(MODEL, *at_the_bounce(seed))
        spin_errors.append(np.linalg.norm(seen.state.spin - spin))
    assert np.median(position_errors) < 0.0025
    assert max(position_errors) < 0.007
    assert np.median(velocity_errors) < 0.02
    assert max(velocity_errors) < 0.1
    assert np.median(spin_errors) < 8.0
    assert max(spin_errors) < 30.0


def state_of(seen: BallFilter) -> BallState | None:
    return seen.state


def test_no_state_before_the_second_sighting() -> None:
    seen = BallFilter(MODEL)
    seen.observe(0.0, (0.0, 1.5, 0.3))
    assert state_of(seen) is None
    seen.observe(0.0, (0.0, 1.4, 0.3))  # not newer
    assert state_of(seen) is None
    seen.observe(0.01, (0.0, 1.44, 0.3))
    started = seen.state
    assert started is not None
    assert started.velocity[1] == pytest.approx(-6.0)


def test_sighting_that_comes_late_is_ignored() -> None:
    seen, _, _ = followed(0, 0.0, until=0.2)
    before = seen.state
    seen.observe(0.15, (9.0, 9.0, 9.0))
    assert seen.state == before
