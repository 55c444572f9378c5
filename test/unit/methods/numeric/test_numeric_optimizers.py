import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from chat_server import ChatServer, fail, good
from curved_map import CurvedMap
from numpy.typing import NDArray

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.finding import Failure, Finding
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.method import Method, ProposalError
from llm_policy_improver.core.objective import Objective, ObjectiveError
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.term import Term, Want
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.checks import check_policy
from llm_policy_improver.methods.hybrid import Hybrid
from llm_policy_improver.methods.numeric.numeric import FAILED_LOSS, NumericMethod, observations, own_trials
from llm_policy_improver.methods.registry import MINIMIZERS, NUMERIC, make_numeric
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures.height import PEAK_HEIGHT
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.measures.speed import HIT_SPEED
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.observed import Outcome, landing_of, trial_of

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('as far right as possible')
POINT = parse_objective('at (0.3, 0.9)')


def trials(task: CurvedMap, count: int, seed: int = 0) -> list[Trial]:
    generator = np.random.default_rng(seed)
    return [task.run(task.space.sample(generator), i) for i in range(count)]


def run(method: Method, objective: Objective, trials: int, first_trials: int) -> Improvement:
    improvement = Improvement(objective, method, SPACE, trials=trials, first_trials=first_trials)
    for _ in run_improvement(improvement, CurvedMap(1)):
        pass
    return improvement


@pytest.mark.parametrize('name', NUMERIC)
def test_ten_improvements_pass_the_checks_and_come_closer(name: str) -> None:
    method = make_numeric(name, BRIEF, 0)
    assert method.name == name
    improvement = run(method, POINT, 34, 24)
    first = POINT.best(improvement.history[:24])
    assert first is not None
    assert improvement.best is not None
    for step in improvement.steps[24:]:
        assert step.proposal.proposed_by == name
        assert step.findings == step.proposal.findings == ()
        assert not step.unchanged
        assert step.reason.endswith('.')
    if name != 'random_search':
        assert POINT.distance(improvement.best) < POINT.distance(first)  # type: ignore[operator]
    # Without state: a new object says the same of the same trials and proposals.
    made = [step.proposal for step in improvement.steps]
    last = make_numeric(name, BRIEF, 0).propose(improvement.history[:-1], POINT, made[:-1])
    assert last == made[-1]


@pytest.mark.parametrize('name', NUMERIC)
def test_without_any_trial_and_without_any_landing_something_is_tried(name: str) -> None:
    method = make_numeric(name, BRIEF, 0)
    history: list[Trial] = []
    made: list[Proposal] = []
    for _ in range(12):
        proposal = method.propose(history, RIGHT, made)
        assert check_policy(proposal, history, SPACE) == (proposal.policy, ())
        made.append(proposal)
        history.append(trial_of(Modulation.of(proposal.parameters), Outcome.MISSED, {}))


@pytest.mark.parametrize('name', MINIMIZERS)
def test_an_objective_without_measure_is_refused(name: str) -> None:
    with pytest.raises(ProposalError, match=rf'{name} cannot measure "play well": it needs other words'):
        make_numeric(name, BRIEF, 0).propose([], parse_objective('play well'))


def landed(x: float, y: float, value: float = 1.0, **measures: float) -> Trial:
    modulation = Modulation.of(SPACE.at((value,) * 8))
    return trial_of(modulation, Outcome.LANDED, {'landing_x': x, 'landing_y': y, **measures})


def wanted(*terms: tuple[Measure, Want]) -> Objective:
    return Objective('words', tuple(Term(measure, want) for measure, want in terms))


def test_errors_are_signed_and_failures_have_one_loss() -> None:
    good = landed(0.1, 1.0, peak_height=0.5, net_clearance=0.2)
    out = trial_of(
        Modulation.of(NEUTRAL), Outcome.OUT, {'landing_x': 0.1, 'landing_y': 1.5, 'peak_height': 0.5}
    )
    aborted = trial_of(Modulation.of(NEUTRAL), Outcome.ABORTED, {})
    elsewhere = landed(0.1, 1.0, 1.5)
    objective = wanted((LANDING_X, 0.3), (LANDING_Y, 0.9), (PEAK_HEIGHT, 1.0))
    seen = observations([good, out, aborted, elsewhere], [good], objective, SPACE)
    # The own one last, what tested nothing and what was out of the bounds left out.
    assert seen.errors[1] == pytest.approx([-0.2, 0.1, -0.5])
    assert seen.losses == pytest.approx([FAILED_LOSS, objective.distance(good)])
    assert (seen.own, len(seen.points)) == (1, 2)


def test_errors_are_weighted_and_none_within_a_range() -> None:
    objective = wanted((LANDING_X, (0.0, 0.2)), (HIT_SPEED, 5.0))
    seen = observations([landed(0.1, 1.0, hit_speed=4.0)], [], objective, SPACE)
    # A metre per second counts as much as 0.2 m.
    assert seen.errors[0] == pytest.approx([0.0, -0.2])


