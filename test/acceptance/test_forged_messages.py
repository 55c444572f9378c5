"""Somebody on the network of an armed arm that plays a run: nothing forged is played, nothing ends the run."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

import forged_campaign


@pytest.mark.real_time
def test_forged_messages_are_not_played_and_end_no_run(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    cases = int(pytestconfig.getoption('forged_messages'))
    figures = forged_campaign.run(cases, tmp_path)
    record_property('forged messages', str(figures))
    assert figures.failures == ()
    assert figures.cases == cases
    assert figures.left_out > 0
