import closed_formulas as law
import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.racket import plan_hit, racket_for
from llm_policy_improver.table_tennis.ball.prediction import BallState
from llm_policy_improver.table_tennis.ball.state import BallModel

MODEL = BallModel()


def incoming(generator: np.random.Generator) -> BallState:
    position = (generator.uniform(-0.7, 0.7), -1.42, generator.uniform(0.15, 0.45))
    velocity = (generator.uniform(-1, 1), generator.uniform(-6, -2), generator.uniform(-1, 2))
    spin = (generator.uniform(-80, 80), generator.uniform(-30, 30), generator.uniform(-30, 30))
    return BallState(0.7, position, velocity, spin)


@pytest.mark.parametrize('flatness', [0.0, 0.5])
def test_planned_hit_sends_the_ball_to_its_target(flatness: float) -> None:
    generator = np.random.default_rng(0)
    for _ in range(30):
        ball, target = incoming(generator), (generator.uniform(-0.6, 0.6), generator.uniform(0.3, 1.2))
        hit = plan_hit(MODEL.law, ball, target, 0.55, flatness)
        velocity, spin = law.racket_bounce(
            MODEL, np.array(ball.velocity), np.array(ball.spin), np.array(hit.normal), np.array(hit.velocity)
        )
        # Some millimetres are left: the spin after the hit and the flight are matched in three rounds only.
        assert law.landing(MODEL, ball.position, velocity, spin) == pytest.approx((*target, 0.55), abs=0.015)


def test_blade_touches_the_ball_from_behind() -> None:
    ball = incoming(np.random.default_rng(1))
    hit = plan_hit(MODEL.law, ball, (0.0, 0.7), 0.55, 0.0)
    gap = np.array(ball.position) - hit.centre
    assert hit.time == ball.time
    assert np.linalg.norm(hit.normal) == pytest.approx(1.0)
    assert gap == pytest.approx((0.02 + arm.BLADE_THICKNESS / 2) * np.array(hit.normal))


def test_flatness_turns_the_motion_from_the_normal_to_level() -> None:
    ball = incoming(np.random.default_rng(2))
    along, level = (plan_hit(MODEL.law, ball, (0.0, 0.7), 0.55, flatness) for flatness in (0.0, 1.0))
    assert np.cross(along.velocity, along.normal) == pytest.approx(np.zeros(3), abs=1e-12)
    assert level.velocity[2] == 0.0


@pytest.mark.parametrize('flatness', [0.0, 0.5])
def test_racket_gives_the_wanted_velocity(flatness: float) -> None:
    generator = np.random.default_rng(3)
    for _ in range(40):
        ball = incoming(generator)
        wanted = (generator.uniform(-1, 1), generator.uniform(3, 5), generator.uniform(1.5, 3))
        normal, moving = racket_for(MODEL.law, ball.velocity, ball.spin, wanted, flatness)
        before = np.array(ball.velocity), np.array(ball.spin)
        after, _ = law.racket_bounce(MODEL, *before, np.array(normal), np.array(moving))
        assert after == pytest.approx(wanted, abs=1e-5)
