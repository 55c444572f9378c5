import math

import numpy as np
import pytest
from scipy.optimize import rosen

from llm_policy_improver.tasks.functions import (
    LANDSCAPES,
    SHIFT,
    STRETCH,
    TURNED,
    ShiftedFunction,
    ackley,
    griewank,
    rastrigin,
    rosenbrock,
)


@pytest.mark.parametrize('name', LANDSCAPES)
@pytest.mark.parametrize('dimension', [2, 8])
def test_least_value_is_at_the_shifted_optimum_and_nowhere_below(name: str, dimension: int) -> None:
    function = ShiftedFunction.draw(name, dimension, seed=3)
    optimum = function.optimum / function.landscape.half_width
    assert function.above(optimum) == pytest.approx(0.0, abs=1e-9)
    assert function.value(optimum) == pytest.approx(function.least)
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (500, dimension))
    near = np.clip(optimum + 0.02 * points, -1.0, 1.0)
    assert min(function.above(point) for point in (*points, *near)) > 0.0


@pytest.mark.parametrize('name', TURNED)
@pytest.mark.parametrize('dimension', [2, 8])
def test_turned_function_is_the_landscape_rotated_and_stretched_about_the_optimum(
    name: str, dimension: int
) -> None:
    function = ShiftedFunction.draw(name, dimension, seed=3)
    assert function.landscape is LANDSCAPES[TURNED[name]]
    assert function.above(function.optimum / function.landscape.half_width) == pytest.approx(0.0, abs=1e-9)
    stretches = np.linalg.svd(function.turn, compute_uv=False)
    assert 1.0 / STRETCH <= stretches.min() < stretches.max() <= STRETCH
    rotation = function.turn / np.linalg.norm(function.turn, axis=1, keepdims=True)
    assert rotation @ rotation.T == pytest.approx(np.eye(dimension), abs=1e-12)
    assert np.abs(rotation).max(axis=1).min() < 0.9999  # no axis stays where it was


def test_formulas_have_the_values_of_the_literature() -> None:
    ones = np.ones(2)
    assert ackley(ones) == pytest.approx(3.6253849384403627)
    assert rastrigin(ones) == pytest.approx(2.0)
    assert rastrigin(0.5 * ones) == pytest.approx(40.5)
    assert griewank(np.array([math.pi, 0.0])) == pytest.approx(2.0 + math.pi**2 / 4000.0)
    point = np.random.default_rng(1).normal(size=5)
    assert rosenbrock(point) == pytest.approx(rosen(point + 1.0))


def test_optimum_is_elsewhere_for_every_seed_function_and_dimension_but_the_same_again() -> None:
    drawn = [
        ShiftedFunction.draw(name, dimension, seed)
        for name in ('ackley', 'rastrigin')
        for dimension in (2, 3)
        for seed in (0, 1)
    ]
    shares = {tuple(function.optimum[:2] / function.landscape.half_width) for function in drawn}
    assert len(shares) == len({function.least for function in drawn}) == len(drawn)
    assert np.abs(np.array(list(shares))).max() <= SHIFT
    again = ShiftedFunction.draw('ackley', 2, 0)
    assert np.array_equal(again.optimum, drawn[0].optimum)
    assert again.least == drawn[0].least > 0.0


def test_one_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match='at least 2 dimensions; got 1'):
        ShiftedFunction.draw('ackley', 1, 0)
