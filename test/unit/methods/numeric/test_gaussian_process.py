import time
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.method import INITIAL, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.methods.numeric.evidence import Samples
from llm_policy_improver.methods.numeric.explored import Explored
from llm_policy_improver.methods.numeric.gaussian_process import NAME, GaussianProcess
from llm_policy_improver.methods.numeric.loss_search import LossSearch
from llm_policy_improver.methods.numeric.process_model import ProcessModel
from llm_policy_improver.methods.registry import make_numeric, usual_numeric

TOLD = frozenset({'good', 'beside'})
ACROSS = Measure('across', 'm', 'place across', -1.0, 1.0, (0.02, 0.02), told_by=TOLD)
ALONG = Measure('along', 'm', 'place along', 0.0, 2.0, (0.05, 0.02), told_by=TOLD)
HEIGHT = Measure('height', 'm', 'height', 0.0, 3.0, told_by=TOLD)
EFFORT = Measure('effort', 'J', 'effort', 0.0, 50.0, told_by=TOLD, weight=0.02, usual=False)
MEASURES = (ACROSS, ALONG, HEIGHT, EFFORT)

RIGHT = Objective('right', (Term(ACROSS, Extreme.LARGEST),))
OBJECTIVES = (
    RIGHT,
    Objective('left corner', (Term(ACROSS, Extreme.SMALLEST), Term(ALONG, Extreme.LARGEST))),
    Objective('a point', (Term(ACROSS, 0.3), Term(ALONG, 0.9, weight=2.0))),
    Objective('a band', (Term(HEIGHT, (1.0, 1.2)),)),
    Objective('at least', (Term(ALONG, (1.5, float('inf'))), Term(EFFORT, Extreme.SMALLEST))),
)


def brief(dimension: int, share: float = 1.0) -> Brief:
    """Of a space whose second half has first trials in a share of its range, and an odd neutral value."""
    half = dimension // 2
    first = [Parameter(f'a{i}', f'factor {i}', 0.6, 1.4, 1.0) for i in range(dimension - half)]
    added = [Parameter(f'r{i}', f'added {i}', -0.4, 0.5, 0.0, 'm/s', first_share=share) for i in range(half)]
    return Brief(ParameterSpace((*first, *added)), MEASURES, outcomes=('good', 'beside', 'missed'))


class Bowl:
    """A smooth, curved task of any dimension."""

    def __init__(self, task: Brief, seed: int = 0) -> None:
        generator, size = np.random.default_rng(seed), task.space.dimension
        self.explored = Explored(task.space)
        self.slopes = generator.normal(size=(4, size)) * np.array([0.5, 0.3, 0.2, 3.0])[:, None] / size**0.5
        self.bend = generator.normal(size=(4, size)) * np.array([0.1, 0.1, 0.05, 0.5])[:, None] / size**0.5

    def run(self, policy: Parameters, by: str = '') -> Trial:
        point: NDArray[np.float64] = self.explored.point(policy)
        values = np.array([-0.3, 0.8, 0.9, 10.0]) + self.slopes @ point + self.bend @ point**2
        measures = dict(zip((each.name for each in MEASURES), values.tolist(), strict=True))
        good = abs(measures['across']) <= 1.0 and 0.0 <= measures['along'] <= 2.0
        if abs(measures['across']) > 1.6:
            return Trial(policy, 'missed', {}, proposed_by=by)
        return Trial(policy, 'good' if good else 'beside', measures, good, proposed_by=by)

    def first(self, count: int) -> list[Trial]:
        space = self.explored.space
        return [
            self.run(space.at(each), INITIAL)
            for each in initial_design(count, space, np.random.default_rng(1))
        ]


def improved(
    task: Brief, objective: Objective, history: list[Trial], count: int, seed: int = 0
) -> list[float]:
    """Least distance before and after some improvements; every proposal passes the checks."""
    bowl, method, distances = Bowl(task, seed), GaussianProcess(task), []
    for number in range(count + 1):
        found = [d for trial in history if (d := objective.distance(trial)) is not None]
        distances.append(min(found, default=float('inf')))
        if number < count:
            proposal = method.propose(history, objective)
            assert str(check(proposal.parameters.values, history, task.space)) == 'accepted'
            assert proposal.proposed_by == NAME
            history.append(bowl.run(proposal.parameters, NAME))
    return [distances[0], distances[-1]]


