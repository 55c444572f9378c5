"""The simulators against closed forms, and how smooth they are."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from llm_policy_improver.tasks.dynamic_manipulation import rope as rope_module
from llm_policy_improver.tasks.dynamic_manipulation.instances import DRAWS, draw
from llm_policy_improver.tasks.dynamic_manipulation.roll import Roll, RollStandIn, rolling_distance
from llm_policy_improver.tasks.dynamic_manipulation.rope import Rope, RopePhysics, chain_period, nearest
from llm_policy_improver.tasks.dynamic_manipulation.slide import FRICTION, Slide, sliding_distance
from llm_policy_improver.tasks.dynamic_manipulation.task import PUSH_SPACE, ROLL_SPACE


@pytest.mark.parametrize('friction', [0.12, FRICTION, 0.3])
def test_puck_slides_as_coulomb_friction_says(friction: float) -> None:
    slide = Slide(friction)
    generator = np.random.default_rng(0)
    for _ in range(8):
        angle, distance, time = PUSH_SPACE.sample(generator).values
        x, y = slide.rest(angle, distance, time)
        assert math.hypot(x, y) == pytest.approx(sliding_distance(distance, time, friction), rel=0.03)
        assert math.atan2(y, x) == pytest.approx(angle, abs=0.01)


def test_ball_rolls_as_a_constant_resistance_says() -> None:
    roll = Roll()
    generator = np.random.default_rng(0)
    for _ in range(8):
        angle, distance, time = ROLL_SPACE.sample(generator).values
        x, y = roll.rest(angle, distance, time)
        assert math.hypot(x, y) == pytest.approx(rolling_distance(distance, time), rel=0.03)
        assert math.atan2(y, x) == pytest.approx(angle, abs=0.01)


def test_chain_swings_at_bernoullis_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rope_module, 'DURATION', 6.0)
    rope = Rope(RopePhysics(0.6, 0.06, 1e-5, 1e-5))
    stroke = 0.02
    path = rope.path(stroke, 0.6, 0.0)
    offset = path[round(2.0 / rope.timestep) :, 0] - stroke
    crossings = np.flatnonzero(np.diff(np.sign(offset))) * rope.timestep
    assert 2.0 * np.diff(crossings).mean() == pytest.approx(chain_period(0.6), rel=0.03)


def test_hand_ends_where_it_is_sent_and_the_tip_below_it() -> None:
    rope = Rope(RopePhysics(damping=5e-3))
    hanging = rope.path(0.1, 0.5, 0.2)[0]
    assert hanging == pytest.approx((0.0, 1.0 - 0.6), abs=0.01)


def test_nearest_place_on_a_path_is_between_its_samples_too() -> None:
    path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    assert nearest(path, (0.4, 0.3)) == pytest.approx((0.4, 0.0))
    assert nearest(path, (2.0, 0.5)) == pytest.approx((1.0, 0.5))
    assert nearest(path, (-1.0, -1.0)) == (0.0, 0.0)


def test_stand_in_is_another_robot_than_the_simulated_one() -> None:
    roll, real = Roll(), RollStandIn()
    generator = np.random.default_rng(0)
    gaps = []
    for _ in range(8):
        values = ROLL_SPACE.sample(generator).values
        gaps.append(math.dist(roll.rest(*values), real.rest(*values)))
    assert min(gaps) > 0.005
    assert 0.02 < np.mean(gaps) < 0.3
    seen = [real.seen((0.5, 0.0), np.random.default_rng(seed)) for seed in range(400)]
    assert np.std(seen, axis=0) == pytest.approx([RollStandIn.NOISE] * 2, rel=0.15)


def test_smooth_in_the_parameters(
    smooth_places: int, name: str, record_property: Callable[[str, object], None]
) -> None:
    jumps = np.array(jumps_of(name, smooth_places))
    smooth = np.mean(jumps <= 0.005)
    record_property(
        f'{name}, a parameter changed by 0.1 % of its range',
        f'outcome moved by at most 5 mm at {smooth:.1%} of {len(jumps)} places; 99 % of them '
        f'{1000.0 * np.quantile(jumps, 0.99):.2f} mm, the largest {1000.0 * jumps.max():.2f} mm',
    )
    # Of the few places of the quick form one may jump; of a thousand no more than ten.
    assert np.sum(jumps > 0.005) <= max(1, 0.01 * len(jumps))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if 'name' in metafunc.fixturenames:
        metafunc.parametrize('name', DRAWS)


def jumps_of(name: str, places: int) -> list[float]:
    """m, change of the outcome for a change of one parameter by a thousandth of its range, at random places."""
    generator = np.random.default_rng(1)
    space = draw(name, 0).task.brief.space
    share = 0.001 * (np.array(space.high) - np.array(space.low))
    rollout: Callable[[tuple[float, ...]], tuple[float, float]] | None = None
    jumps = []
    for place in range(places):
        if rollout is None or place % 25 == 0:
            rollout = draw(name, 100 + place).task.place
        values = space.sample(generator).values
        step = share * np.eye(space.dimension)[generator.integers(space.dimension)]
        there = values + np.where(values + step > space.high, -step, step)
        jumps.append(math.dist(rollout(values), rollout(tuple(there))))
    return jumps
