import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import Verdict, check, check_policy
from llm_policy_improver.methods.sas.model_rules import FIRST_REACH, LEAST_REACH, MODEL_RULES
from llm_policy_improver.methods.sas.model_rules import reach as sas_reach
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

SPACE = parameter_space()
RIGHT = parse_objective('as far right as possible')
UNMEASURABLE = parse_objective('make the opponent run')


def tried(values: tuple[float, ...], outcome: Outcome = Outcome.NET, number: int = 0) -> Trial:
    return trial_of(Modulation.of(SPACE.at(values)), outcome, {}, number=number)


def with_first(value: float) -> tuple[float, ...]:
    return (value, *NEUTRAL.values[1:])


def test_good_proposal_is_accepted_as_it_is() -> None:
    verdict = check(with_first(1.2), [tried(NEUTRAL.values)], SPACE)
    assert verdict.accepted
    assert verdict.values == with_first(1.2)
    assert str(verdict) == 'accepted'


@pytest.mark.parametrize('length', [0, 1, 7, 9])
def test_wrong_count_is_refused(length: int) -> None:
    verdict = check((1.0,) * length, [], SPACE)
    assert not verdict.accepted
    assert verdict.values == ()
    assert str(verdict) == (f'refused (count: 8 parameters are needed, a to h, and {length} were given)')


@pytest.mark.parametrize(
    'value', [math.nan, math.inf, -math.inf, None, 'x', 10**400, pytest.param(object(), id='object')]
)
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
    assert verdict.values == with_first(bound)
    assert str(verdict) == f'accepted (bounds: clipped to its bound: a (slide_y) {value:g} to {bound:g})'


def test_repeat_of_any_past_trial_is_refused_and_named() -> None:
    history = [tried(with_first(1.1)), tried(with_first(1.2)), tried(with_first(1.3))]
    verdict = check(with_first(1.103), history, SPACE)
    assert [finding.rule for finding in verdict.findings] == ['repeat']
    assert 'those of trial 1 again; change at least one' in verdict.reasons[0]
    assert 'trial 71' in check(with_first(1.1), [tried(with_first(1.1), number=71)], SPACE).reasons[0]
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
            assert SPACE.contains(SPACE.at(verdict.values), tolerance=0.0)
        else:
            assert verdict.reasons
    assert accepted > 20


def test_repeats_are_allowed_as_often_as_asked_for() -> None:
    history = [tried(with_first(1.1), number=7)]
    assert check(with_first(1.1), history, SPACE, repeats_allowed=1).accepted
    verdict = check(with_first(1.1), history * 2, SPACE, repeats_allowed=1)
    assert str(verdict) == (
        'refused (repeat: these parameters are those of trial 7 again, which were tried 2 times already; '
        'change at least one of them)'
    )


def test_policy_of_other_parameters_is_refused_whole() -> None:
    fine = SPACE.at(with_first(1.2))
    assert check_policy(Proposal(fine, 'somebody'), [], SPACE) == (fine, ())
    others: tuple[Any, ...] = (
        Parameters(('a', 'b'), (1.0, 1.0)),
        parameter_space(Searched.BOTH).neutral,
        None,
        (1.0,) * 8,
    )
    for other in others:
        policy, (finding,) = check_policy(Proposal(other, 'somebody'), [], SPACE)
        assert (policy, finding.rule, finding.refused) == (None, 'count', True)
        assert finding.reason.startswith('a policy of the parameters a, b, c, d, e, f, g, h is needed; got ')


def test_residuals_are_judged_in_their_own_units() -> None:
    space = parameter_space(Searched.RESIDUAL)
    assert check((0.05,) * 8, [], space).accepted
    verdict = check((1.0, *(0.0,) * 7), [], space)
    assert 'i (slide_y residual) is 1 and must be -0.4 to 0.4' in verdict.reasons[0]
    # A trial without residuals is the neutral one of this space.
    assert 'those of trial 1 again' in check((0.0,) * 8, [tried(NEUTRAL.values)], space).reasons[0]


# The rules for language models.


def landed(unit: float | np.ndarray, x: float, proposed_by: str = 'sas:m') -> Trial:
    """A trial at this place of the unit cube that landed at x."""
    place = SPACE.from_unit(np.zeros(8) + unit)
    modulation = Modulation.of(SPACE.at(place), proposed_by=proposed_by)
    return trial_of(modulation, Outcome.LANDED, {'landing_x': x, 'landing_y': 0.7})


