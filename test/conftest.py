"""Settings of all tests: message fields are checked, interrupts arrive, and no test talks to another machine.

The campaigns are quick by default; ``make acceptance`` asks for the full form.
"""

import os
import signal

import pytest

from llm_policy_improver.nodes.transport import on_this_machine

# In the background of a shell without job control interrupts are ignored, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # before numpy loads
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# As on the arm: with Fast DDS' shared memory a process stands still after another test has killed one.
if 'fastrtps' in os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp'):
    os.environ.update(on_this_machine(os.environ))
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
        '--sandbox-attacks',
        type=int,
        default=25,
        help='Attacks shown to work without the sandbox.  [%(default)s]',
    )
    group.addoption('--arm-methods', type=int, default=0, help='Methods on the stand-in arm.  [%(default)s]')
    group.addoption(
        '--worker-kills', type=int, default=3, help='Workers killed while they compute.  [%(default)s]'
    )
    group.addoption('--replies', type=int, default=1500, help='Made-up replies of a model.  [%(default)s]')
    group.addoption('--places', type=int, default=60, help='Neighbouring parameters compared.  [%(default)s]')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the campaigns came to, which a test that passes does not tell."""
    for report in terminalreporter.getreports('passed') + terminalreporter.getreports('failed'):
        for name, figures in report.user_properties:
            terminalreporter.write_line(f'{name}: {figures}')
