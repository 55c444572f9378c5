"""How long the campaigns are: quick by default; ``make acceptance`` asks for the full form."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup('campaigns')
    group.addoption('--kills', type=int, default=10, help='Nodes killed in a run.  [%(default)s]')
    group.addoption('--attacks', type=int, default=300, help='Attacks on the safety stage.  [%(default)s]')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the campaigns came to, which a test that passes does not tell."""
    for report in terminalreporter.getreports('passed') + terminalreporter.getreports('failed'):
        for name, figures in report.user_properties:
            terminalreporter.write_line(f'{name}: {figures}')
