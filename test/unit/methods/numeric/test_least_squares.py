import re
import time

import numpy as np
import pytest
from curved_map import CurvedMap

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.checks import check_policy
from llm_policy_improver.methods.numeric.effect_model import EffectModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.numeric.ridge import RidgeBasis
from llm_policy_improver.methods.numeric.trust_region import START, trust_radius
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.measures.height import PEAK_HEIGHT
from llm_policy_improver.table_tennis.measures.landing import LANDING_X
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
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


def trials(task: CurvedMap, count: int, seed: int = 0) -> list[Trial]:
    generator = np.random.default_rng(seed)
    return [task.run(task.space.sample(generator), i) for i in range(count)]


def at(values: tuple[float, ...], x: float, y: float = 0.5) -> Trial:
    return trial_of(Modulation.of(SPACE.at(values)), Outcome.LANDED, {'landing_x': x, 'landing_y': y})


def failed(value: float, outcome: Outcome) -> Trial:
    return trial_of(Modulation.of(SPACE.at((value,) * 8)), outcome, {})


@pytest.mark.parametrize(('noise', 'bar'), [(0.0, 0.03), (0.02, 0.06)])
def test_fifteen_improvements_come_close_to_what_is_reachable(noise: float, bar: float) -> None:
    regrets, landed, seconds = [], [], []
    for seed in range(2):
        task, truth = CurvedMap(seed, noise), CurvedMap(seed)
        for words in TEN:
            objective = parse_objective(words)
            history = trials(task, 24, seed)
            optimizer = LeastSquares(BRIEF)
            for number in range(15):
                started = time.process_time()
                proposal = optimizer.propose(history, objective)
                seconds.append(time.process_time() - started)
                history.append(task.run(proposal.parameters, 100 + number))
            best = objective.best(history)
            assert best is not None
            unit = SPACE.unit(best.policy)[None, :]
            regrets.append(float(truth.distances(unit, objective)[0]) - truth.reachable(objective))
            landed += [trial.succeeded for trial in history[24:]]
    assert np.median(regrets) <= bar
    assert np.mean(landed) > 0.9
    assert np.median(seconds) < 0.05


def test_same_history_gives_the_same_proposal() -> None:
    history = trials(CurvedMap(1), 24)
    assert LeastSquares(BRIEF).propose(history, RIGHT) == LeastSquares(BRIEF).propose(history, RIGHT)


def test_every_proposal_passes_the_checks_from_the_first_trial_on() -> None:
    for words in ('as far right as possible', 'middle of the table'):
        task, objective = CurvedMap(2), parse_objective(words)
        history: list[Trial] = []
        for number in range(60):
            proposal = LeastSquares(BRIEF).propose(history, objective)
            assert check_policy(proposal, history, SPACE) == (proposal.policy, ())
            history.append(task.run(proposal.parameters, number))


def test_explains_what_it_did_with_joint_names_and_numbers() -> None:
    proposal = LeastSquares(BRIEF).propose(trials(CurvedMap(3), 24), RIGHT)
    assert 'of 24 trials succeeded. Nearest to the objective: trial' in proposal.summary
    assert 'raising by 0.10 moves x: ' in proposal.analysis
    assert '(slide_x)' in proposal.analysis
    assert 'It expects x ' in proposal.synthesis
    assert set(proposal.expected) == {'landing_x', 'landing_y', 'peak_height', 'net_clearance'}
    assert (
        f'x {proposal.expected["landing_x"]:.3f} m, y {proposal.expected["landing_y"]:.3f} m'
        in proposal.reason
    )
    assert proposal.reason.startswith('Changes mostly ')
    assert ' from the objective instead of' in proposal.reason


def test_reason_never_names_a_change_or_a_gain_by_two_equal_numbers() -> None:
    task, history = CurvedMap(3), trials(CurvedMap(3), 24)
    reasons = []
    for number in range(24, 36):
        proposal = LeastSquares(BRIEF).propose(history, RIGHT)
        reasons.append(proposal.reason)
        history.append(task.run(proposal.parameters, number))
    pairs = [pair for told in reasons for pair in re.findall(r'([\d.]+\d)[a-z ]* (?:to|instead of) ([\d.]+\d)', told)]
    assert len(pairs) > 24
    assert all(old != new for old, new in pairs), reasons


