"""What people are shown of a run."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.method import Prospect
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.foretold import Foretold
from llm_policy_improver.loop.improvement_result import End, ImprovementResult
from llm_policy_improver.report.progress import ConsoleReporter, JsonReporter, TrialReport


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


KEPT = Proposal(
    Parameters(('a',), (1.1,)), 'bayesian', reason='It expects much.',
    memos=Expectation(0.154, 0.045, 0.127, 0.93).memos(),
)  # fmt: skip


def test_trial_takes_a_line_and_its_reason_is_told_where_it_is_asked_for(shown: io.StringIO) -> None:
    report = replace(landed(1, 0.1, 0.1), reason='It tries g.', claims='claimed effects: 1 agree')
    for verbose in (False, True):
        reporter = ConsoleReporter(Console(file=shown, width=200), verbose)
        reporter.begin('far left', 'left', 'knn', 9)
        heading = len(shown.getvalue())
        reporter.trial(report)
        assert ('It tries g.' in shown.getvalue()[heading:]) is verbose
        assert ('1 agree' in shown.getvalue()[heading:]) is verbose
        reporter.trial(replace(report, verdict='bounds: clipped'))
        assert 'checks: bounds: clipped' in shown.getvalue()[heading:]
        reporter.close()


def test_under_noise_each_trial_says_what_would_be_kept(shown: io.StringIO) -> None:
    reporter = ConsoleReporter(Console(file=shown, width=200), verbose=True)
    reporter.begin('far left', 'left', 'bayesian', 9)
    reporter.trial(replace(landed(1, 0.1, 0.1), recommended=KEPT))
    reporter.close()
    assert 'best seen so far' in shown.getvalue()
    said = (
        'to keep now: expected loss 0.154 m, 0.045 to 0.127 m to go in 8 of 10 that succeed, 93% to succeed'
    )
    assert said in shown.getvalue()
    line = replace(landed(1, 0.1, 0.1), recommended=KEPT).as_json()
    assert line['recommended'] == {'a': 1.1}
    assert line['recommended_expects']['expected_loss'] == 0.154
    assert line['best_distance_m'] == 0.1
    assert 'recommended' not in landed(1, 0.1, 0.1).as_json()


def test_a_run_that_settled_says_the_figures_and_how_good_its_expectations_were(
    reporter: ConsoleReporter, shown: io.StringIO
) -> None:
    result = replace(
        ended(End.SETTLED), prospect=Prospect(0.01, 0.05), left=4, foretold=Foretold(10, 9, 9.4, 7)
    )
    reporter.end(result, Path('run'), None)
    red = '\x1b[1;31m'
    assert red not in shown.getvalue()
    assert 'what is left to gain, about 0.010 m, is less than the 0.020 m that the 4 trials left' in shown.getvalue()
    assert 'Of 10 proposals with an expected result 9 succeeded (9.4 expected), and 7 of these' in shown.getvalue()
    told = result.as_json()
    assert (told['foretold'], told['foretold_inside'], told['foretold_success']) == (9, 7, pytest.approx(0.94))
    assert told['stopped'] == result.stopped
    assert not {'foretold', 'left_to_gain', 'recommended'} & ended(End.PLAYED).as_json().keys()


def test_pause_of_an_endpoint_is_counted_down_beside_the_bar(
    reporter: ConsoleReporter, shown: io.StringIO
) -> None:
    reporter.begin('far left', 'left', 'sas', 9)
    for seconds in (17.0, 16.0, 0.0):
        reporter.waiting(seconds, 'the endpoint wants [fewer] requests')
        reporter._progress.refresh()
    reporter.close()
    assert 'the endpoint wants [fewer] requests; asked again in 17 s' in shown.getvalue()
    assert 'asked again in 16 s' in shown.getvalue()
    assert 'asked again in 0 s' not in shown.getvalue()


def test_pause_is_told_in_a_few_lines_where_nothing_can_be_overwritten(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = io.StringIO()
    for reporter in (ConsoleReporter(Console(file=text, width=200)), JsonReporter()):
        for pause in range(2):
            for left in (*range(25 + pause, 0, -1), 0):
                reporter.waiting(float(left), 'busy')
    lines = ['busy; asked again in 25 s', 'busy; asked again in 15 s', 'busy; asked again in 5 s']
    lines += ['busy; asked again in 26 s', 'busy; asked again in 16 s', 'busy; asked again in 6 s']
    assert text.getvalue().splitlines() == lines
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ('', lines)
