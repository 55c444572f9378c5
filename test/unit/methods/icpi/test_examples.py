import numpy as np
import pytest

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.icpi.examples import Examples, hindsight
from llm_policy_improver.methods.icpi.query import Told, goal_of, nearest, query_for, query_of

SPACE = ParameterSpace((Parameter('u', 'one', 0.0, 10.0, 5.0), Parameter('v', 'two', 0.0, 1.0, 0.5)))
X = Measure('x', 'm', 'place', 0.0, 10.0, told_by=frozenset({'done'}))
AIM = Objective('x = 4', (Term(X, 4.0),))


def trial(u: float, v: float, x: float | None, by: str = '') -> Trial:
    measures = {} if x is None else {'x': x}
    return Trial(SPACE.at((u, v)), 'done', measures, succeeded=x is not None, proposed_by=by)


def test_with_hindsight_what_another_trial_reached_is_the_goal() -> None:
    trials = [trial(1.0, 0.1, 2.0), trial(3.0, 0.2, 6.0), trial(9.0, 0.9, None)]
    found = hindsight(trials, AIM, SPACE, 10, seed=0)
    rows = sorted(
        (*found.values[i], *found.outcomes[i], *found.goals[i], *found.changes[i]) for i in range(len(found))
    )
    assert rows == [
        pytest.approx((1.0, 0.1, 2.0, 6.0, 2.0, 0.1)),
        pytest.approx((3.0, 0.2, 6.0, 2.0, -2.0, -0.1)),
    ]


def test_of_many_ways_to_an_outcome_the_example_shows_the_least_change() -> None:
    # From the first trial the second and the third come to the same place.
    trials = [trial(1.0, 0.1, 2.0), trial(9.0, 0.9, 6.0), trial(2.0, 0.2, 6.0)]
    found = hindsight(trials, AIM, SPACE, 50, seed=1)
    changes = {tuple(np.round(found.changes[i], 6)) for i in range(len(found)) if found.values[i][0] == 1.0}
    assert changes == {(1.0, 0.1)}


def test_no_pair_of_trials_is_an_example_twice_and_one_trial_alone_is_none() -> None:
    generator = np.random.default_rng(0)
    trials = [trial(u, v, x) for x, (u, v) in enumerate(generator.uniform(0.0, 1.0, (5, 2)))]
    found = hindsight(trials, AIM, SPACE, 300, seed=0)
    rows = np.hstack([found.values, found.changes])
    assert len(np.unique(rows, axis=0)) == len(found) == 20
    assert len(hindsight(trials[:1], AIM, SPACE, 300, seed=0)) == 0


def test_examples_are_the_same_after_a_file() -> None:
    found = hindsight([trial(1.0, 0.125, 2.0), trial(3.0, 0.25, 6.0)], AIM, SPACE, 10, seed=0)
    again = Examples.from_json(found.as_json())
    assert again.as_json() == found.as_json()
    assert np.array_equal(again.errors, found.errors)


def test_examples_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r'values and changes \(k, n\)'):
        Examples(np.zeros((2, 2)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match='2 parameters need as many outcomes; got 3'):
        Examples(np.zeros((2, 2)), np.zeros((3, 1)), np.zeros((3, 1)), np.zeros((2, 2)))


def test_nearest_examples_come_farthest_first_and_columns_count_by_their_spread() -> None:
    # Of u only a hundredth counts: it spreads a hundred times as far as the others.
    values = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 0.6], [100.0, 1.0]])
    examples = Examples(values, np.zeros((4, 1)), np.zeros((4, 1)), np.zeros((4, 2)))
    query = query_of(trial(0.0, 0.05, 4.0), AIM, SPACE)
    assert nearest(examples, query, 3).tolist() == [2, 1, 0]
    assert nearest(examples, query, 9).tolist() == [3, 2, 1, 0]


def test_state_and_goal_tell_examples_apart_that_the_error_does_not() -> None:
    outcomes, goals = np.array([[1.0], [7.0], [4.0]]), np.array([[1.0], [7.0], [0.0]])
    examples = Examples(np.zeros((3, 2)), outcomes, goals, np.zeros((3, 2)))
    query = query_of(trial(0.0, 0.0, 4.0), AIM, SPACE)
    assert set(nearest(examples, query, 2)) == {0, 1}
    assert nearest(examples, query, 3, Told.STATE_AND_GOAL)[0] != 2


def test_goal_is_the_wanted_value_the_nearest_of_a_range_or_the_end_of_an_extreme() -> None:
    assert goal_of(AIM, np.array([9.0])) == [4.0]
    wide = Objective('2 to 3', (Term(X, (2.0, 3.0)),))
    assert [float(goal_of(wide, np.array([x]))[0]) for x in (1.0, 2.5, 9.0)] == [2.0, 2.5, 3.0]
    most = Objective('far', (Term(X, Extreme.LARGEST),))
    assert goal_of(most, np.array([9.0])) == [10.0]


def test_own_last_trial_is_changed_and_else_the_best_one() -> None:
    best, poor = trial(1.0, 0.1, 4.5), trial(2.0, 0.2, 9.0, by='me')
    assert query_for([best, poor], AIM, SPACE, 'me').trial is poor
    assert query_for([best, poor], AIM, SPACE, 'you').trial is best
    failed = trial(3.0, 0.3, None, by='me')
    assert query_for([best, poor, failed], AIM, SPACE, 'me').trial is best
