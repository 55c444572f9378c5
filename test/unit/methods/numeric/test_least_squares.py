import time

import numpy as np
import pytest
from curved_map import CurvedMap

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import parse_objective
from llm_policy_improver.core.parameters import NEUTRAL_ATTENUATION, ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace, Landing, Outcome
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.numeric.landing_model import LandingModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.numeric.ridge import RidgeBasis
from llm_policy_improver.methods.numeric.trust_region import START, trust_radius

SPACE = ParameterSpace()
RIGHT = parse_objective('as far right as possible')

TEN = (
    'as far right as possible',
    'as far left as possible',
    'far end of the table',
    'just behind the net',
    'far left corner',
    'far right corner',
    'middle of the table',
    'right and short',
    'at (0.3, 0.9)',
    'as high as possible',
)


def trials(task: CurvedMap, count: int, seed: int = 0) -> list[ExecutionTrace]:
    generator = np.random.default_rng(seed)
    return [task.run(PolicyParameters(task.space.sample(generator)), i) for i in range(count)]


def at(attenuation: tuple[float, ...], x: float, y: float = 0.5) -> ExecutionTrace:
    return ExecutionTrace(PolicyParameters(attenuation), Outcome.LANDED, Landing(x, y, 0.4))


@pytest.mark.parametrize(('noise', 'bar'), [(0.0, 0.03), (0.02, 0.06)])
def test_fifteen_improvements_come_close_to_what_is_reachable(noise: float, bar: float) -> None:
    regrets, landed, seconds = [], [], []
    for seed in range(2):
        task, truth = CurvedMap(seed, noise), CurvedMap(seed)
        for words in TEN:
            objective = parse_objective(words)
            history = trials(task, 24, seed)
            optimizer = LeastSquares(SPACE)
            for number in range(15):
                started = time.process_time()
                proposal = optimizer.propose(history, objective)
                seconds.append(time.process_time() - started)
                history.append(task.run(PolicyParameters(proposal.attenuation), 100 + number))
            best = objective.best(history)
            assert best is not None
            unit = SPACE.unit(best.parameters.attenuation)[None, :]
            regrets.append(float(truth.distances(unit, objective)[0]) - truth.reachable(objective))
            landed += [trace.landed for trace in history[24:]]
    assert np.median(regrets) <= bar
    assert np.mean(landed) > 0.9
    assert np.median(seconds) < 0.05


def test_same_history_gives_the_same_proposal() -> None:
    history = trials(CurvedMap(1), 24)
    assert LeastSquares(SPACE).propose(history, RIGHT) == LeastSquares(SPACE).propose(history, RIGHT)


def test_every_proposal_passes_the_checks_from_the_first_trial_on() -> None:
    for words in ('as far right as possible', 'middle of the table'):
        task, objective = CurvedMap(2), parse_objective(words)
        history: list[ExecutionTrace] = []
        for number in range(60):
            proposal = LeastSquares(SPACE).propose(history, objective)
            verdict = check(proposal.attenuation, history, SPACE)
            assert str(verdict) == 'accepted'
            history.append(task.run(PolicyParameters(proposal.attenuation), number))


def test_explains_what_it_did_with_joint_names_and_numbers() -> None:
    proposal = LeastSquares(SPACE).propose(trials(CurvedMap(3), 24), RIGHT)
    assert 'of 24 trials landed. Nearest to the goal: trial' in proposal.summary
    assert 'raising by 0.10 moves the landing: ' in proposal.analysis
    assert '(slide_x)' in proposal.analysis
    assert 'Expected: landing at (' in proposal.synthesis
    assert proposal.reason.startswith('Changes mostly ')
    assert 'm from the goal instead of' in proposal.reason


def test_unmeasurable_objective_is_refused_with_what_is_measurable() -> None:
    with pytest.raises(ProposalError, match=r'cannot measure "play well": .* one of far right, far left'):
        LeastSquares(SPACE).propose([], parse_objective('play well'))


def test_where_nothing_landed_it_first_tries_the_unchanged_controller() -> None:
    far = ExecutionTrace(PolicyParameters((1.4,) * 8), Outcome.MISSED)
    near = ExecutionTrace(PolicyParameters((0.8,) * 8), Outcome.OUT)
    first = LeastSquares(SPACE).propose([far, near], RIGHT)
    assert first.attenuation == NEUTRAL_ATTENUATION
    neutral = ExecutionTrace(PolicyParameters(), Outcome.NET)
    second = LeastSquares(SPACE).propose([far, near, neutral], RIGHT)
    # Half way to the trial that was out, give or take the random step.
    assert np.mean(second.attenuation) == pytest.approx(0.9, abs=0.06)
    assert 'outcome out' in second.reason


