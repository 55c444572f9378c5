import math

import numpy as np
import pytest

from llm_policy_improver.core.parameters import (
    JOINTS,
    LETTERS,
    NEUTRAL_ATTENUATION,
    ParameterError,
    ParameterSpace,
    PolicyParameters,
)


def test_every_joint_has_a_letter() -> None:
    assert len(JOINTS) == len(LETTERS) == 8


def test_parameters_are_neutral_by_default_and_keep_plain_floats() -> None:
    assert PolicyParameters().attenuation == (1.0,) * 8
    assert PolicyParameters().residual == (0.0,) * 8
    given = PolicyParameters(attenuation=tuple(np.full(8, 0.9)))
    assert all(type(value) is float for value in given.attenuation)


@pytest.mark.parametrize('length', [0, 7, 9])
def test_wrong_length_is_named(length: int) -> None:
    with pytest.raises(
        ParameterError, match=rf'attenuation must hold 8 numbers, one a joint .*; got {length}'
    ):
        PolicyParameters(attenuation=(1.0,) * length)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_number_that_is_not_finite_is_named_with_its_joint(value: float) -> None:
    with pytest.raises(ParameterError, match=r'residual of axis_1 must be a finite number'):
        PolicyParameters(residual=(0.0, 0.0, value, 0.0, 0.0, 0.0, 0.0, 0.0))


def test_text_among_the_numbers_is_refused() -> None:
    with pytest.raises(ParameterError, match=r'attenuation must hold 8 numbers'):
        PolicyParameters(attenuation=('fast',) * 8)  # type: ignore[arg-type]


def test_bounds_upside_down_are_named_with_their_joint() -> None:
    with pytest.raises(ParameterError, match=r'slide_y are upside down: low 1.4 must be below high 0.6'):
        ParameterSpace(low=(1.4,) * 8, high=(0.6,) * 8)


def test_bounds_must_contain_the_unchanged_controller() -> None:
    with pytest.raises(
        ParameterError, match=r'slide_y must contain 1.0, the unchanged controller; got 1.1 to 1.4'
    ):
        ParameterSpace(low=(1.1,) * 8)


def test_unit_cube_runs_from_bound_to_bound_and_back() -> None:
    space = ParameterSpace(low=(0.5,) * 8, high=(1.3,) * 8)
    assert space.unit(space.low) == pytest.approx(-np.ones(8))
    assert space.unit(space.high) == pytest.approx(np.ones(8))
    assert space.from_unit(space.unit(NEUTRAL_ATTENUATION)) == pytest.approx(NEUTRAL_ATTENUATION)
    assert space.from_unit(np.full(8, 5.0)) == space.high


def test_samples_are_inside_and_repeat_with_the_seed() -> None:
    space = ParameterSpace()
    draws = [space.sample(np.random.default_rng(3)) for _ in range(2)]
    assert draws[0] == draws[1]
    assert space.contains(draws[0])
    assert not space.contains((0.5, *draws[0][1:]))
    assert space.clip((0.5, *draws[0][1:])) == (0.6, *draws[0][1:])
