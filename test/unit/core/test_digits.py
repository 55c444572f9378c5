"""Numbers beside each other."""

import pytest

from llm_policy_improver.core.digits import digits_apart


@pytest.mark.parametrize(
    ('one', 'other', 'digits'),
    [(0.39, 0.06, 2), (0.0562, 0.0634, 3), (0.0562, 0.0561, 4), (0.05621, 0.05622, 2), (0.06, 0.06, 2)],
)
def test_numbers_get_the_digits_that_tell_them_apart(one: float, other: float, digits: int) -> None:
    assert digits_apart(one, other) == digits
