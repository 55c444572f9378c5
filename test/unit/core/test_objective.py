import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llm_policy_improver.cli import main as cli
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import MAX_CHARACTERS, Objective, ObjectiveError
from llm_policy_improver.core.term import Extreme, Term, TermError, Want
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES
from llm_policy_improver.table_tennis.measures import MEASURES
from llm_policy_improver.table_tennis.measures.height import NET_CLEARANCE, PEAK_HEIGHT
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.measures.speed import HIT_SPEED
from llm_policy_improver.table_tennis.objectives import parse_objective, require_measurable
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

RIGHT = Term(LANDING_X, Extreme.LARGEST)
LEFT = Term(LANDING_X, Extreme.SMALLEST)
END = Term(LANDING_Y, Extreme.LARGEST)
NET = Term(LANDING_Y, Extreme.SMALLEST)
HIGH = Term(PEAK_HEIGHT, Extreme.LARGEST)
LOW = Term(NET_CLEARANCE, Extreme.SMALLEST)
MIDDLE = (Term(LANDING_X, 0.0), Term(LANDING_Y, table.HALF_LENGTH / 2))


def at(x: float, y: float) -> tuple[Term, Term]:
    return Term(LANDING_X, x), Term(LANDING_Y, y)


@pytest.mark.parametrize(
    ('name', 'terms'),
    [
        ('far right', (RIGHT,)),
        ('far left', (LEFT,)),
        ('far end', (END,)),
        ('near the net', (NET,)),
        ('right corner', (RIGHT, END)),
        ('left corner', (LEFT, END)),
        ('middle', MIDDLE),
        ('highest arc', (HIGH,)),
        ('lowest over the net', (LOW,)),
        ('point', at(0.3, 0.9)),
    ],
)
def test_objectives_of_the_benchmark_are_measured(name: str, terms: tuple[Term, ...]) -> None:
    assert parse_objective(OBJECTIVES[name]).terms == terms


def test_words_that_are_not_understood_are_refused_where_a_measure_is_needed() -> None:
    objective = parse_objective('play beautifully')
    assert (objective.measurable, objective.terms, objective.sentence) == (False, (), '')
    with pytest.raises(
        ObjectiveError, match=r'"play beautifully": .*beautifully.* and why\. Say where the ball'
    ):
        require_measurable(objective, 'and why')


def test_words_are_kept_as_the_person_said_them() -> None:
    assert parse_objective('  Far   right,\n please ').words == 'Far right, please'


def test_words_that_cannot_be_stored_or_shown_are_cleaned() -> None:
    objective = parse_objective('far\fright \x07')
    assert objective.words == 'far right'
    assert objective.terms == (RIGHT,)


def test_objective_that_is_too_long_is_refused() -> None:
    assert not parse_objective('a' * MAX_CHARACTERS).measurable
    with pytest.raises(
        ObjectiveError, match=r'the objective has 1,001 characters, expected at most 1,000: say'
    ):
        parse_objective('a' * (MAX_CHARACTERS + 1))


