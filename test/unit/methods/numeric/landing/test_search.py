import numpy as np

from llm_policy_improver.methods.numeric.landing.search import BEST, least

LOW, HIGH = np.array([-1.0, -1.0, 0.0, -3.0, -1.0]), np.array([1.0, 1.0, 0.5, 3.0, 1.0])
BOTTOM = np.array([0.3, -0.9, 0.5, 2.0, 0.0])


def test_finds_the_bottom_of_a_bowl_in_a_box() -> None:
    found = least(
        lambda points: ((points - BOTTOM) ** 2).sum(axis=1), LOW, HIGH, np.zeros((1, 5)), np.random.default_rng(0)
    )
    assert found.shape == (BEST, 5)
    assert np.abs(found[0] - BOTTOM).max() < 0.1


def test_never_leaves_the_box_though_less_lies_beyond() -> None:
    def losses(points: np.ndarray) -> np.ndarray:
        return np.asarray(-((points - LOW) / (HIGH - LOW)).sum(axis=1))

    found = least(losses, LOW, HIGH, np.zeros((1, 5)), np.random.default_rng(0))
    assert np.all((found >= LOW) & (found <= HIGH))
    np.testing.assert_allclose(found[0], HIGH, atol=0.05)