def by_model(unit: float | np.ndarray, history: list[Trial], objective: Objective | None = RIGHT) -> Verdict:
    proposed = SPACE.from_unit(np.zeros(8) + unit)
    return check(proposed, history, SPACE, objective, rules=MODEL_RULES)


FAR_CORNER = np.array([1.0, -1.0, 1.0, 0.9, 0.2, 0.0, -0.3, 0.5])


def reach(history: list[Trial], best: float | np.ndarray) -> float:
    """How far a step across the whole cube is let go."""
    verdict = by_model(FAR_CORNER, history)
    assert verdict.accepted
    return float(np.max(np.abs(SPACE.unit(verdict.values) - (np.zeros(8) + best))))


def test_large_step_from_spread_out_trials_is_left_to_the_model() -> None:
    generator = np.random.default_rng(3)
    spread = [landed(generator.uniform(-1, 1, 8), 0.1 - 0.01 * i, 'initial') for i in range(24)]
    best = SPACE.unit(spread[0].policy)
    step = np.clip(best + 0.95 * FIRST_REACH * np.sign(-best), -1, 1)
    assert by_model(step, spread).findings == ()


def test_leap_after_failures_is_shortened_along_its_direction_and_said() -> None:
    best = -0.4
    history = [landed(best, 0.5), *[landed(best + 0.1 * k, 0.3) for k in (1, 2)]]
    verdict = by_model(FAR_CORNER, history)
    (finding,) = verdict.findings
    assert (finding.rule, finding.refused) == ('trust_region', False)
    step, asked = SPACE.unit(verdict.values) - best, FAR_CORNER - best
    cosine = step @ asked / (np.linalg.norm(step) * np.linalg.norm(asked))
    assert cosine > 0.9999
    assert np.max(np.abs(step)) == pytest.approx(FIRST_REACH * 0.6**2, abs=0.003)
    assert 'the step from trial 1, the best so far, was shortened to 32%' in finding.reason
    assert 'no parameter may move further than 22% of its range' in finding.reason
    assert finding.changed
    assert str(verdict) == f'accepted (trust_region: {finding.reason})'


def test_reach_shrinks_with_failures_down_to_a_floor_and_grows_with_success() -> None:
    history = [landed(0.0, 0.1)]
    reached = [reach(history, 0.0)]
    for k in range(6):
        history.append(landed(0.02 * (k + 1), 0.05))
        reached.append(reach(history, 0.0))
    assert reached == sorted(reached, reverse=True)
    assert reached[-1] == pytest.approx(LEAST_REACH, abs=0.003)
    history.append(landed(0.2, 0.4))
    assert reach(history, 0.2) == pytest.approx(1.6 * LEAST_REACH, abs=0.003)


@pytest.mark.parametrize(
    ('history', 'objective'),
    [([landed(-0.9, 0.1)], UNMEASURABLE), ([landed(-0.9, 0.1)], None), ([tried(with_first(0.6))], RIGHT)],
)
def test_no_trust_region_without_a_measure_or_a_landing(
    history: list[Trial], objective: Objective | None
) -> None:
    assert by_model(1.0, history, objective).findings == ()
    assert [finding.rule for finding in by_model(1.0, [landed(-0.9, 0.1)]).findings] == ['trust_region']


def test_trust_region_stays_within_bounds_that_the_best_trial_is_outside_of() -> None:
    narrow = parameter_space(attenuation_low=(0.95,) * 8, attenuation_high=(1.05,) * 8)
    verdict = check((0.95,) * 8, [landed(1.0, 0.7)], narrow, RIGHT, rules=MODEL_RULES)
    assert verdict.accepted
    assert narrow.contains(narrow.at(verdict.values), tolerance=0.0)


def test_repeat_is_judged_before_and_after_the_step_is_shortened() -> None:
    history = [landed(0.0, 0.5), *[landed(0.03 * k, 0.1) for k in range(1, 8)]]
    assert [finding.rule for finding in by_model(0.03, history).findings] == ['repeat']
    history.append(landed(LEAST_REACH, 0.1))
    verdict = by_model(1.0, history)
    assert [(f.rule, f.refused) for f in verdict.findings] == [('trust_region', False), ('repeat', True)]
    assert str(verdict).startswith('refused (trust_region: the step from trial 1')


def places(*units: float) -> list[Trial]:
    """The best trial far from these, and trials at them, none of which is better."""
    return [landed(-0.5, 0.5), *[landed(unit, 0.1 * unit, 'initial') for unit in units]]


NOISE = 0.05
MEASURES = (LANDING_X, LANDING_Y)


