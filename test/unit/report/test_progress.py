"""What people are shown of a run."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from llm_policy_improver.loop.improvement_result import End, ImprovementResult
from llm_policy_improver.report.progress import ConsoleReporter, TrialReport


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def reporter(shown: io.StringIO) -> ConsoleReporter:
    return ConsoleReporter(Console(file=shown, width=200, highlight=False, force_terminal=True))


def ended(end: End) -> ImprovementResult:
    return ImprovementResult('far left', 'left', 'knn', 3, 0.5, 0.01, 0, None, 1.0, end=end)


def test_objective_that_is_reached_is_no_failure(reporter: ConsoleReporter, shown: io.StringIO) -> None:
    green, red = '\x1b[1;32m', '\x1b[1;31m'
    reporter.end(ended(End.REACHED), Path('run'), None)
    assert f'{green}The objective is reached.' in shown.getvalue()
    assert red not in shown.getvalue()
    reporter.end(ended(End.NO_PROPOSALS), Path('run'), None)
    assert f'{red}Ended early:' in shown.getvalue()


def landed(number: int, distance: float, best: float) -> TrialReport:
    return TrialReport(number, number, 'landed', (0.0, 0.5), distance, best, {}, 'knn', '', '')


def test_resumed_run_goes_by_the_best_of_before(reporter: ConsoleReporter, shown: io.StringIO) -> None:
    reporter.begin('far left', 'left', 'knn', 9)
    for report in (landed(7, 0.3, 0.2), landed(8, 0.1, 0.1), landed(9, 0.1, 0.1)):
        reporter.trial(report)
    reporter.close()
    assert shown.getvalue().count('best so far') == 1
    assert 'best so far' in next(line for line in shown.getvalue().splitlines() if '0.100 m to go' in line)