def test_own_trials_are_those_of_the_last_proposals_with_its_name() -> None:
    history = [
        trial_of(Modulation((1.0 + 0.01 * version,) * 8, version=version), Outcome.OUT, {})
        for version in (1, 2, 3, 4, 4, 5)
    ]
    made = [
        Proposal(trial.policy, name)
        for trial, name in zip(history[1:], ('adam', 'least_squares', 'adam', 'adam', 'adam'), strict=True)
    ]
    # The fifth trial repeated version 4 for want of a proposal.
    assert own_trials(history, made, 'adam', SPACE) == [history[1], history[3], history[5]]
    assert own_trials(history, (), 'adam', SPACE) == []


def test_nelder_mead_goes_on_where_a_restarted_program_left_it() -> None:
    whole = run(make_numeric('nelder_mead', BRIEF, 0), POINT, 20, 8)
    reflected = {step.policy for step in whole.steps[8:]}
    assert len(reflected) == 12
    assert 'Nelder-Mead simplex' in whole.steps[-1].reason
    assert ' from the objective, it changes mostly ' in whole.steps[-1].reason


def test_what_was_tried_is_moved_a_little_and_said() -> None:
    class Stubborn:
        name = 'stubborn'
        step = 'the middle'

        def ask(self, seen: object) -> NDArray[np.float64]:
            return np.zeros(8)

    proposal = NumericMethod(Stubborn(), BRIEF).propose([landed(0.0, 0.7)], RIGHT)
    assert proposal.policy != NEUTRAL
    assert proposal.parameters.values == pytest.approx(NEUTRAL.values, abs=0.009)
    assert 'moved a little as it was tried before' in proposal.reason


@dataclass
class Says:
    """A proposer that always says the same."""

    policy: Parameters = NEUTRAL
    name: str = 'sas:test-model'

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        return Proposal(
            self.policy, self.name, analysis='b: left', reason='I think so.', expected={'landing_x': 0.3},
            findings=(Finding('reply', 'read'),),
        )  # fmt: skip


def screened(
    asked: Parameters, history: Sequence[Trial], objective: Objective = POINT
) -> tuple[Proposal, str]:
    """What becomes of a proposal, and what the screen found."""
    proposal = Hybrid(Says(asked), 'test-model', BRIEF).propose(history, objective)
    said, found = proposal.findings
    assert (str(said), found.rule) == ('reply: read', 'screen')
    assert found.changed == (proposal.policy != asked)
    assert proposal.expected == ({} if found.changed else {'landing_x': 0.3})
    return proposal, found.reason


def far_out(task: CurvedMap) -> Parameters:
    """The corner of the cube whose ball flies furthest over the net."""
    corners = np.random.default_rng(0).choice([-1.0, 1.0], size=(256, 8))
    flights = task.flights(corners)
    furthest = np.argmax(np.where(flights[:, 3] > 0.1, flights[:, 1], -np.inf))
    return SPACE.at(SPACE.from_unit(corners[furthest]))


def test_a_proposal_predicted_off_the_table_is_replaced_and_says_so() -> None:
    task = CurvedMap(1)
    wild = far_out(task)
    assert task.run(wild, 0).outcome is Outcome.OUT
    proposal, found = screened(wild, trials(task, 40))
    assert proposal.proposed_by == 'hybrid:test-model'
    assert found.startswith('replaced by the best candidate near the best trial (predicted ')
    assert 'as the proposal is predicted to fail, with y at ' in found
    assert proposal.reason.startswith('I think so. The proposal was replaced')
    assert proposal.analysis == 'b: left'
    assert task.run(proposal.parameters, 0).succeeded


def test_a_proposal_near_something_better_is_refined_and_ends_nearer() -> None:
    task = CurvedMap(1)
    history = trials(task, 60)
    best = POINT.best(history)
    assert best is not None
    asked = SPACE.at(SPACE.from_unit(np.clip(SPACE.unit(best.policy) + 0.05, -1, 1)))
    proposal, found = screened(asked, history)
    assert found.startswith('refined by the fitted model (')
    assert ' from the objective), as the proposal is predicted 0.' in found
    moved = SPACE.unit(proposal.policy) - SPACE.unit(asked)
    assert 0.0 < np.abs(moved).max() <= 0.26
    before, after = (task.run(policy, 0) for policy in (asked, proposal.parameters))
    assert POINT.distance(after) < POINT.distance(before)  # type: ignore[operator]


def test_a_good_proposal_passes_as_it_is() -> None:
    task, history = CurvedMap(1), trials(CurvedMap(1), 60)
    for _ in range(6):
        proposal = make_numeric('least_squares', BRIEF).propose(history, POINT)
        history.append(task.run(proposal.parameters, 0))
    asked = make_numeric('least_squares', BRIEF).propose(history, POINT).parameters
    proposal, found = screened(asked, history)
    assert proposal.policy == asked
    assert found.startswith('passed, as the proposal is predicted 0.')
    assert proposal.reason == 'I think so.'