def noisy_reach(*after: Trial, noise: float = NOISE) -> float:
    """Of the trust region after a best trial at x = 0.5 and these."""
    return sas_reach([landed(0.0, 0.5), *after], RIGHT, SPACE, noise, MEASURES)


def out(unit: float, x: float) -> Trial:
    """A trial there that would have landed at x, beyond the right edge."""
    modulation = Modulation.of(SPACE.at(SPACE.from_unit(np.zeros(8) + unit)), proposed_by='sas:m')
    return trial_of(modulation, Outcome.OUT, {'out_x': x, 'out_y': 0.7})


def test_bad_luck_does_not_shrink_the_reach_of_a_model() -> None:
    worse_by_luck = landed(0.1, 0.5 - 2.5 * NOISE)
    assert noisy_reach(worse_by_luck) == FIRST_REACH
    assert noisy_reach(worse_by_luck, noise=0.0) == pytest.approx(0.6 * FIRST_REACH)
    # Just beyond the edge may have been luck, half a metre beyond it not.
    assert noisy_reach(out(0.1, 0.78)) == FIRST_REACH
    assert noisy_reach(out(0.1, 1.3)) == pytest.approx(0.6 * FIRST_REACH)


def test_what_noise_does_not_explain_shrinks_the_reach_of_a_model() -> None:
    assert noisy_reach(landed(0.1, 0.5 - 3.5 * NOISE)) == pytest.approx(0.6 * FIRST_REACH)
    assert noisy_reach(landed(0.1, 0.1), landed(0.2, 0.1)) == pytest.approx(0.36 * FIRST_REACH)
    silent = replace(out(0.1, 0.78), measures={})
    assert noisy_reach(silent) == pytest.approx(0.6 * FIRST_REACH)


def test_repeated_parameters_do_not_shrink_the_reach_of_a_model() -> None:
    assert noisy_reach(landed(0.0, 0.1), landed(0.0, -0.2)) == FIRST_REACH
    assert noisy_reach(landed(0.1, 0.1), landed(0.1, 0.0)) == pytest.approx(0.6 * FIRST_REACH)


def test_rule_for_models_knows_the_noise() -> None:
    history = [landed(0.0, 0.5), *[landed(0.1 * k, 0.4) for k in (1, 2, 3)]]
    leap = SPACE.from_unit(np.full(8, 0.95))
    noisy = check(leap, history, SPACE, RIGHT, rules=MODEL_RULES, noise=NOISE, measures=MEASURES)
    assert noisy.findings == ()
    assert check(leap, history, SPACE, RIGHT, rules=MODEL_RULES).findings[0].rule == 'trust_region'


def test_going_back_and_forth_without_progress_is_refused() -> None:
    verdict = by_model(0.01, places(-0.2, 0.02, -0.21))
    assert str(verdict) == (
        'refused (oscillation: it goes back and forth between the places of trials 3 and 4 without progress; '
        'try between them, or leave both)'
    )
    unmeasured = by_model(0.01, places(-0.2, 0.02, -0.21), UNMEASURABLE)
    assert [finding.rule for finding in unmeasured.findings] == ['oscillation']


@pytest.mark.parametrize(
    ('units', 'proposed'),
    [
        ((-0.2, 0.02, -0.21), -0.1),  # between the two places
        ((-0.2, 0.02, -0.15), -0.05),  # ever smaller swings
        ((-0.2, 0.02), -0.21),  # back once only
        ((-0.3, 0.02, -0.21), -0.01),  # no two places
        ((-0.2, -0.2, -0.2), -0.21),  # the same trial again and again, then a new one
    ],
)
def test_closing_in_is_no_oscillation(units: tuple[float, ...], proposed: float) -> None:
    assert by_model(proposed, places(*units)).findings == ()


def test_progress_and_a_return_to_the_best_are_no_oscillation() -> None:
    here, there = landed(0.2, 0.1), landed(-0.2, 0.0)
    better = landed(0.21, 0.6)
    assert by_model(-0.21, [here, there, better]).findings == ()
    assert by_model(0.22, [landed(-0.21, 0.0), landed(0.2, 0.6), there]).findings == ()


def test_numeric_optimizers_are_free_of_the_rules_for_models() -> None:
    assert check(SPACE.from_unit(np.full(8, 0.01)), places(-0.2, 0.02, -0.21), SPACE, RIGHT).findings == ()


def test_every_rule_has_a_name_and_says_what_it_demands() -> None:
    assert {rule.name for rule in MODEL_RULES} == {
        'count', 'finite', 'bounds', 'trust_region', 'oscillation', 'repeat',
    }  # fmt: skip
    assert all(rule.demands.endswith('.') for rule in MODEL_RULES)
