"""What is told of a task, and of what a program may use."""

from llm_policy_improver.core.environment import Transition
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.programs.attempts import Attempt, Place, next_place
from llm_policy_improver.methods.programs.returns import numbers, returns_of
from llm_policy_improver.methods.programs.told import COMPUTING, rules_text
from llm_policy_improver.sandbox.inside.modules import STANDARD
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox

PROGRAM = Program('x = 1', 'Policy')


def test_every_module_that_is_told_can_be_imported() -> None:
    assert set(COMPUTING) <= set(STANDARD)
    with Sandbox(Limits(load_seconds=7.0, call_seconds=0.5)) as sandbox:
        text = rules_text(sandbox)
        with sandbox.load(f'import numpy\nimport {", ".join(COMPUTING)}'):
            pass
    assert 'numpy' in text
    assert 'Loading it may take 7 s, each call 0.5 s.' in text


def trial(*returns: float) -> Trial:
    episodes = tuple(Episode((0.0,), (0,), (Transition((0.0,), each, True),)) for each in returns)
    return Trial(PROGRAM, 'played', succeeded=bool(returns), samples=episodes)


def test_returns_tell_their_standard_error() -> None:
    found = returns_of(trial(1.0, 2.0, 6.0))
    assert found is not None
    assert found.standard_error is not None
    assert abs(found.standard_error - (7.0 / 3.0) ** 0.5) < 1e-12
    assert str(found) == 'mean return 3, standard error 1.53 (episodes: 1, 2, 6)'
    assert str(returns_of(trial(4.0))) == 'mean return 4 (episodes: 4)'
    assert returns_of(Trial(PROGRAM, 'played')) is None


def test_numbers_have_four_digits() -> None:
    assert numbers((0.123456, -5.0, 1e-7)) == '0.1235, -5, 1e-07'


def test_places_follow_one_another() -> None:
    def after(place: Place, *returns: float) -> Place:
        return next_place([Attempt(place, trial(*returns), {})], candidates=2, repairs=1)

    assert next_place([], 2, 1) == Place(1, 1)
    assert after(Place(1, 1), 5.0) == Place(1, 2)
    assert after(Place(1, 2), 5.0) == Place(2, 1)
    assert after(Place(1, 1)) == Place(1, 1, 1)
    assert after(Place(1, 1, 1)) == Place(1, 2)
    assert after(Place(1, 2, 1)) == Place(2, 1)
