import math

import numpy as np
import pytest

from llm_policy_improver.core.policy import ParameterError, Parameters, policy_from_json
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, RESIDUALS, Modulation
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched, parameter_space


def test_every_joint_has_two_letters_of_its_own() -> None:
    assert len(JOINTS) == len(ATTENUATIONS) == len(RESIDUALS) == 8
    assert len({*ATTENUATIONS, *RESIDUALS}) == 16


def test_parameters_are_neutral_by_default_and_keep_plain_floats() -> None:
    assert Modulation().attenuation == (1.0,) * 8
    assert Modulation().residual == (0.0,) * 8
    given = Modulation(attenuation=tuple(np.full(8, 0.9)))
    assert all(type(value) is float for value in given.attenuation)


@pytest.mark.parametrize('length', [0, 7, 9])
def test_wrong_length_is_named(length: int) -> None:
    with pytest.raises(
        ParameterError, match=rf'attenuation must hold 8 numbers, one a joint .*; got {length}'
    ):
        Modulation(attenuation=(1.0,) * length)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_number_that_is_not_finite_is_named_with_its_joint(value: float) -> None:
    with pytest.raises(ParameterError, match=r'residual of axis_1 must be a finite number'):
        Modulation(residual=(0.0, 0.0, value, 0.0, 0.0, 0.0, 0.0, 0.0))


def test_text_among_the_numbers_is_refused() -> None:
    with pytest.raises(ParameterError, match=r'attenuation must hold 8 numbers'):
        Modulation(attenuation=('fast',) * 8)  # type: ignore[arg-type]


def test_modulation_of_a_policy_leaves_what_it_does_not_name_neutral() -> None:
    policy = Parameters(('g', 'i'), (1.2, -0.1))
    modulation = Modulation.of(policy, 3, 'least_squares')
    assert modulation.attenuation == (1.0,) * 6 + (1.2, 1.0)
    assert modulation.residual == (-0.1,) + (0.0,) * 7
    assert (modulation.policy, modulation.version, modulation.proposed_by) == (policy, 3, 'least_squares')
    assert Modulation.of(NEUTRAL) == Modulation(names=ATTENUATIONS)


def test_modulation_takes_no_policy_that_means_nothing_to_the_arm() -> None:
    with pytest.raises(ParameterError, match=r'unknown parameter "q"; there are a, b'):
        Modulation.of(Parameters(('q',), (1.0,)))
    with pytest.raises(ParameterError, match=r'b is 0.9, but it is not among the names'):
        Modulation((1.0, 0.9, *(1.0,) * 6), names=('a',))


@pytest.mark.parametrize(
    ('names', 'values', 'why'),
    [
        (('a', 'b'), (1.0,), 'a policy needs one number a parameter, a, b; got 1'),
        (('a', 'a'), (1.0, 1.0), 'must all be different; got a, a'),
        (('a', 'b'), (1.0, math.nan), 'every parameter must be a finite number; b is nan'),
        (('a',), ('fast',), 'every parameter must be a finite number: could not convert'),
    ],
)
def test_policy_that_is_none_is_refused(names: tuple[str, ...], values: tuple[float, ...], why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        Parameters(names, values)


def test_policy_comes_back_from_its_plain_data() -> None:
    policy = Parameters(('b', 'a'), (0.9, 1.05))
    assert policy_from_json(policy.as_json()) == policy
    assert str(policy) == '0.900 1.050'
    with pytest.raises(ParameterError, match='finite number'):
        policy_from_json({'a': None})


def test_bounds_upside_down_are_named_with_their_joint() -> None:
    with pytest.raises(
        ParameterError, match=r'a \(slide_y\) are upside down: low 1.4 must be below high 0.6'
    ):
        parameter_space(attenuation_low=(1.4,) * 8, attenuation_high=(0.6,) * 8)


def test_bounds_must_contain_the_unchanged_controller() -> None:
    with pytest.raises(
        ParameterError, match=r'a \(slide_y\) must contain 1, which changes nothing; got 1.1 to 1.4'
    ):
        parameter_space(attenuation_low=(1.1,) * 8)
    with pytest.raises(ParameterError, match=r'k \(axis_1 residual\) must contain 0, which changes nothing'):
        parameter_space(Searched.RESIDUAL, residual_low=(-0.1, -0.1, 0.1, *(-0.1,) * 5))


def test_bounds_must_be_finite_and_turn_no_joint_round() -> None:
    with pytest.raises(ParameterError, match='attenuation of slide_y must not be negative'):
        parameter_space(attenuation_low=(-0.1,) * 8)
    with pytest.raises(ParameterError, match=r'residual_high of slide_y must be a finite number'):
        parameter_space(residual_high=(math.inf,) * 8)
    with pytest.raises(ParameterError, match=r'attenuation_high must hold 8 numbers, .* got 7'):
        parameter_space(attenuation_high=(1.4,) * 7)


@pytest.mark.parametrize(
    ('searched', 'names', 'units'),
    [
        (Searched.ATTENUATION, ATTENUATIONS, ['']),
        (Searched.RESIDUAL, RESIDUALS, ['m/s', 'rad/s']),
        (Searched.BOTH, ATTENUATIONS + RESIDUALS, ['', 'm/s', 'rad/s']),
    ],
)
def test_what_is_searched_makes_the_space(
    searched: Searched, names: tuple[str, ...], units: list[str]
) -> None:
    space = parameter_space(searched)
    assert space.names == names
    assert space.dimension == len(names)
    assert list(dict.fromkeys(parameter.unit for parameter in space.parameters)) == units
    assert Modulation.of(space.neutral) == Modulation(names=names)
    assert space.contains(space.neutral)


def test_space_needs_parameters_with_names_of_their_own() -> None:
    one = Parameter('a', 'anything', -1.0, 1.0, 0.0)
    for parameters in ((), (one, one)):
        with pytest.raises(ParameterError, match='at least one parameter, and all names must be different'):
            ParameterSpace(parameters)


def test_unit_cube_runs_from_bound_to_bound_and_back() -> None:
    space = parameter_space(attenuation_low=(0.5,) * 8, attenuation_high=(1.3,) * 8)
    assert space.unit(space.low) == pytest.approx(-np.ones(8))
    assert space.unit(space.high) == pytest.approx(np.ones(8))
    assert space.from_unit(space.unit(NEUTRAL)) == pytest.approx(NEUTRAL.values)
    assert space.from_unit(np.full(8, 5.0)) == space.high


def test_values_are_in_the_order_of_the_space_whatever_policy_they_come_from() -> None:
    space = parameter_space(Searched.BOTH)
    assert space.values(Parameters(('h', 'b'), (1.2, 0.9))) == (1.0, 0.9, *(1.0,) * 5, 1.2, *(0.0,) * 8)
    assert space.values(space.at(space.low)) == space.low


def test_values_are_rounded_to_their_digits_within_the_bounds() -> None:
    space = ParameterSpace(
        (Parameter('a', 'x', 0.0, 1.0, 0.5, digits=1), Parameter('b', 'y', 0.0, 0.5556, 0.5))
    )
    assert space.rounded((0.123, 0.4567)) == (0.1, 0.457)
    assert space.rounded((1.23, 0.5556)) == (1.0, 0.5556)


def test_samples_are_inside_and_repeat_with_the_seed() -> None:
    space = parameter_space()
    draws = [space.sample(np.random.default_rng(3)) for _ in range(2)]
    assert draws[0] == draws[1]
    assert space.contains(draws[0])
    outside = (0.5, *draws[0].values[1:])
    assert not space.contains(space.at(outside))
    assert space.clip(outside) == (0.6, *draws[0].values[1:])
