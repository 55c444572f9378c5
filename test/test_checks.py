import math

import numpy as np
import pytest

from llm_policy_improver.optimizers.checks import check
from llm_policy_improver.parameters import NEUTRAL_ATTENUATION, ParameterSpace, PolicyParameters
from llm_policy_improver.trace import ExecutionTrace, Outcome

SPACE = ParameterSpace()


def tried(attenuation: tuple[float, ...], outcome: Outcome = Outcome.NET, trial: int = 0) -> ExecutionTrace:
    return ExecutionTrace(PolicyParameters(attenuation), outcome, trial=trial)


def with_first(value: float) -> tuple[float, ...]:
    return (value, *NEUTRAL_ATTENUATION[1:])


def test_good_proposal_is_accepted_as_it_is() -> None:
    verdict = check(with_first(1.2), [tried(NEUTRAL_ATTENUATION)], SPACE)
    assert verdict.accepted
    assert verdict.attenuation == with_first(1.2)
    assert str(verdict) == 'accepted'


@pytest.mark.parametrize('length', [0, 1, 7, 9])
def test_wrong_count_is_refused(length: int) -> None:
    verdict = check((1.0,) * length, [], SPACE)
    assert not verdict.accepted
    assert verdict.attenuation == ()
    assert str(verdict) == (f'refused (count: 8 parameters are needed, a to h, and {length} were given)')


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, None, 'x', 10**400, object()])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    verdict = check(with_first(value), [], SPACE)  # type: ignore[arg-type]
    assert [finding.rule for finding in verdict.findings] == ['finite']
    assert 'a (slide_y) is' in verdict.reasons[0]


@pytest.mark.parametrize('value', [1e9, 2.0, 0.0, -1.0, 1.4401, 0.5599])
def test_far_out_of_bounds_is_refused(value: float) -> None:
    verdict = check(with_first(value), [], SPACE)
    assert not verdict.accepted
    assert f'a (slide_y) is {value:g} and must be 0.6 to 1.4' in verdict.reasons[0]


@pytest.mark.parametrize(('value', 'bound'), [(1.41, 1.4), (1.4399, 1.4), (0.59, 0.6)])
def test_slight_overshoot_is_clipped_and_said(value: float, bound: float) -> None:
    verdict = check(with_first(value), [], SPACE)
    assert verdict.accepted
    assert verdict.attenuation == with_first(bound)
    assert str(verdict) == f'accepted (bounds: clipped to its bound: a (slide_y) {value:g} to {bound:g})'


def test_repeat_of_any_past_trial_is_refused_and_named() -> None:
    history = [tried(with_first(1.1)), tried(with_first(1.2)), tried(with_first(1.3))]
    verdict = check(with_first(1.103), history, SPACE)
    assert [finding.rule for finding in verdict.findings] == ['repeat']
    assert 'those of trial 1 again; change at least one' in verdict.reasons[0]
    assert 'trial 71' in check(with_first(1.1), [tried(with_first(1.1), trial=71)], SPACE).reasons[0]
    assert check(with_first(1.11), history, SPACE).accepted


def test_repeat_is_judged_after_clipping() -> None:
    assert not check(with_first(1.43), [tried(with_first(1.4))], SPACE).accepted


def test_trial_that_tested_nothing_may_be_repeated() -> None:
    for outcome in (Outcome.ABORTED, Outcome.BAD_FEED):
        assert check(with_first(1.1), [tried(with_first(1.1), outcome)], SPACE).accepted


def test_nothing_out_of_bounds_is_ever_accepted() -> None:
    generator = np.random.default_rng(7)
    special = [math.nan, math.inf, -math.inf, 1e308, -1e9, 0.0, 0.56, 1.44]
    accepted = 0
    for _ in range(2000):
        values = generator.normal(1.0, 0.25, size=int(generator.choice([8, 8, 8, 7, 9])))
        if generator.random() < 0.3:
            values[0] = special[generator.integers(len(special))]
        verdict = check(tuple(values), [], SPACE)
        if verdict.accepted:
            accepted += 1
            assert SPACE.contains(verdict.attenuation, tolerance=0.0)
        else:
            assert verdict.reasons
    assert accepted > 20
