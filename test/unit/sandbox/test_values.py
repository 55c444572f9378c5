import math
from enum import StrEnum
from typing import Any

import numpy as np
import pytest

from llm_policy_improver.sandbox.inside.loop import with_arrays
from llm_policy_improver.sandbox.values import Outgoing, require_plain


class Colour(StrEnum):
    RED = 'red'


def crossed(value: Any) -> Any:
    return with_arrays(Outgoing().value(value))


def test_numbers_of_numpy_become_numbers_of_python() -> None:
    values = crossed({'a': np.float32(0.5), 'b': np.int64(3), 'c': np.bool_(True), 'd': (Colour.RED, True)})
    assert values == {'a': 0.5, 'b': 3, 'c': True, 'd': ['red', True]}
    assert [type(each) for each in values.values()] == [float, int, bool, list]
    assert type(values['d'][0]) is str


def test_numbers_of_numpy_in_a_flat_tuple_do_not_take_the_quick_way() -> None:
    (given,) = Outgoing().arguments(((np.float64(0.5), 1.0),))
    assert given == [0.5, 1.0]
    assert type(given[0]) is float


@pytest.mark.parametrize('shape', [(3,), (2, 2), (0,), ()])
def test_array_keeps_its_shape(shape: tuple[int, ...]) -> None:
    array = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
    back = crossed([array])[0]
    assert back.shape == shape
    assert back.dtype == float
    assert np.array_equal(back, array)


def test_view_of_an_array_crosses_in_its_own_order() -> None:
    array = np.arange(6.0).reshape(2, 3).T
    assert np.array_equal(crossed(array), array)


@pytest.mark.parametrize('value', [{1}, b'x', 1j, object(), np.array(['a']), np.array([None]), {1: 2}, ...])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        Outgoing().value([value])


def test_loop_in_a_value_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match='32 levels deep'):
        Outgoing().value(value)


@pytest.mark.parametrize('value', [None, True, 2**63 - 1, -0.0, 'é', [], {'a': [1, {'b': 'c'}]}])
def test_plain_result_is_taken(value: Any) -> None:
    require_plain(value)


@pytest.mark.parametrize(
    ('value', 'reason'),
    [
        ([1.0, math.inf], 'not finite'),
        ({'a': math.nan}, 'not finite'),
        (2**63, '64 bits'),
        ([-(2**70)], '64 bits'),
        ('\ud800', 'not valid Unicode'),
        ({'\ud800': 1}, 'not valid Unicode'),
    ],
)
def test_result_that_is_not_plain_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        require_plain(value)


def test_result_that_is_too_deep_is_refused() -> None:
    value: list[Any] = []
    for _ in range(32):
        value = [value]
    with pytest.raises(ValueError, match='32 levels deep'):
        require_plain(value)