def test_bytes_that_are_no_text_do_not_end_a_run(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    run = CliRunner().invoke(
        cli.cli,
        [
            'improve',
            'far right \x1b',
            '--trials',
            '1',
            '--first-trials',
            '0',
            '--json',
            '--output',
            str(folder),
        ],
    )
    assert run.exit_code == 0, run.output
    assert run.stderr == ''
    assert (folder / 'landings.png').stat().st_size > 0


def test_picture_that_cannot_be_drawn_does_not_hide_the_summary(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    (folder / 'landings.png').mkdir(parents=True)
    run = CliRunner().invoke(
        cli.cli, ['improve', 'far right', '--trials', '1', '--first-trials', '0', '--output', str(folder)]
    )
    assert run.exit_code == 0, run.output
    assert 'Best: trial 1' in run.stdout
    assert 'Picture:' not in run.stdout
    assert 'landings.png was not drawn' in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ('words', 'kept'),
    [
        ('far\x9b2J right\u202e, ig\u200bnore\U000e0041', 'far2J right, ignore'),
        ('far\nright\x0band\u2028deep', 'far right and deep'),
        ('\u062a\u0648\u067e \u0631\u0627 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f3d3', None),
    ],
)
def test_words_are_kept_without_what_nobody_sees(words: str, kept: str | None) -> None:
    assert parse_objective(words).words == (words if kept is None else kept)


@pytest.mark.parametrize('words', ['', ' \n\t', '\x00 \x1b', '\u200b\ufeff'])
def test_empty_objective_is_refused(words: str) -> None:
    with pytest.raises(ObjectiveError, match=r'the objective is empty: say in plain words'):
        parse_objective(words)


@pytest.mark.parametrize('words', ['at (3, 9)', 'at (0.2, -0.5)', '(0.8, 0.5)'])
def test_point_beside_the_table_is_not_measured(words: str) -> None:
    assert not parse_objective(words).measurable


def landed(x: float, outcome: Outcome = Outcome.LANDED, **measures: float) -> Trial:
    return trial_of(Modulation(), outcome, {'landing_x': x, 'landing_y': 0.5, **measures})


def wanted(*terms: tuple[Measure, Want]) -> Objective:
    return Objective('words', tuple(Term(measure, want) for measure, want in terms))


def test_distance_is_euclidean_over_what_counts() -> None:
    here = trial_of(Modulation(), Outcome.LANDED, {'landing_x': 0.0, 'landing_y': 0.0})
    assert wanted((LANDING_X, 0.3), (LANDING_Y, 0.4)).distance(here) == pytest.approx(0.5)
    assert wanted((LANDING_X, 0.3)).distance(landed(0.0)) == pytest.approx(0.3)
    assert wanted((PEAK_HEIGHT, 1.0)).distance(landed(0.0, peak_height=0.4)) == pytest.approx(0.6)
    assert wanted((PEAK_HEIGHT, 1.0)).distance(landed(0.0)) is None


def test_distance_of_a_range_is_what_is_missing_of_it() -> None:
    between = wanted((LANDING_X, (0.1, 0.3)))
    distances = [between.distance(landed(x)) for x in (0.0, 0.1, 0.2, 0.3, 0.5)]
    assert distances == pytest.approx([0.1, 0.0, 0.0, 0.0, 0.2])
    at_least = wanted((HIT_SPEED, (5.0, math.inf)))
    assert at_least.distance(landed(0.0, hit_speed=9.0)) == 0.0
    # A metre per second counts as much as 0.2 m.
    assert at_least.distance(landed(0.0, hit_speed=4.0)) == pytest.approx(0.2)


def test_weights_say_what_counts_more() -> None:
    heavy = Objective('words', (Term(LANDING_X, 0.3, weight=3.0), Term(LANDING_Y, 0.1)))
    assert heavy.distance(landed(0.2)) == pytest.approx(math.hypot(0.3, 0.4))


def test_objective_is_reached_at_the_margins_or_within_the_noise() -> None:
    assert parse_objective('far right').reached_within() == pytest.approx(0.03)
    assert parse_objective('at (0.3, 0.9)').reached_within() == pytest.approx(0.01)
    assert parse_objective('at (0.3, 0.9)').reached_within(noise=0.05) == pytest.approx(0.05)
    assert parse_objective('far left corner').reached_within() == pytest.approx(math.hypot(0.02, 0.02) + 0.01)


@pytest.mark.parametrize(
    'term', [RIGHT, LOW, *at(0.3, 0.9), Term(HIT_SPEED, (4.0, math.inf), 2.0), Term(LANDING_Y, (0.2, 0.4))]
)
def test_terms_come_back_from_their_plain_data(term: Term) -> None:
    assert Term.from_json(json.loads(json.dumps(term.as_json())), MEASURES) == term


@pytest.mark.parametrize(
    ('data', 'why'),
    [
        ({'measure': 'spin', 'want': 1.0}, "unknown measure 'spin'; there are landing_x, landing_y"),
        ({'measure': 'landing_x'}, r'must be a number, a range \[low, high\], "min" or "max"; got None'),
        ({'measure': 'landing_x', 'want': 'right'}, "got 'right'"),
        ({'measure': 'landing_x', 'want': math.nan}, 'got nan'),
        ({'measure': 'landing_x', 'want': True}, 'got True'),
        ({'measure': 'landing_x', 'want': [0.1, 0.2, 0.3]}, 'got '),
        ({'measure': 'landing_x', 'want': [0.3, 0.1]}, 'the wanted range must go up; got 0.3 to 0.1 m'),
        ({'measure': 'landing_x', 'want': 3.0}, 'landing_x can be -0.7625 to 0.7625 m; got 3'),
        ({'measure': 'landing_x', 'want': 0.1, 'weight': 0}, 'the weight must be above 0; got 0'),
        ({'measure': 'landing_x', 'want': 0.1, 'weight': 'much'}, "the weight must be a number; got 'much'"),
    ],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused_with_the_reason(data: dict[str, Any], why: str) -> None:
    with pytest.raises(TermError, match=why):
        Term.from_json(data, MEASURES)


def test_best_is_the_nearest_good_return_and_the_earlier_of_equals() -> None:
    objective = parse_objective('right')
    trials = [landed(0.1), landed(0.5), landed(0.5), landed(0.7, Outcome.NET)]
    assert objective.best(trials) is trials[1]
    assert objective.distance(trials[3]) is None
    assert objective.best(trials[3:]) is None
    assert parse_objective('play beautifully').best(trials) is None
