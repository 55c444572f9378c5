import math
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner

from llm_policy_improver.cli import main as cli
from llm_policy_improver.core.objective import (
    HIGH_ARC,
    MAX_CHARACTERS,
    Goal,
    ObjectiveError,
    parse_objective,
    require_measurable,
)
from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace, Landing, Outcome
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.bench.reachable import OBJECTIVES

RIGHT, LEFT, END, NET = table.HALF_WIDTH, -table.HALF_WIDTH, table.HALF_LENGTH, 0.0


@pytest.mark.parametrize(
    ('words', 'goal'),
    [
        ('hit the ball as far right as possible', Goal(x=RIGHT)),
        ('As far to the RIGHT as possible!', Goal(x=RIGHT)),
        ('far left', Goal(x=LEFT)),
        ('to the left', Goal(x=LEFT)),
        ('far end of the table', Goal(y=END)),
        ('as deep as you can', Goal(y=END)),
        ('short, just behind the net', Goal(y=NET)),
        ('right behind the net', Goal(y=NET)),
        ('near the net', Goal(y=NET)),
        ('as close to the net as possible', Goal(y=NET)),
        ('far left corner', Goal(x=LEFT, y=END)),
        ('the right corner', Goal(x=RIGHT, y=END)),
        ('near left corner', Goal(x=LEFT, y=NET)),
        ('deep right', Goal(x=RIGHT, y=END)),
        ('right and short', Goal(x=RIGHT, y=NET)),
        ('drop shot to the left', Goal(x=LEFT, y=NET)),
        ('the middle of the table', Goal(x=0.0, y=END / 2)),
        ('right in the middle', Goal(x=0.0, y=END / 2)),
        ('land at (0.3, 0.9)', Goal(x=0.3, y=0.9)),
        ('land at x = -0.3 m, y = 0.9 m', Goal(x=-0.3, y=0.9)),
        ('the highest arc', Goal(peak_height=HIGH_ARC)),
        ('as low as possible over the net', Goal(net_clearance=0.0)),
        ('far left and high', Goal(x=LEFT, peak_height=HIGH_ARC)),
        ('to (0.3 0.9), as low as possible over the net', Goal(x=0.3, y=0.9, net_clearance=0.0)),
        ('x=0.5, y=0.2, high', Goal(x=0.5, y=0.2, peak_height=HIGH_ARC)),
        ('at 0.3, 0.9 and high', Goal(x=0.3, y=0.9, peak_height=HIGH_ARC)),
        ('to the point 0.3 m, 0.9 m.', Goal(x=0.3, y=0.9)),
        ('[\u22120.3, 0.9] in 10 trials', Goal(x=-0.3, y=0.9)),
        ('right on the end line', Goal(y=END)),
        ('right over the net', Goal(y=NET)),
        ('to the right on the table', Goal(x=RIGHT)),
        ('to the right over the net', Goal(x=RIGHT)),
        ('a long ball to the left', Goal(x=LEFT, y=END)),
        ('the longest shot', Goal(y=END)),
        ('as long as possible', Goal(y=END)),
        ('long and deep', Goal(y=END)),
    ],
)
def test_places_in_plain_words_are_measurable(words: str, goal: Goal) -> None:
    assert parse_objective(words).goal == goal


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
    assert objective.goal is None
    assert objective.metric == ''
    with pytest.raises(
        ObjectiveError, match=r'names nothing that can be measured, and why. Measurable are: far'
    ):
        require_measurable(objective, 'why')


@pytest.mark.parametrize(
    ('name', 'goal'),
    [
        ('far right', Goal(x=RIGHT)),
        ('far left', Goal(x=LEFT)),
        ('far end', Goal(y=END)),
        ('near the net', Goal(y=NET)),
        ('right corner', Goal(x=RIGHT, y=END)),
        ('left corner', Goal(x=LEFT, y=END)),
        ('middle', Goal(x=0.0, y=END / 2)),
        ('highest arc', Goal(peak_height=HIGH_ARC)),
        ('lowest over the net', Goal(net_clearance=0.0)),
        ('point', Goal(x=0.3, y=0.9)),
    ],
)
def test_objectives_of_the_benchmark_are_measured(name: str, goal: Goal) -> None:
    assert parse_objective(OBJECTIVES[name]).goal == goal


@pytest.mark.parametrize(
    ('x', 'y', 'peak', 'clearance'),
    list(product((None, RIGHT, LEFT, 0.2), (None, END, NET, 0.9), (None, HIGH_ARC), (None, 0.0, 0.1))),
)
def test_every_counted_quantity_is_named(
    x: float | None, y: float | None, peak: float | None, clearance: float | None
) -> None:
    said = Goal(x, y, peak, clearance).describe()
    names = {
        RIGHT: 'right edge',
        LEFT: 'left edge',
        0.2: 'x = 0.20',
        END: 'far end',
        NET: 'landing to the net',
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
    assert parse_objective('high and far right').metric == (
        'root of the summed squares of the distance of the landing to the right edge of the table and the '
        'height missing to a peak of 1.00 m above the table'
    )


def test_words_are_kept_as_the_person_said_them() -> None:
    assert parse_objective('  Far   right,\n please ').words == 'Far right, please'


def test_words_that_cannot_be_stored_or_shown_are_cleaned() -> None:
    objective = parse_objective('far\fright \udcff\x07')
    assert objective.words == 'far right ?'
    assert objective.goal == Goal(x=RIGHT)


def test_objective_that_is_too_long_is_refused() -> None:
    assert parse_objective('a' * MAX_CHARACTERS).goal is None
    with pytest.raises(
        ObjectiveError, match=r'the objective has 1,001 characters, expected at most 1,000: say'
    ):
        parse_objective('a' * (MAX_CHARACTERS + 1))


def test_bytes_that_are_no_text_do_not_end_a_run(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    run = CliRunner().invoke(
        cli.cli, ['improve', 'far right \udcff', '--trials', '1', '--json', '--output', str(folder)]
    )
    assert run.exit_code == 0, run.output
    assert run.stderr == ''
    assert (folder / 'landings.png').stat().st_size > 0


def test_picture_that_cannot_be_drawn_does_not_hide_the_summary(tmp_path: Path) -> None:
    folder = tmp_path / 'run'
    (folder / 'landings.png').mkdir(parents=True)
    run = CliRunner().invoke(cli.cli, ['improve', 'far right', '--trials', '1', '--output', str(folder)])
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


def test_distance_is_euclidean_over_what_counts() -> None:
    assert Goal(x=0.3, y=0.4).distance(0.0, 0.0) == pytest.approx(0.5)
    assert Goal(x=0.3).distance(0.0, 99.0) == pytest.approx(0.3)
    assert Goal(peak_height=1.0).distance(0.0, 0.0, peak_height=0.4) == pytest.approx(0.6)
    assert math.isinf(Goal(peak_height=1.0).distance(0.0, 0.0))


def trace(x: float, outcome: Outcome = Outcome.LANDED) -> ExecutionTrace:
    return ExecutionTrace(PolicyParameters(), outcome, Landing(x, 0.5, 0.4))


def test_best_is_the_nearest_good_return_and_the_earlier_of_equals() -> None:
    objective = parse_objective('right')
    traces = [trace(0.1), trace(0.5), trace(0.5), trace(0.7, Outcome.NET)]
    assert objective.best(traces) is traces[1]
    assert objective.distance(traces[3]) is None
    assert objective.best(traces[3:]) is None
    assert parse_objective('play beautifully').best(traces) is None
