"""What the tests with ROS share."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from real_time import EmptyTimer, alone_in_real_time, empty_timer

_BESIDE = pytest.StashKey[EmptyTimer]()
"""The timer beside a test in real time."""


@pytest.fixture(scope='session')
def one_timer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmptyTimer]:
    """For all tests of this process, one after the other."""
    with empty_timer(tmp_path_factory.mktemp('timer')) as running:
        yield running


@pytest.fixture
def timer(request: pytest.FixtureRequest, one_timer: EmptyTimer) -> EmptyTimer:
    """A timer beside the test, which tells how busy the machine is."""
    request.node.stash[_BESIDE] = one_timer
    one_timer.begin()
    return one_timer


@pytest.fixture
def idle(timer: EmptyTimer) -> Iterator[EmptyTimer]:
    """The same for tests whose processes have real-time priority: one test at a time."""
    with alone_in_real_time():
        timer.begin()
        yield timer


@pytest.fixture(autouse=True)
def _beside(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker('real_time'):
        request.getfixturevalue('timer')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure in real time, while an empty timer was late, too, says nothing about the arm."""
    report = yield
    beside = item.stash.get(_BESIDE, None)
    if (
        report.failed
        and beside is not None
        and item.get_closest_marker('real_time')
        and (excuse := beside.excuse)
    ):
        what = ' '.join(str(call.excinfo.value).split())[:200] if call.excinfo else ''
        report.outcome = 'skipped'
        report.longrepr = (str(item.path), item.location[1] or 0, f'Skipped: {excuse} ({what})')
    return report
