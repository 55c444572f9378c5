import math

import pytest

from llm_policy_improver.sandbox.limits import Limits


@pytest.mark.parametrize('value', [0.0, -1.0, math.inf, math.nan])
def test_limit_that_limits_nothing_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match='call_seconds must be positive and finite'):
        Limits(call_seconds=value)