def test_unmeasurable_objective_is_refused_in_a_sentence() -> None:
    with pytest.raises(
        ProposalError, match=r'least_squares cannot measure "play well": it needs other words'
    ):
        LeastSquares(BRIEF).propose([], parse_objective('play well'))


def test_where_nothing_landed_it_first_tries_the_unchanged_controller() -> None:
    far, near = failed(1.4, Outcome.MISSED), failed(0.8, Outcome.OUT)
    first = LeastSquares(BRIEF).propose([far, near], RIGHT)
    assert first.policy == NEUTRAL
    neutral = failed(1.0, Outcome.NET)
    second = LeastSquares(BRIEF).propose([far, near, neutral], RIGHT)
    # Half way to the trial that was out, give or take the random step.
    assert np.mean(second.parameters.values) == pytest.approx(0.9, abs=0.06)
    assert 'outcome out' in second.reason


def test_with_one_landing_it_steps_a_little_from_it() -> None:
    proposal = LeastSquares(BRIEF).propose([at((1.1,) * 8, 0.2)], RIGHT)
    assert max(abs(value - 1.1) for value in proposal.parameters.values) <= 0.11
    assert 'only 1 trials tell landing_x and a model of it needs 4' in proposal.reason


def test_bounds_without_room_are_said() -> None:
    tight = parameter_space(attenuation_low=(0.9999,) * 8, attenuation_high=(1.0001,) * 8)
    with pytest.raises(ProposalError, match='the bounds leave too little room'):
        LeastSquares(make_brief(tight)).propose([at(NEUTRAL.values, 0.2)], RIGHT)


def test_model_knows_which_parameter_moves_the_landing_where() -> None:
    generator = np.random.default_rng(5)
    history = []
    for _ in range(30):
        policy = SPACE.sample(generator)
        unit = SPACE.unit(policy)
        history.append(at(policy.values, 0.2 * unit[2] - 0.1 * unit[6], 0.6 + 0.2 * unit[0]))
    model = EffectModel.fit(history, BRIEF, RIGHT)
    sideways = model.effects(LANDING_X)
    # 0.10 of the attenuation is a quarter of the unit cube's 1.
    assert sideways[2].change == pytest.approx(0.05, abs=0.002)
    assert sideways[6].change == pytest.approx(-0.025, abs=0.002)
    assert [effect.index for effect in sideways if effect.clear] == [2, 6]
    assert model.predict(NEUTRAL)['landing_y'] == pytest.approx(0.6, abs=0.01)
    assert model.effects(PEAK_HEIGHT) == []


def test_model_needs_four_landings() -> None:
    history = [at((1.0 + 0.1 * i,) * 8, 0.1) for i in range(3)]
    with pytest.raises(TooFewTrialsError, match='3 trials tell landing_x and a model of it needs 4'):
        EffectModel.fit(history, BRIEF, RIGHT)


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
    assert trust_radius([better, failed(1.15, Outcome.NET)], RIGHT, SPACE) < START


def test_trials_far_from_the_best_say_nothing_about_the_trust_region() -> None:
    elsewhere = [at((0.6,) * 8, -0.5), at((0.65,) * 8, -0.6)]
    assert trust_radius([at((1.2,) * 8, 0.3), *elsewhere], RIGHT, SPACE) == START


def test_whole_run_improves_through_the_loop() -> None:
    task = CurvedMap(3)
    improvement = Improvement(RIGHT, LeastSquares(BRIEF), SPACE, trials=39)
    results = list(run_improvement(improvement, task))
    result = improvement.result()
    assert result.initial_distance_m is not None
    assert result.best_distance_m is not None
    assert result.initial_distance_m - result.best_distance_m > 0.5
    assert results[-1].best_distance == result.best_distance_m