@pytest.mark.parametrize(
    ('count', 'words', 'why'),
    [
        (0, 'at (0.3, 0.9)', 'no trial can be measured yet'),
        (3, 'at (0.3, 0.9)', 'trials tell landing_x and a model of it needs 4'),
        (40, 'play well', 'the objective has no measure'),
    ],
)
def test_what_cannot_be_screened_passes_unchanged(count: int, words: str, why: str) -> None:
    asked = SPACE.at((1.1,) * 8)
    proposal, found = screened(asked, trials(CurvedMap(1), count), parse_objective(words))
    assert proposal.policy == asked
    assert found.startswith('not screened: ')
    assert found.endswith(why)


def test_a_failure_of_the_proposer_is_not_hidden() -> None:
    class Silent(Says):
        def propose(
            self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
        ) -> Proposal:
            raise ProposalError('no answer', [Exchange((), '', 'test-model')])

    with pytest.raises(ProposalError, match='no answer') as caught:
        Hybrid(Silent(), 'test-model', BRIEF).propose(trials(CurvedMap(1), 40), POINT)
    assert len(caught.value.exchanges) == 1


def test_screening_a_rough_proposer_beats_the_proposer() -> None:
    """A proposer that knows the direction and not the amount, as language models do."""

    class Rough(Says):
        def propose(
            self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
        ) -> Proposal:
            unit = SPACE.unit(make_numeric('least_squares', BRIEF).propose(history, objective).policy)
            noise = np.random.default_rng(len(history)).normal(0, 0.4, 8)
            return Proposal(SPACE.at(SPACE.from_unit(np.clip(unit + noise, -1, 1))), self.name)

    distances = {}
    for screening in (False, True):
        reached = []
        for seed in range(3):
            rough: Method = Rough()
            method = Hybrid(rough, 'test-model', BRIEF) if screening else rough
            task, history = CurvedMap(seed), trials(CurvedMap(seed), 24, seed)
            for number in range(8):
                proposal = method.propose(history, POINT)
                history.append(task.run(proposal.parameters, number))
            reached.append(min(POINT.distance(t) or np.inf for t in history if t.succeeded))
        distances[screening] = float(np.median(reached))
    assert distances[True] < 0.5 * distances[False]


@pytest.mark.parametrize('name', ['nelder_mead', 'knn'])
def test_three_trials_on_the_simulated_arm(name: str) -> None:
    method = make_numeric(name, BRIEF, 0)
    improvement = Improvement(RIGHT, method, SPACE, trials=27, first_trials=24)
    results = list(run_improvement(improvement, TableTennis()))
    assert [result.step.proposal.proposed_by for result in results[24:]] == [name] * 3
    assert not any(result.step.unchanged for result in results)
    assert sum(result.trial.succeeded for result in results[24:]) >= 2
    assert improvement.best is not None
    landing = landing_of(improvement.best)
    assert landing is not None
    assert table.on_opponents_half(landing.x, landing.y)


def test_settings_choose_a_numeric_optimizer_that_needs_a_measure() -> None:
    assembly = assemble(OptimizerSettings(method='cma_es', seed=3))
    assert assembly.method.name == 'cma_es'
    assert assembly.fallback is None
    assert assembly.said == 'cma_es proposes, a numeric optimizer and no language model'
    with pytest.raises(ObjectiveError, match='cma_es, which proposes here, is no language model'):
        assembly.objective('play well')
    assert 'no language model is configured: least_squares' in assemble(OptimizerSettings()).said


def test_settings_choose_a_missing_package_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cmaes', None)
    with pytest.raises(SettingsError, match=r'^method cma_es needs the package cmaes: pip install'):
        assemble(OptimizerSettings(method='cma_es'))


def test_settings_choose_the_hybrid_of_a_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer() as server:
        assembly = assemble(
            OptimizerSettings(
                method='hybrid', model='test-model', base_url=server.url, request_retries=0, trials=26,
                all_trials=True, rank_by_model=True,
            )
        )  # fmt: skip
        assert assembly.method.name == 'hybrid:test-model'
        assert 'screened by a model fitted to the trials; least_squares stands in' in assembly.said
        assert not assembly.objective('play well').measurable
        server.script(good([1.4, 0.6] * 4), fail(500))
        improvement = assembly.improvement(POINT)
        results = list(run_improvement(improvement, CurvedMap(1)))
    first, second = (result.step for result in results[24:])
    assert first.proposal.proposed_by == 'hybrid:test-model'
    assert 'screen' in [finding.rule for finding in first.proposal.findings]
    assert len(first.proposal.exchanges) == 1
    assert second.proposal.proposed_by == 'least_squares'
    (in_vain,) = second.proposal.instead_of
    assert (in_vain.method, in_vain.failure) == ('hybrid:test-model', Failure.UNUSABLE)
    assert str(in_vain).startswith('hybrid:test-model gave no usable proposal (')
