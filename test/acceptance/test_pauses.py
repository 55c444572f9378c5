"""The campaign of pauses in virtual time: wherever the process stops in a swing, the arm stays inside its limits."""

from collections.abc import Callable

import pytest

from llm_policy_improver.table_tennis.bench import safety


def test_no_pause_of_the_process_leaves_the_limits(
    pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    figures = safety.run(0, pauses=max(int(pytestconfig.getoption('pauses')), 1))
    record_property('pauses', f'{figures.pauses} cases, {figures.pause_violations} failures')
    assert figures.broken == ()