def test_with_one_landing_it_steps_a_little_from_it() -> None:
    proposal = LeastSquares(SPACE).propose([at((1.1,) * 8, 0.2)], RIGHT)
    assert max(abs(value - 1.1) for value in proposal.attenuation) <= 0.11
    assert 'only 1 trials landed' in proposal.reason


def test_bounds_without_room_are_said() -> None:
    tight = ParameterSpace(low=(0.9999,) * 8, high=(1.0001,) * 8)
    with pytest.raises(ProposalError, match='the bounds leave too little room'):
        LeastSquares(tight).propose([at(NEUTRAL_ATTENUATION, 0.2)], RIGHT)


def test_model_knows_which_parameter_moves_the_landing_where() -> None:
    generator = np.random.default_rng(5)
    history = []
    for _ in range(30):
        attenuation = SPACE.sample(generator)
        unit = SPACE.unit(attenuation)
        history.append(at(attenuation, 0.2 * unit[2] - 0.1 * unit[6], 0.6 + 0.2 * unit[0]))
    model = LandingModel.fit(history, SPACE)
    sideways = model.effects('x')
    # 0.10 of the attenuation is a quarter of the unit cube's 1.
    assert sideways[2].metres == pytest.approx(0.05, abs=0.002)
    assert sideways[6].metres == pytest.approx(-0.025, abs=0.002)
    assert [effect.index for effect in sideways if effect.clear] == [2, 6]
    assert model.predict(NEUTRAL_ATTENUATION)['y'] == pytest.approx(0.6, abs=0.01)
    assert model.effects('peak_height') == []


def test_model_needs_four_landings() -> None:
    history = [at((1.0 + 0.1 * i,) * 8, 0.1) for i in range(3)]
    with pytest.raises(TooFewTrialsError, match='3 trials landed and a model of the landing needs 4'):
        LandingModel.fit(history, SPACE)


def test_regression_is_curved_only_where_the_data_are() -> None:
    generator = np.random.default_rng(0)
    unit = generator.uniform(-1, 1, size=(80, 3))
    straight = unit @ np.array([1.0, -2.0, 0.5]) + 0.05 * generator.normal(size=80)
    assert RidgeBasis(unit).fit(straight).curvature == 0.0
    bowl = RidgeBasis(unit).fit(straight + 2.0 * unit[:, 0] * unit[:, 1])
    assert bowl.curvature > 0.0
    point = np.array([0.5, 0.5, 0.0])
    assert bowl.predict(point) == pytest.approx(0.5 - 1.0 + 0.5, abs=0.1)
    assert bowl.error == pytest.approx(0.05, rel=0.5)


def test_trust_region_grows_on_success_and_shrinks_on_failure() -> None:
    centre = at((1.0,) * 8, 0.0)
    better = at((1.1,) * 8, 0.3)
    worse = at((1.15,) * 8, 0.1)
    assert trust_radius([centre], RIGHT, SPACE) == START
    assert trust_radius([centre, better], RIGHT, SPACE) > START
    assert trust_radius([better, worse], RIGHT, SPACE) < START
    fault = ExecutionTrace(PolicyParameters((1.15,) * 8), Outcome.NET)
    assert trust_radius([better, fault], RIGHT, SPACE) < START


def test_trials_far_from_the_best_say_nothing_about_the_trust_region() -> None:
    elsewhere = [at((0.6,) * 8, -0.5), at((0.65,) * 8, -0.6)]
    assert trust_radius([at((1.2,) * 8, 0.3), *elsewhere], RIGHT, SPACE) == START


def test_whole_run_improves_through_the_loop() -> None:
    task = CurvedMap(3)
    improvement = Improvement(RIGHT, LeastSquares(SPACE), SPACE, trials=39)
    results = list(run_improvement(improvement, task))
    result = improvement.result()
    assert result.initial_distance_m is not None
    assert result.best_distance_m is not None
    assert result.initial_distance_m - result.best_distance_m > 0.5
    assert results[-1].best_distance == result.best_distance_m
