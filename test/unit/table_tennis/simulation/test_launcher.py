import math
import re

import numpy as np
import pytest

from llm_policy_improver.table_tennis.simulation.launcher import Launcher

SPREAD = Launcher(
    position_spread=(0.3, 0.0, 0.1), velocity_spread=(0.5, 1.0, 0.2), spin_spread=(40.0, 0.0, 9.0)
)


def test_default_is_always_the_standard_ball() -> None:
    ball = Launcher().draw(3)
    assert (ball.position, ball.velocity, ball.spin) == (
        (0.1, 1.5, 0.3),
        (-0.251, -5.646, 1.746),
        (0.0, 0.0, 0.0),
    )
    assert ball == Launcher().draw(4)


def test_same_seed_same_ball_and_another_seed_another_ball() -> None:
    assert SPREAD.draw(7) == SPREAD.draw(7)
    assert SPREAD.draw(7) != SPREAD.draw(8)


def test_balls_fill_the_spread_and_stay_within_it() -> None:
    balls = [SPREAD.draw(seed) for seed in range(400)]
    for name in ('position', 'velocity', 'spin'):
        mean, spread = np.array(getattr(SPREAD, name)), np.array(getattr(SPREAD, f'{name}_spread'))
        off = np.array([getattr(ball, name) for ball in balls]) - mean
        assert np.all(np.abs(off) <= spread + 1e-12)
        assert np.all(off.max(axis=0) >= 0.95 * spread)
        assert np.all(off.min(axis=0) <= -0.95 * spread)
        assert np.all(np.abs(off.mean(axis=0)) <= 0.1 * spread + 1e-12)


def test_lists_as_from_a_file_become_tuples() -> None:
    assert Launcher(velocity=[0, -5, 1]).velocity == (0.0, -5.0, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('wrong', 'sentence'),
    [
        (
            {'position': (0.0, 1.0)},
            'launcher: position must be three finite numbers (x, y, z); got (0.0, 1.0)',
        ),
        ({'velocity': (0.0, math.nan, 1.0)}, 'launcher: velocity must be three finite numbers'),
        (
            {'spin_spread': (0.0, -1.0, 0.0)},
            'launcher: spin_spread must not be negative; got (0.0, -1.0, 0.0)',
        ),
    ],
)
def test_wrong_vector_is_named(wrong: dict[str, tuple[float, ...]], sentence: str) -> None:
    with pytest.raises(ValueError, match=f'^{re.escape(sentence)}'):
        Launcher(**wrong)  # type: ignore[arg-type]
