import json
import math
from itertools import product
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
from llm_policy_improver.table_tennis.bench.reachable import OBJECTIVES
from llm_policy_improver.table_tennis.measures import (
    HIT_SPEED,
    LANDING_X,
    LANDING_Y,
    MEASURES,
    NET_CLEARANCE,
    PEAK_HEIGHT,
)
from llm_policy_improver.table_tennis.objectives import _Places, parse_objective, require_measurable
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
    ('words', 'terms'),
    [
        ('hit the ball as far right as possible', (RIGHT,)),
        ('As far to the RIGHT as possible!', (RIGHT,)),
        ('far left', (LEFT,)),
        ('to the left', (LEFT,)),
        ('far end of the table', (END,)),
        ('as deep as you can', (END,)),
        ('short, just behind the net', (NET,)),
        ('right behind the net', (NET,)),
        ('near the net', (NET,)),
        ('as close to the net as possible', (NET,)),
        ('far left corner', (LEFT, END)),
        ('the right corner', (RIGHT, END)),
        ('near left corner', (LEFT, NET)),
        ('deep right', (RIGHT, END)),
        ('right and short', (RIGHT, NET)),
        ('drop shot to the left', (LEFT, NET)),
        ('the middle of the table', MIDDLE),
        ('right in the middle', MIDDLE),
        ('land at (0.3, 0.9)', at(0.3, 0.9)),
        ('land at x = -0.3 m, y = 0.9 m', at(-0.3, 0.9)),
        ('the highest arc', (HIGH,)),
        ('as low as possible over the net', (LOW,)),
        ('far left and high', (LEFT, HIGH)),
        ('to (0.3 0.9), as low as possible over the net', (*at(0.3, 0.9), LOW)),
        ('x=0.5, y=0.2, high', (*at(0.5, 0.2), HIGH)),
        ('at 0.3, 0.9 and high', (*at(0.3, 0.9), HIGH)),
        ('to the point 0.3 m, 0.9 m.', at(0.3, 0.9)),
        ('[\u22120.3, 0.9] in 10 trials', at(-0.3, 0.9)),
        ('right on the end line', (END,)),
        ('right over the net', (NET,)),
        ('to the right on the table', (RIGHT,)),
        ('to the right over the net', (RIGHT,)),
        ('a long ball to the left', (LEFT, END)),
        ('the longest shot', (END,)),
        ('as long as possible', (END,)),
        ('long and deep', (END,)),
    ],
)
def test_places_in_plain_words_are_measurable(words: str, terms: tuple[Term, ...]) -> None:
    assert parse_objective(words).terms == terms


@pytest.mark.parametrize(
    'words',
    [
        'play beautifully',
        'not to the right',
        "don't hit the net",
        'left or right',
        'short and deep',
        'in a corner',
        "to the opponent's left",
        '30 cm from the right edge',
        'as far from the left edge as possible',
        'in the middle of the left half',
        'land 0.5 m behind the net',
        'between 0.2 and 0.4 m behind the net',
        'between (0.1, 0.2) and (0.3, 0.4)',
        'from x=0.2, y=0.4',
        'y between 0.5 and 0.7',
        'at 0.2 to 0.4',
        'make it 0.5 0.1 m higher',
        'peak of 0.8 and 0.3 m to the right',
        'at 0.5 m and 0.3 m to the right',
        'at 0.3, 0.9 m high',
        'at (0.3, 0.9, 0.5)',
        'left of (0.3, 0.9)',
        '0.2 m left of (0.3, 0.9)',
        'at 3, 9',
        'x = 3, y = 0.9, high',
        '0.3 0.9',
        'the longest rally',
        'keep the rally going as long as possible',
        'to the right in a long game',
    ],
)
def test_words_that_are_not_clear_are_not_measured(words: str) -> None:
    objective = parse_objective(words)
    assert not objective.measurable
    assert objective.terms == ()
    assert objective.sentence == ''
    with pytest.raises(
        ObjectiveError, match=r'names nothing that can be measured, and why. Measurable are: far'
    ):
        require_measurable(objective, 'why')


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


@pytest.mark.parametrize(
    ('x', 'y', 'peak', 'clearance'),
    list(
        product(
            (None, table.HALF_WIDTH, -table.HALF_WIDTH, 0.2),
            (None, table.HALF_LENGTH, 0.0, 0.9),
            (None, 1.0),
            (None, 0.0, 0.1),
        )
    ),
)
def test_every_counted_quantity_is_named(
    x: float | None, y: float | None, peak: float | None, clearance: float | None
) -> None:
    said = _Places(x, y, peak, clearance).describe()
    names = {
        table.HALF_WIDTH: 'right edge',
        -table.HALF_WIDTH: 'left edge',
        0.2: 'x = 0.20',
        table.HALF_LENGTH: 'far end',
        0.0: 'landing to the net',
        0.9: 'y = 0.90',
    }
    parts = [names[value] for value in (x, y) if value is not None]
    if len(parts) == 2:
        parts = [f'the point ({x:.2f}, {y:.2f}) m']
    parts += ['height missing to a peak of 1.00 m'] if peak is not None else []
    parts += ['clearance over the net'] if clearance is not None else []
    assert [part for part in parts if part not in said] == []
    assert said.count(' and the ') == (len(parts) > 1)
    assert said.startswith('root of the summed squares of the ') == (len(parts) > 1)
    others = {*names.values(), 'the point', 'height missing', 'clearance over'}
    assert sum(other in said for other in others) == len(parts)


def test_measure_of_high_and_far_right_is_one_sentence() -> None:
    assert parse_objective('high and far right').sentence == (
        'root of the summed squares of the distance of the landing to the right edge of the table and the '
        'height missing to a peak of 1.00 m above the table'
    )


def test_words_are_kept_as_the_person_said_them() -> None:
    assert parse_objective('  Far   right,\n please ').words == 'Far right, please'


def test_words_that_cannot_be_stored_or_shown_are_cleaned() -> None:
    objective = parse_objective('far\fright \udcff\x07')
    assert objective.words == 'far right ?'
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
            'far right \udcff',
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


@pytest.mark.parametrize('words', ['', ' \n\t', '\x00 \x1b'])
def test_empty_objective_is_refused(words: str) -> None:
    with pytest.raises(ObjectiveError, match=r'the objective is empty: say in plain words'):
        parse_objective(words)


@pytest.mark.parametrize('words', ['at (3, 9)', 'at (0.2, -0.5)', '(0.8, 0.5)'])
def test_point_beside_the_table_is_refused(words: str) -> None:
    with pytest.raises(ObjectiveError, match=r"is not on the opponent's half of the table: x must be within"):
        parse_objective(words)


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
