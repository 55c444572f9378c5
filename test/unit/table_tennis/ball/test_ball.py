import math

import closed_formulas as law
import numpy as np
import pytest

from llm_policy_improver.table_tennis.ball.laws import (
    acceleration,
    contact_slip,
    fly,
    racket_bounce,
    spun,
    table_bounce,
)
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec

MODEL = BallModel(lift_coefficient=0.9, drag_coefficient=0.55)


def vec(values: law.Array) -> Vec:
    x, y, z = values.tolist()
    return (x, y, z)


def random_ball(generator: np.random.Generator) -> tuple[law.Array, law.Array]:
    velocity = np.append(generator.uniform(-8.0, 8.0, 2), generator.uniform(-6.0, -0.5))
    return velocity, generator.uniform(-150.0, 150.0, 3)


def test_flight_follows_the_equations_of_motion() -> None:
    generator = np.random.default_rng(0)
    for _ in range(10):
        velocity, spin = generator.uniform(-6.0, 6.0, 3), generator.uniform(-60.0, 60.0, 3)
        position, flown = (0.0, 0.0, 50.0), vec(velocity)
        for _ in range(100):
            position, flown = fly(MODEL.law, position, flown, vec(spin), 0.01)
        exact_position, exact_velocity = law.flight(MODEL, (0.0, 0.0, 50.0), velocity, spin, [1.0])
        assert position == pytest.approx(exact_position[0], abs=1e-6)
        assert flown == pytest.approx(exact_velocity[0], abs=1e-6)


def test_topspin_pulls_the_ball_down_and_drag_slows_it() -> None:
    # Towards the robot, -y; the top of the ball moves with the flight.
    topspin = acceleration(MODEL.law, (0.0, -5.0, 0.0), (100.0, 0.0, 0.0))
    assert topspin[2] < -MODEL.gravity - 1.0
    assert topspin[1] > 1.0
    backspin = acceleration(MODEL.law, (0.0, -5.0, 0.0), (-100.0, 0.0, 0.0))
    assert backspin[2] > -MODEL.gravity + 1.0


def test_drag_of_the_default_ball_at_10_mps_is_11_mps2() -> None:
    _, slowing, _ = acceleration(BallModel().law, (0.0, 10.0, 0.0), (0.0, 0.0, 0.0))
    assert slowing == pytest.approx(-0.5 * 1.2 * 0.5 * math.pi * 4e-4 * 100.0 / 0.0027)


def test_table_bounce_follows_the_shell_law_sliding_and_rolling() -> None:
    generator = np.random.default_rng(1)
    kinds = set()
    for _ in range(200):
        velocity, spin = random_ball(generator)
        after, spin_after = table_bounce(MODEL.law, vec(velocity), vec(spin))
        exact, exact_spin = law.table_bounce(MODEL, velocity, spin)
        assert after == pytest.approx(exact, abs=1e-12)
        assert spin_after == pytest.approx(exact_spin, abs=1e-9)
        kinds.add(bool(np.linalg.norm(law.slip(exact, exact_spin, law.UP)) < 1e-9))
    assert kinds == {False, True}  # some balls roll out of the bounce, some still slide


def test_ball_that_rolls_out_of_the_bounce_has_the_closed_velocity() -> None:
    # v' = 0.6 v + 0.4 r omega, with omega the topspin.
    grippy = BallModel(table_friction=10.0)
    after, spin_after = table_bounce(grippy.law, (0.0, 3.0, -2.0), (-50.0, 0.0, 0.0))
    assert after[1] == pytest.approx(0.6 * 3.0 + 0.4 * 0.02 * 50.0)
    assert -spin_after[0] * 0.02 == pytest.approx(after[1])


def test_bounce_without_slip_turns_only_the_normal_speed() -> None:
    after, spin_after = table_bounce(MODEL.law, (0.0, 0.0, -3.0), (0.0, 0.0, 70.0))
    assert after == pytest.approx((0.0, 0.0, 3.0 * MODEL.table_restitution))
    assert spin_after == (0.0, 0.0, 70.0)


def test_racket_bounce_follows_the_grip_law_in_the_frame_of_the_blade() -> None:
    generator = np.random.default_rng(2)
    for _ in range(200):
        velocity, spin = random_ball(generator)
        normal = generator.normal(size=3)
        normal /= np.linalg.norm(normal)
        moving = generator.uniform(-2.0, 2.0, 3)
        after, spin_after = racket_bounce(MODEL.law, vec(velocity), vec(spin), vec(normal), vec(moving))
        exact, exact_spin = law.racket_bounce(MODEL, velocity, spin, normal, moving)
        assert after == pytest.approx(exact, abs=1e-12)
        assert spin_after == pytest.approx(exact_spin, abs=1e-9)


def test_racket_turns_the_slip_round() -> None:
    normal, moving = (0.0, 1.0, 0.0), (0.3, 1.0, -0.2)
    velocity, spin = (1.0, -4.0, 2.0), (30.0, 20.0, -60.0)
    after, spin_after = racket_bounce(MODEL.law, velocity, spin, normal, moving)

    def slip(velocity: Vec, spin: Vec) -> Vec:
        relative = (velocity[0] - moving[0], velocity[1] - moving[1], velocity[2] - moving[2])
        return contact_slip(relative, spin, normal)

    before = np.array(slip(velocity, spin))
    assert slip(after, spin_after) == pytest.approx(-MODEL.racket_grip * before)


def test_bounce_on_the_resting_table_never_adds_energy() -> None:
    generator = np.random.default_rng(3)
    still = np.zeros(3)
    for _ in range(500):
        lively = BallModel(table_restitution=generator.uniform(0, 1), table_friction=generator.uniform(0, 2))
        velocity, spin = random_ball(generator)
        after, spin_after = table_bounce(lively.law, vec(velocity), vec(spin))
        before = law.energy(lively, still, velocity, spin)
        assert law.energy(lively, still, np.array(after), np.array(spin_after)) <= before * (1.0 + 1e-12)


def test_impulse_at_the_contact_keeps_the_angular_momentum_about_it() -> None:
    normal, impulse = np.array([0.6, 0.0, 0.8]), np.array([0.8, 0.3, -0.6])
    spin = np.array([10.0, -20.0, 30.0])
    change = np.array(spun(vec(spin), vec(normal), vec(impulse))) - spin
    # About the point of contact the impulse has no moment: r x dv + I/m dw = 0.
    total = np.cross(0.02 * normal, impulse) + 2.0 / 3.0 * 0.02**2 * change
    assert total == pytest.approx(np.zeros(3), abs=1e-15)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('gravity', math.nan),
        ('air_density', -1.0),
        ('drag_coefficient', math.inf),
        ('table_friction', -0.1),
        ('table_restitution', 1.01),
        ('racket_restitution', 2.0),
        ('racket_grip', 1.5),
    ],
)
def test_impossible_coefficient_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'^{name} must be between .*; got {value:g}'):
        BallModel(**{name: value})
