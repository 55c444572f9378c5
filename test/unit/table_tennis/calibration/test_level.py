import numpy as np
import pytest
from recorded_balls import Spoiled, drawn_ball, recorded_balls

from llm_policy_improver.table_tennis.calibration.level import after, first_level, level, moved


def test_bounces_show_height_and_tilt_of_the_frame() -> None:
    wrong = Spoiled(height=0.05, roll=0.02, pitch=-0.03, outliers=0.0, blind=0.0, twice=0.0, lost=0.0)
    spoiled = [wrong(each, row) for row, each in enumerate(recorded_balls(drawn_ball(2), 30, noise=0.001))]
    found = first_level([(each.time, each.position) for each in spoiled])
    assert found.translation[2] == pytest.approx(0.05, abs=0.005)
    assert found.rpy[:2] == pytest.approx((0.02, -0.03), abs=0.006)


def test_too_few_bounces_change_nothing() -> None:
    few = recorded_balls(drawn_ball(2), 4)
    raised = np.array((0.0, 0.0, 0.05))
    found = first_level([(each.time, each.position + raised) for each in few])
    np.testing.assert_array_equal(found.rotation, np.eye(3))
    np.testing.assert_array_equal(found.translation, np.zeros(3))


def test_two_transforms_one_after_the_other_are_one() -> None:
    points = np.random.default_rng(0).normal(size=(5, 3))
    first, later = level(0.1, 0.02, 0.03), level(-0.2, 0.05, -0.01)
    np.testing.assert_allclose(moved(after(later, first), points), moved(later, moved(first, points)))
