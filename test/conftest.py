"""What all tests share: message fields are checked, interrupts arrive, no test talks to another machine, and one in
real time is judged by an empty timer beside it.

The campaigns are quick by default; ``make acceptance`` asks for the full form.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from real_time import EmptyTimer, alone_in_real_time, empty_timer

from llm_policy_improver.nodes.transport import on_this_machine

# In the background of a shell without job control interrupts are ignored, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # before numpy loads
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'
# Parameter files name keys in the user's folder: no test makes or uses any there. What is cached stays where it is.
os.environ.setdefault('XDG_CACHE_HOME', str(Path.home() / '.cache'))
os.environ['HOME'] = tempfile.mkdtemp(prefix='home_')
if 'fastrtps' in os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp'):
    # As on the arm: with Fast DDS' shared memory a process stands still after another test has killed one.
    os.environ.update(on_this_machine({}))
else:
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# A domain of its own for each worker (which inherits the environment of the process that started it), so that tests
# meet no other ROS graph of this machine.
worker = os.environ.get('PYTEST_XDIST_WORKER', '')
if worker:
    os.environ['ROS_DOMAIN_ID'] = str(1 + (8 * os.getppid() + int(worker.removeprefix('gw'))) % 100)
else:
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup('campaigns')
    group.addoption('--kills', type=int, default=10, help='Nodes killed in a run.  [%(default)s]')
    group.addoption('--attacks', type=int, default=300, help='Attacks on the safety stage.  [%(default)s]')
    group.addoption(
        '--pauses', type=int, default=40, help='Pauses of the process in a swing, in virtual time.  [%(default)s]'
    )
    group.addoption(
        '--real-pauses', type=int, default=0, help='The same on the stand-in arm, in real time.  [%(default)s]'
    )
    group.addoption(
        '--sandbox-attacks',
        type=int,
        default=25,
        help='Attacks shown to work without the sandbox.  [%(default)s]',
    )
    group.addoption('--arm-methods', type=int, default=0, help='Methods on the stand-in arm.  [%(default)s]')
    group.addoption(
        '--worker-kills', type=int, default=3, help='Workers killed while they compute.  [%(default)s]'
    )
    group.addoption(
        '--read-kills', type=int, default=3, help='Runs killed while they are read.  [%(default)s]'
    )
    group.addoption('--replies', type=int, default=1500, help='Made-up replies of a model.  [%(default)s]')
    group.addoption('--spoiled-files', type=int, default=300, help='Spoiled parameter files.  [%(default)s]')
    group.addoption('--damaged-stores', type=int, default=100, help='Damaged stores.  [%(default)s]')
    group.addoption(
        '--forged-messages', type=int, default=60, help='Forged messages and calls.  [%(default)s]'
    )
    group.addoption('--cells', type=int, default=6, help='Cells that are calibrated.  [%(default)s]')
    group.addoption('--places', type=int, default=60, help='Neighbouring parameters compared.  [%(default)s]')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the campaigns came to, which a test that passes does not tell."""
    for report in terminalreporter.getreports('passed') + terminalreporter.getreports('failed'):
        for name, figures in report.user_properties:
            terminalreporter.write_line(f'{name}: {figures}')


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
    if report.failed and report.when == 'call' and (graph := sys.modules.get('ros_graph')) is not None:
        report.sections += [('A process that was running', started.told) for started in graph.RUNNING]
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
