"""What the landing model says before a step, beside what the simulated arm then does."""

from dataclasses import replace

import numpy as np
import pytest
from noisy_arm import BRIEF, POINT, PRIOR, RIGHT, SPACE, advice, arm, history, losses

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.numeric.effect_model import STEP
from llm_policy_improver.methods.numeric.landing.bayesian import Bayesian
from llm_policy_improver.methods.sas.advice.advice import Advice, expected_distance
from llm_policy_improver.methods.sas.advice.candidates import FAIR_CHANCE, FEWEST, Kind
from llm_policy_improver.methods.sas.advice.digits import coarse


@pytest.mark.parametrize('objective', [RIGHT, POINT])
def test_same_trials_give_the_same_candidates_and_others_others(objective: Objective) -> None:
    once = advice(objective).candidates
    again = Advice.of(Bayesian(BRIEF, prior=PRIOR).outlook(history(), objective), history()).candidates
    fewer = advice(objective, 20).candidates
    assert once == again
    assert once[0].values != fewer[0].values
    assert once[0].loss == min(each.loss for each in once)
    assert [each.letter for each in once] == list('ABCD'[: len(once)])
    assert len(once) >= FEWEST


@pytest.mark.parametrize('objective', [RIGHT, POINT])
def test_candidates_may_be_tried_as_they_are_told(objective: Objective) -> None:
    found = advice(objective).candidates
    assert found[0].kind is Kind.LEAST
    for each in found:
        assert check(each.values, history(), SPACE).findings == ()
        assert each.values == pytest.approx(coarse(each.values, SPACE))
        fair = each.better is not None and each.better >= FAIR_CHANCE
        assert fair or each.kind is not Kind.BOLD or len(found) == FEWEST
        others = [other for other in found if other is not each]
        assert all(np.max(np.abs(np.subtract(each.values, other.values))) > 0.02 for other in others)


@pytest.mark.parametrize(('objective', 'gain'), [(RIGHT, 0.04), (POINT, 0.02)])
def test_first_candidate_is_better_than_the_best_trial_when_both_are_played(
    objective: Objective, gain: float
) -> None:
    told = advice(objective)
    best = told.best
    assert best is not None
    first = told.candidates[0]
    assert first.better is not None
    assert first.better > 0.8
    candidate, before = (
        losses(each, objective, 40) for each in (first.values, SPACE.values(history()[best]))
    )
    assert np.mean(candidate) < np.mean(before) - gain
    assert np.mean(candidate) == pytest.approx(first.expected.loss, abs=0.1)
    assert np.mean(before) == pytest.approx(told.expected(SPACE.values(history()[best])).loss, abs=0.1)


def test_best_of_many_equal_trials_is_told_to_be_luck() -> None:
    repeated = [arm().run(SPACE.neutral, 7000 + number) for number in range(12)]
    repeated = [replace(each, number=25 + place) for place, each in enumerate(repeated)]
    # Nothing but the unchanged controller is near: the nearest of its balls is the nearest of all.
    far = [each for each in history() if (RIGHT.distance(each) or 9.0) > 0.85]
    told = Advice.of(Bayesian(BRIEF, prior=PRIOR).outlook([*far, *repeated], RIGHT), [*far, *repeated])
    distances = [RIGHT.distance(each) for each in repeated]
    seen = [distance for distance in distances if distance is not None]
    assert told.luckiest is not None
    assert told.optimism is not None
    assert told.history[told.luckiest].policy == SPACE.neutral
    assert told.optimism == pytest.approx(np.mean(seen) - min(seen), abs=0.012)
    assert told.optimism > 0.01


def test_effects_whose_sign_is_stated_have_it_in_the_simulator() -> None:
    told = advice()
    centre = told.candidates[0].values
    stated = wrong = 0
    for index, effect in enumerate(told.around.measures['landing_x']):
        if not effect.clear:
            continue
        means = []
        for side in (-STEP, STEP):
            values = list(centre)
            values[index] += side
            values = list(SPACE.clip(values))
            played = [arm().run(SPACE.at(values), 600_000 + seed) for seed in range(30)]
            means.append(np.mean([t.measures['landing_x'] for t in played if t.succeeded]))
        stated += 1
        wrong += int((means[1] - means[0]) * effect.change < 0.0)
    assert stated >= 1
    assert wrong == 0


def test_parameters_come_in_the_order_of_what_they_do_towards_the_objective() -> None:
    around = advice(POINT).around
    sizes = [abs(around.nearer[index].change) for index in around.order]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(around.order) == list(range(8))
    # Towards the right edge alone, nearer is further right.
    right = advice(RIGHT).around
    assert [each.change for each in right.nearer] == [each.change for each in right.measures['landing_x']]


def test_expected_distance_is_that_of_trials_that_succeed() -> None:
    told = advice()
    assert told.best is not None
    values = SPACE.values(history()[told.best])
    held = expected_distance(told.expected(values))
    played = [RIGHT.distance(arm().run(SPACE.at(values), 800_000 + seed)) for seed in range(40)]
    seen = [distance for distance in played if distance is not None]
    assert held == pytest.approx(np.mean(seen), abs=0.06)