@pytest.mark.parametrize('dimension', [3, 8, 16])
@pytest.mark.parametrize('objective', OBJECTIVES, ids=lambda each: str(each.words))
def test_gets_nearer_whatever_the_terms_and_the_dimension(dimension: int, objective: Objective) -> None:
    task = brief(dimension, 1.0 / 3.0)
    bowl, generator = Bowl(task), np.random.default_rng(2)
    drawn = [objective.distance(bowl.run(task.space.sample(generator))) for _ in range(300)]
    before, after = improved(task, objective, bowl.first(24), 6)
    assert after <= before
    assert after < min(distance for distance in drawn if distance is not None) + objective.reached_within()


def test_same_history_gives_the_same_proposal() -> None:
    task = brief(16, 1.0 / 3.0)
    history = Bowl(task).first(24)
    first = GaussianProcess(task, 3).propose(history, RIGHT)
    assert first == GaussianProcess(task, 3).propose(history, RIGHT)
    assert first.expected.keys() == {'across', 'along'}


def test_nothing_is_proposed_twice_when_there_is_nothing_left_to_gain() -> None:
    task = brief(3)
    band = Objective('anywhere', (Term(ACROSS, (-1.0, 1.0)),))
    assert improved(task, band, Bowl(task).first(6), 20)[-1] == 0.0


def test_goes_from_nothing_to_a_model() -> None:
    task = brief(16, 1.0 / 3.0)
    history: list[Trial] = []
    assert improved(task, RIGHT, history, 12)[-1] < 1.3
    assert history[0].policy == task.space.neutral


def test_every_other_proposal_leaves_the_less_explored_parameters_alone() -> None:
    task = brief(16, 1.0 / 3.0)
    history, changed = Bowl(task).first(24), []
    for _ in range(4):
        best = RIGHT.best(history)
        assert best is not None
        policy = GaussianProcess(task).propose(history, RIGHT).parameters
        changed.append(policy.values[8:] != best.parameters.values[8:])
        history.append(Bowl(task).run(policy, NAME))
    assert changed == [False, True, False, True]


def test_failures_alone_lead_back_to_what_changes_nothing() -> None:
    task = brief(8)
    far = task.space.at(task.space.high)
    proposal = GaussianProcess(task).propose([Trial(far, 'missed')], RIGHT)
    assert (proposal.policy, proposal.proposed_by) == (task.space.neutral, NAME)
    history = [Trial(far, 'missed'), Trial(task.space.neutral, 'missed')]
    assert check(GaussianProcess(task).propose(history, RIGHT).parameters.values, history, task.space).accepted


def test_objective_without_a_measure_is_refused() -> None:
    with pytest.raises(ProposalError, match='gaussian_process cannot measure "play well"'):
        GaussianProcess(brief(3)).propose([], Objective('play well'))


def test_says_what_it_rests_on_and_what_it_expects() -> None:
    task = brief(8)
    proposal = GaussianProcess(task).propose(Bowl(task).first(24), RIGHT)
    assert 'trials succeeded. Nearest to the objective: trial' in proposal.summary
    assert proposal.analysis.startswith('Gaussian processes of 24 trials, left-out error across 0.')
    assert 'raising by 0.10 moves across: ' in proposal.analysis
    assert 'It expects across ' in proposal.synthesis
    assert proposal.reason.startswith('Changes mostly ')


def test_a_proposal_of_sixteen_parameters_takes_no_longer_than_a_trial() -> None:
    task = brief(16, 1.0 / 3.0)
    history = Bowl(task).first(44)
    began = time.process_time()
    for objective in OBJECTIVES:
        GaussianProcess(task).propose(history, objective)
    assert time.process_time() - began < 0.5 * len(OBJECTIVES)


def test_odd_values_are_left_out_but_never_those_that_are_sure() -> None:
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (24, 3))
    truth = points @ np.array([0.3, -0.2, 0.1])
    odd = truth.copy()
    odd[5] += 1.0
    samples, nobody = Samples(points, np.zeros(3, dtype=np.int64)), np.zeros(24, dtype=bool)

    def error(sure: NDArray[np.bool_]) -> float:
        return float(np.abs(samples.fit_robustly(odd, sure).predict(points)[0] - truth).max())

    assert error(nobody) < 0.05 < error(np.arange(24) == 5)


