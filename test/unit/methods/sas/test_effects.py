import json
import random

import numpy as np
import pytest
from curved_map import CurvedMap

from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.term import Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import EffectModel
from llm_policy_improver.methods.sas.effects import (
    Claims,
    contradictions_text,
    count,
    feedback_text,
    judge_claims,
)
from llm_policy_improver.report.wording import claims_text
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.measures.landing import LANDING_TIME, LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
MIDDLE = parse_objective('middle of the table')


def played(noise: float, count: int = 40) -> list[Trial]:
    """x grows with a by 0.05 m per 0.10 and falls with b by 0.03; y grows with c by 0.06; nothing else acts."""
    generator = np.random.default_rng(5)
    trials = []
    for _ in range(count):
        policy = SPACE.sample(generator)
        a, b, c = (value - 1.0 for value in policy.values[:3])
        x, y = 0.5 * a - 0.3 * b, 0.65 + 0.6 * c
        dx, dy = noise * generator.normal(size=2)
        measures = {'landing_x': x + dx, 'landing_y': y + dy, 'net_clearance': 0.1, 'peak_height': 0.4}
        trials.append(trial_of(Modulation.of(policy), Outcome.LANDED, measures))
    return trials


def judged(claims: Claims, history: list[Trial]) -> tuple[ClaimedEffect, ...]:
    return judge_claims(claims, history, MIDDLE, BRIEF)


def agreements(claims: Claims, history: list[Trial]) -> list[str]:
    return [str(claim.agreement) for claim in judged(claims, history)]


def test_claims_are_held_against_the_trials() -> None:
    history = played(0.01)
    right = {'a': {'x': 'right'}, 'b': {'x': 'left'}, 'c': {'y': 'further'}}
    wrong = {'a': {'x': 'left'}, 'b': {'x': 'right'}, 'c': {'y': 'shorter'}}
    unknown = {'d': {'x': 'right'}, 'e': {'y': 'shorter'}, 'c': {'peak_height': 'higher'}}
    assert agreements(right, history) == ['agrees'] * 3
    assert agreements(wrong, history) == ['contradicted'] * 3
    assert agreements(unknown, history) == ['undecided'] * 3


def test_none_is_contradicted_only_by_a_clearly_large_effect() -> None:
    assert agreements({'a': {'x': 'none'}}, played(0.01)) == ['contradicted']
    assert agreements({'d': {'x': 'none', 'y': 'none'}}, played(0.01)) == ['agrees'] * 2
    few = played(0.06, 14)
    assert agreements({'b': {'x': 'none'}, 'd': {'x': 'none'}}, few) == ['undecided'] * 2


def test_claim_says_what_the_trials_show() -> None:
    history = played(0.01)
    (claim,) = judged({'a': {'x': 'Left '}}, history)
    assert (claim.parameter, claim.measure, claim.sign) == ('a', 'landing_x', -1)
    assert claim.effect == pytest.approx(0.05, abs=0.002)
    assert claim.error is not None
    assert 0.0 < claim.error < 0.002
    # A measure may be called by its whole name, too.
    assert judged({'a': {'landing_x': 'left'}}, history) == (claim,)


@pytest.mark.parametrize(
    'claims',
    [
        {},
        {'a': {}},
        {'a': {'x': 'unclear', 'y': '', 'peak_height': 'right'}},
        {'a': {'spin': 'more', 'outcome': 'none'}},
        {'q': {'x': 'right'}, 'slide_y': {'x': 'left'}},
        {'a': {'hit_speed': 'faster'}},  # not looked at for this objective
    ],
)
def test_what_is_unclear_or_about_nothing_is_no_claim(claims: Claims) -> None:
    assert judged(claims, played(0.01)) == ()


def test_measure_that_the_objective_is_about_is_judged() -> None:
    history = [
        trial_of(
            Modulation.of(trial.parameters),
            Outcome.LANDED,
            {**trial.measures, 'landing_time': 0.5 + trial.parameters.values[3] / 5},
        )
        for trial in played(0.01)
    ]
    objective = parse_objective('play beautifully')
    assert judge_claims({'d': {'landing_time': 'later'}}, history, objective, BRIEF) == ()
    timed = Objective('late', (Term(LANDING_TIME, 0.8),), 'landing time 0.8 s')
    (claim,) = judge_claims({'d': {'landing_time': 'later'}}, history, timed, BRIEF)
    assert (claim.measure, claim.agreement) == ('landing_time', Agreement.AGREES)


