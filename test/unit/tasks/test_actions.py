import pytest

from llm_policy_improver.core.environment import Action, Quantity
from llm_policy_improver.tasks.actions import choice, values

FORCE = Quantity('force', 'force on the cart', -3.0, 3.0, 'N')
GRIP = Quantity('grip', 'effort of the fingers', 0.0, 1.0)


def test_an_action_of_the_task_is_passed_on() -> None:
    assert choice(1, ('left', 'right')) == 1
    assert values((-3.0, 1.0), (FORCE, GRIP)) == (-3.0, 1.0)


@pytest.mark.parametrize('action', [2, -1, (0,)])
def test_a_choice_that_there_is_not_is_refused(action: Action) -> None:
    with pytest.raises(ValueError, match='an action is a whole number from 0 to 1; got '):
        choice(action, ('left', 'right'))


@pytest.mark.parametrize(
    ('action', 'message'),
    [
        ((3.5, 0.0), r'^force must be from -3 to 3 N; got 3\.5$'),
        ((0.0, float('nan')), '^grip must be from 0 to 1; got nan$'),
        ((0.0,), r'^an action is a tuple of 2 values \(force, grip\); got \(0\.0,\)$'),
        (1, r'^an action is a tuple of 2 values \(force, grip\); got 1$'),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(action: Action, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        values(action, (FORCE, GRIP))