def test_odd_value_far_from_all_others_does_not_explain_itself() -> None:
    # Where it stands alone, a fit of all values finds the terms that explain it, and follows them elsewhere.
    generator = np.random.default_rng(0)
    points = np.vstack([generator.uniform(-1.0, 1.0, (25, 16)), generator.choice([-1.5, 1.5], 16)])
    truth = points @ generator.normal(size=16) * 0.1
    odd = truth.copy()
    odd[-1] += 0.8
    samples, nobody = Samples(points, np.repeat([0, 1], 8)), np.zeros(26, dtype=bool)
    step = points[:1] + 0.6 * (points[-1] - points[:1])
    expected = float(truth[0] + 0.6 * (truth[-1] - truth[0]))
    assert abs(samples.fit(odd).predict(step)[0][0] - expected) > 0.2
    assert abs(samples.fit_robustly(odd, nobody).predict(step)[0][0] - expected) < 0.05


def test_two_values_that_bear_each_other_out_are_not_odd() -> None:
    generator = np.random.default_rng(0)
    points = generator.uniform(-1.0, 1.0, (26, 4))
    points[-1] = points[-2] + 0.02
    values = points @ np.array([0.3, -0.2, 0.1, 0.1])
    values[-2:] += 0.8
    fit = Samples(points, np.zeros(4, dtype=np.int64)).fit_robustly(values, np.zeros(26, dtype=bool))
    assert len(fit.points) == 26


def test_tries_what_is_little_known_for_the_objective_and_not_for_the_margins() -> None:
    task = brief(4)
    bowl, generator = Bowl(task), np.random.default_rng(3)
    space = bowl.explored.space
    varied = [np.append(generator.uniform(-1.0, 1.0, 3), 0.0) for _ in range(20)]
    history = [bowl.run(space.at(space.from_unit(bowl.explored.unit(point)))) for point in varied]

    def gain(objective: Objective) -> float:
        """Less cost where the parameter that no trial changed is changed."""
        best = objective.best(history)
        assert best is not None
        search = LossSearch.near(best, history, ProcessModel.fit(history, task, objective, best), objective)
        start = np.zeros(4)
        return search.cost(start)[0] - search.cost(start + np.array([0.0, 0.0, 0.0, 1.0]))[0]

    assert gain(Objective('high', (Term(HEIGHT, 2.0),))) > 0.05
    assert gain(Objective('as it is', (Term(HEIGHT, (0.0, 3.0)),))) < 0.0


def test_knows_less_the_further_it_looks() -> None:
    points = np.random.default_rng(0).uniform(-0.3, 0.3, (24, 16))
    fit = Samples(points, np.zeros(16, dtype=np.int64)).fit(points[:, 0] + points[:, 1] ** 2)
    far = np.outer([0.0, 0.3, 1.0], np.ones(16))
    variances = fit.predict(far)[1]
    assert np.all(np.diff(variances) > 0.0)


@pytest.mark.parametrize('dimension', [3, 16])
def test_gradients_are_those_of_the_cost(dimension: int) -> None:
    task = brief(dimension, 0.5)
    history: Sequence[Trial] = [*Bowl(task).first(20), Trial(task.space.at(task.space.low), 'missed')]
    for objective in OBJECTIVES:
        best = objective.best(history)
        assert best is not None
        search = LossSearch.near(best, history, ProcessModel.fit(history, task, objective, best), objective)
        point = np.random.default_rng(2).uniform(-0.5, 0.5, dimension)
        steps = 1e-3 * np.eye(dimension)
        numeric = [(search.cost(point + s)[0] - search.cost(point - s)[0]) / 2e-3 for s in steps]
        np.testing.assert_allclose(search.cost(point)[1], numeric, rtol=3e-3, atol=1e-4)


def test_first_trials_keep_to_their_share_of_the_range() -> None:
    task = brief(16, 1.0 / 3.0)
    explored = Explored(task.space)
    points = explored.points(Bowl(task).first(100))
    assert np.abs(points[0]).max() == 0.0
    # Rounded to two decimals.
    assert np.all(np.abs(points) <= 1.25 + 0.04)
    assert np.ptp(points, axis=0).min() > 1.7
    assert explored.groups.tolist() == [0] * 8 + [1] * 8
    policy = task.space.sample(np.random.default_rng(0))
    np.testing.assert_allclose(explored.unit(explored.point(policy)), task.space.unit(policy))


def test_is_the_usual_one_of_many_parameters() -> None:
    assert [usual_numeric(brief(d).space) for d in (3, 8, 16)] == ['least_squares', 'least_squares', NAME]
    assert [usual_numeric(brief(d).space, noise=0.03) for d in (8, 16)] == ['bayesian', 'bayesian']
    assert make_numeric(NAME, brief(16)).name == NAME
