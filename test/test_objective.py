import math

import pytest

from llm_policy_improver import table
from llm_policy_improver.objective import (
    HIGH_ARC,
    Goal,
    ObjectiveError,
    parse_objective,
    require_measurable,
)
from llm_policy_improver.parameters import PolicyParameters
from llm_policy_improver.trace import ExecutionTrace, Landing, Outcome

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


def test_words_are_kept_as_the_person_said_them() -> None:
    assert parse_objective('  Far   right,\n please ').words == 'Far right, please'


@pytest.mark.parametrize('words', ['', ' \n\t'])
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
