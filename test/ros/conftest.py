"""What the tests with ROS share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from real_time import EmptyTimer, alone_in_real_time, empty_timer


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[EmptyTimer]:
    """For tests whose processes have real-time priority: one test at a time, and a timer beside it."""
    with alone_in_real_time(), empty_timer(tmp_path) as running:
        yield running


@pytest.fixture
def timer(tmp_path: Path) -> Iterator[EmptyTimer]:
    """A timer beside the test, which tells how busy the machine is."""
    with empty_timer(tmp_path) as running:
        yield running