def test_too_few_trials_decide_nothing() -> None:
    claims = judged({'a': {'x': 'right'}, 'b': {'x': 'none', 'y': 'none'}}, played(0.01)[:3])
    assert count(claims) == (0, 0, 3)
    assert feedback_text(claims, BRIEF) == ''
    assert claims[0] == ClaimedEffect('a', 'landing_x', 1, Agreement.UNDECIDED)
    assert judged({'a': {'x': 'right'}}, [])[0].agreement is Agreement.UNDECIDED


SAID: Claims = {'a': {'x': 'left'}, 'b': {'x': 'left'}, 'c': {'y': 'further'}, 'd': {'x': 'right'}}


def test_contradictions_are_named_to_model_and_person() -> None:
    claims = judged(SAID, played(0.01))
    assert count(claims) == (2, 1, 1)
    contradicted = 'a on x was said to be "left"; the trials say right (+0.049 ± 0.001 m per 0.10)'
    assert contradictions_text(claims, BRIEF) == contradicted
    assert feedback_text(claims, BRIEF) == (
        'Of the effects in your last reply, 2 of the 3 that the trials can decide agree with them. '
        f'Look again, and believe the trials around the nearest one before the regression: {contradicted}.'
    )
    assert claims_text(claims) == (
        'claimed effects: 2 agree with the trials, 1 contradicted, 1 undecided; '
        'contradicted: a lowers landing_x (the trials: +0.049 for +0.1)'
    )
    assert claims_text(()) == contradictions_text((), BRIEF) == feedback_text((), BRIEF) == ''


def test_feedback_without_contradictions_is_the_rate_alone() -> None:
    claims = judged({'b': {'x': 'left'}, 'd': {'x': 'right'}}, played(0.01))
    assert feedback_text(claims, BRIEF) == (
        'Of the effects in your last reply, 1 of the 1 that the trials can decide agree with them.'
    )


def test_feedback_stays_short_and_names_the_largest() -> None:
    said = {name: {'x': 'left', 'y': 'shorter'} for name in SPACE.names}
    task = CurvedMap(2)
    history = [task.run(SPACE.sample(np.random.default_rng(i)), i) for i in range(80)]
    claims = judged(said, history)
    _, contradicted, _ = count(claims)
    assert contradicted > 4
    feedback = feedback_text(claims, BRIEF)
    assert len(feedback) < 600
    assert feedback.endswith(f'; and {contradicted - 4} more.')
    assert feedback.count(' was said to be ') == 4
    against = [claim for claim in claims if claim.agreement is Agreement.CONTRADICTED]
    largest = max(against, key=lambda claim: abs(claim.effect or 0.0))
    column = {'landing_x': 'x', 'landing_y': 'y'}[largest.measure]
    assert contradictions_text(claims, BRIEF).startswith(f'{largest.parameter} on {column} was said')


def test_true_claims_are_never_called_contradictions() -> None:
    """Of claims read off the true linear map, at most the share that two standard errors allow is refuted."""
    said = {'a': {'x': 'right'}, 'b': {'x': 'left'}, 'c': {'y': 'further'}}
    decided = wrong = 0
    for seed in range(12):
        history = played(0.02, 28 + seed)
        claims = judged(said, history)
        agreeing, contradicted, _ = count(claims)
        decided += agreeing + contradicted
        wrong += contradicted
        best = MIDDLE.best(history)
        assert best is not None
        model = EffectModel.fit(history, BRIEF, MIDDLE, best.policy)
        known = [effect.change for measure in (LANDING_X, LANDING_Y) for effect in model.effects(measure)]
        assert all(claim.effect in known for claim in claims)
    assert decided >= 30
    assert wrong == 0


def test_any_words_are_taken() -> None:
    generator = random.Random(1)
    words = ['right', 'left', 'none', 'unclear', ' NONE ', '', '\x00', '\ud800', 'further', '{', 'higher']
    names = [*SPACE.names, 'x', '', 'A', 'slide_y', '٣']
    measures = ['x', 'y', 'landing_x', 'peak_height', 'net_clearance', 'hit_speed', '', 'ß']
    history = played(0.01)
    for _ in range(100):
        claims = {
            name: {measure: generator.choice(words) for measure in generator.choices(measures, k=4)}
            for name in generator.choices(names, k=5)
        }
        found = judged(json.loads(json.dumps(claims)), history)
        assert {claim.parameter for claim in found} <= set(SPACE.names)
        assert {claim.sign for claim in found} <= {-1, 0, 1}
