"""What was expected of trials beside what they came to."""

from dataclasses import replace

import pytest
from noisy_throw import BRIEF, POINT, SPACE, Throw, drawn

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.finding import Failure, Vain
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.foretold import Foretold, overrated
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.numeric.landing.bayesian import Bayesian

POLICY = SPACE.neutral
assert POLICY is not None
SAID = Proposal(
    POLICY, 'm', expected={'across': 0.1}, memos=Expectation(0.2, 0.1, 0.3, 0.75).memos()
)  # fmt: skip


def step(proposal: Proposal = SAID) -> Step:
    assert POLICY is not None
    return Step(1, POLICY, 1, proposal, 0)


def at(across: float, succeeded: bool = True) -> Trial:
    assert POLICY is not None
    return Trial(POLICY, 'good' if succeeded else 'out', {'across': across, 'along': 0.9}, succeeded)


def test_distances_inside_their_interval_are_counted_of_trials_that_succeed() -> None:
    # The point is at 0.3 across.
    run = [(step(), trial) for trial in (at(0.15), at(0.55), at(0.29), at(0.1, False))]
    found = Foretold.of(run, POINT)
    assert found == Foretold(trials=4, succeeded=3, expected_to_succeed=3.0, inside=2)
    assert found.as_json() == {
        'foretold': 3, 'foretold_inside': 2, 'foretold_trials': 4, 'foretold_success': 0.75, 'success': 0.75,
    }  # fmt: skip
    assert str(found) == (
        'Of 4 proposals with an expected result 3 succeeded (3.0 expected), and 2 of these came within the interval '
        'that 8 of 10 were expected in.'
    )


@pytest.mark.parametrize(
    'other',
    [
        step(replace(SAID, memos={})),
        step(replace(SAID, memos={'expected_loss': '0.2'})),
        step(replace(SAID, memos={'expected_loss': 'little'})),
        step(replace(SAID, expected={})),  # brought nearer for a gate
        step(replace(SAID, policy=SPACE.at([1.41, 1.0, 1.0, 1.0, 1.0]))),  # clipped
        replace(step(), in_vain=(Vain('m', Failure.UNUSABLE),)),
    ],
)
def test_what_was_not_played_as_proposed_or_said_no_interval_does_not_count(other: Step) -> None:
    found = Foretold.of([(other, at(0.15))], POINT)
    assert (found, str(found)) == (Foretold(), '')
    assert found.as_json()['foretold_success'] is None


def test_a_model_overrates_what_comes_out_worse_on_average() -> None:
    # Losses of 0.15, 0.25 and, as it failed, 1; 0.2 were expected of each.
    run = [(step(), trial) for trial in (at(0.15), at(0.55), at(0.1, False))]
    assert overrated(run, POINT, 3) == pytest.approx(0.8 / 3)
    assert overrated(run, POINT, 1) == pytest.approx(0.8)
    assert overrated(run, POINT, 4) is None
    assert overrated([(step(), at(0.29))], POINT, 1) == 0.0
    # What said nothing is left out.
    assert overrated([*run, (step(replace(SAID, memos={})), at(0.0))], POINT, 1) == pytest.approx(0.8)


def test_a_trial_that_tested_nothing_does_not_count() -> None:
    assert Foretold.of([(step(), replace(at(0.15), tested=False))], POINT) == Foretold()


class Thrown:
    """A task whose balls scatter more than first trials tell."""

    def __init__(self, scatter: float) -> None:
        self._throw = Throw(scatter=scatter)

    def run(self, policy: Parameters, seed: int) -> Trial:
        return self._throw.run(policy, seed)


def foretold(objective: Objective, scatter: float) -> Foretold:
    improvement = Improvement(
        objective, Bayesian(BRIEF), SPACE, trials=30, first_trials=0, vary_balls=True, noise=0.05,
        history=drawn(16, 1, Throw(scatter=0.05)),
    )  # fmt: skip
    for _ in run_improvement(improvement, Thrown(scatter)):
        pass
    found = improvement.result().foretold
    assert found is not None
    assert found.trials == 30
    return found


def test_a_model_that_knows_the_scatter_is_right_about_as_often_as_it_says() -> None:
    found = foretold(POINT, 0.05)
    # 8 of 10 within three standard errors of 30 trials.
    assert found.inside / found.succeeded == pytest.approx(0.8, abs=0.22)
    assert found.expected_to_succeed / found.trials == pytest.approx(found.succeeded / found.trials, abs=0.1)
