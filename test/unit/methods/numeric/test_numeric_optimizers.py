import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from chat_server import ChatServer, fail, good
from curved_map import CurvedMap
from numpy.typing import NDArray

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.method import Optimizer, Proposal, ProposalError
from llm_policy_improver.core.objective import Goal, Objective, ObjectiveError, parse_objective
from llm_policy_improver.core.parameters import NEUTRAL_ATTENUATION, ParameterSpace, PolicyParameters
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.trace import ExecutionTrace, Landing, Outcome
from llm_policy_improver.loop.choice import choose_optimizer
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.numeric.numeric import (
    FAILED_LOSS,
    NumericOptimizer,
    observations,
    own_trials,
)
from llm_policy_improver.methods.numeric.screened import ScreenedOptimizer
from llm_policy_improver.methods.registry import MINIMIZERS, NUMERIC, make_numeric
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.task import TableTennis

SPACE = ParameterSpace()
RIGHT = parse_objective('as far right as possible')
POINT = parse_objective('at (0.3, 0.9)')


def trials(task: CurvedMap, count: int, seed: int = 0) -> list[ExecutionTrace]:
    generator = np.random.default_rng(seed)
    return [task.run(PolicyParameters(task.space.sample(generator)), i) for i in range(count)]


def run(optimizer: Optimizer, objective: Objective, trials: int, first_trials: int) -> Improvement:
    improvement = Improvement(objective, optimizer, SPACE, trials=trials, first_trials=first_trials)
    for _ in run_improvement(improvement, CurvedMap(1)):
        pass
    return improvement


@pytest.mark.parametrize('name', NUMERIC)
def test_ten_improvements_pass_the_checks_and_come_closer(name: str) -> None:
    optimizer = make_numeric(name, SPACE, 0)
    assert optimizer.name == name
    improvement = run(optimizer, POINT, 34, 24)
    first = POINT.best(improvement.history[:24])
    assert first is not None
    assert improvement.best is not None
    for step in improvement.steps[24:]:
        assert step.proposal.proposed_by == name
        assert step.verdict == 'accepted'
        assert not step.unchanged
        assert step.reason.endswith('.')
    if name != 'random_search':
        assert POINT.distance(improvement.best) < POINT.distance(first)  # type: ignore[operator]
    # Without state: a new object says the same of the same trials and proposals.
    made = [step.proposal for step in improvement.steps]
    last = make_numeric(name, SPACE, 0).propose(improvement.history[:-1], POINT, made[:-1])
    assert last == replace(made[-1], audits=())


@pytest.mark.parametrize('name', NUMERIC)
def test_without_any_trial_and_without_any_landing_something_is_tried(name: str) -> None:
    optimizer = make_numeric(name, SPACE, 0)
    history: list[ExecutionTrace] = []
    made: list[Proposal] = []
    for _ in range(12):
        proposal = optimizer.propose(history, RIGHT, made)
        assert str(check(proposal.attenuation, history, SPACE)) == 'accepted'
        made.append(proposal)
        history.append(ExecutionTrace(PolicyParameters(proposal.attenuation), Outcome.MISSED))


@pytest.mark.parametrize('name', MINIMIZERS)
def test_an_objective_without_measure_is_refused(name: str) -> None:
    with pytest.raises(ProposalError, match=rf'{name} cannot measure "play well": .* one of far right'):
        make_numeric(name, SPACE, 0).propose([], parse_objective('play well'))


def test_errors_are_signed_and_failures_have_one_loss() -> None:
    neutral, wide = PolicyParameters(), PolicyParameters((1.5,) * 8)
    landed = ExecutionTrace(neutral, Outcome.LANDED, Landing(0.1, 1.0, 0.4), 0.2, 0.5)
    out = ExecutionTrace(neutral, Outcome.OUT, Landing(0.1, 1.5, 0.4), 0.2, 0.5)
    aborted = ExecutionTrace(neutral, Outcome.ABORTED)
    elsewhere = ExecutionTrace(wide, Outcome.LANDED, Landing(0.1, 1.0, 0.4))
    goal = Goal(x=0.3, y=0.9, peak_height=1.0)
    seen = observations([landed, out, aborted, elsewhere], [landed], goal, SPACE)
    # The own one last, what tested nothing and what was out of the bounds left out.
    assert seen.errors[1] == pytest.approx([-0.2, 0.1, -0.5])
    assert seen.losses == pytest.approx([FAILED_LOSS, goal.distance(0.1, 1.0, 0.5)])
    assert (seen.own, len(seen.points)) == (1, 2)


def test_own_trials_are_those_of_the_last_proposals_with_its_name() -> None:
    history = [
        ExecutionTrace(PolicyParameters((1.0 + 0.01 * version,) * 8, version=version), Outcome.OUT)
        for version in (1, 2, 3, 4, 4, 5)
    ]
    made = [
        Proposal(trace.parameters.attenuation, name)
        for trace, name in zip(history[1:], ('adam', 'least_squares', 'adam', 'adam', 'adam'), strict=True)
    ]
    # The fifth trial repeated version 4 for want of a proposal.
    assert own_trials(history, made, 'adam') == [history[1], history[3], history[5]]
    assert own_trials(history, (), 'adam') == []


def test_nelder_mead_goes_on_where_a_restarted_program_left_it() -> None:
    optimizer = make_numeric('nelder_mead', SPACE, 0)
    whole = run(optimizer, POINT, 20, 8)
    reflected = {step.parameters.attenuation for step in whole.steps[8:]}
    assert len(reflected) == 12
    assert 'Nelder-Mead simplex' in whole.steps[-1].reason
    assert 'm from the goal, it changes mostly ' in whole.steps[-1].reason


def test_what_was_tried_is_moved_a_little_and_said() -> None:
    class Stubborn:
        name = 'stubborn'
        step = 'the middle'

        def ask(self, seen: object) -> NDArray[np.float64]:
            return np.zeros(8)

    middle = ExecutionTrace(PolicyParameters(), Outcome.LANDED, Landing(0.0, 0.7, 0.4))
    proposal = NumericOptimizer(Stubborn(), SPACE).propose([middle], RIGHT)
    assert proposal.attenuation != NEUTRAL_ATTENUATION
    assert proposal.attenuation == pytest.approx(NEUTRAL_ATTENUATION, abs=0.009)
    assert 'moved a little as it was tried before' in proposal.reason


@dataclass
class Says:
    """A proposer that always says the same."""

    attenuation: tuple[float, ...]
    name: str = 'sas:test-model'

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        return Proposal(self.attenuation, self.name, analysis='b: left', reason='I think so.')


def far_out(task: CurvedMap) -> tuple[float, ...]:
    """The corner of the cube whose ball flies furthest over the net."""
    corners = np.random.default_rng(0).choice([-1.0, 1.0], size=(256, 8))
    flights = task.flights(corners)
    return SPACE.from_unit(corners[np.argmax(np.where(flights[:, 3] > 0.1, flights[:, 1], -np.inf))])


def test_a_proposal_predicted_off_the_table_is_replaced_and_says_so() -> None:
    task = CurvedMap(1)
    wild = far_out(task)
    assert task.run(PolicyParameters(wild), 0).outcome is Outcome.OUT
    proposal = ScreenedOptimizer(Says(wild), SPACE).propose(trials(task, 40), POINT)
    assert proposal.proposed_by == 'hybrid:test-model'
    assert proposal.verdict.startswith(
        'screen: replaced by the best candidate near the best trial (predicted '
    )
    assert 'as the proposal is predicted to land off the table, at (' in proposal.verdict
    assert proposal.reason.startswith('I think so. The proposal was replaced')
    assert proposal.analysis == 'b: left'
    assert task.run(PolicyParameters(proposal.attenuation), 0).landed


def test_a_proposal_near_something_better_is_refined_and_ends_nearer() -> None:
    task = CurvedMap(1)
    history = trials(task, 60)
    best = POINT.best(history)
    assert best is not None
    asked = SPACE.from_unit(np.clip(SPACE.unit(best.parameters.attenuation) + 0.05, -1, 1))
    proposal = ScreenedOptimizer(Says(asked), SPACE).propose(history, POINT)
    assert proposal.verdict.startswith('screen: refined by the fitted model (')
    assert ' m from the goal), as the proposal is predicted 0.' in proposal.verdict
    moved = SPACE.unit(proposal.attenuation) - SPACE.unit(asked)
    assert 0.0 < np.abs(moved).max() <= 0.26
    before, after = (task.run(PolicyParameters(a), 0) for a in (asked, proposal.attenuation))
    assert POINT.distance(after) < POINT.distance(before)  # type: ignore[operator]


def test_a_good_proposal_passes_as_it_is() -> None:
    task, history = CurvedMap(1), trials(CurvedMap(1), 60)
    for _ in range(6):
        proposal = make_numeric('least_squares', SPACE).propose(history, POINT)
        history.append(task.run(PolicyParameters(proposal.attenuation), 0))
    asked = make_numeric('least_squares', SPACE).propose(history, POINT).attenuation
    proposal = ScreenedOptimizer(Says(asked), SPACE).propose(history, POINT)
    assert proposal.attenuation == asked
    assert proposal.verdict.startswith('screen: passed, as the proposal is predicted 0.')
    assert proposal.reason == 'I think so.'


@pytest.mark.parametrize(
    ('count', 'words', 'why'),
    [
        (0, 'at (0.3, 0.9)', 'no trial can be measured yet'),
        (3, 'at (0.3, 0.9)', 'trials landed and a model of the landing needs 4'),
        (40, 'play well', 'the objective has no measure'),
    ],
)
def test_what_cannot_be_screened_passes_unchanged(count: int, words: str, why: str) -> None:
    asked = (1.1,) * 8
    proposal = ScreenedOptimizer(Says(asked), SPACE).propose(
        trials(CurvedMap(1), count), parse_objective(words)
    )
    assert proposal.attenuation == asked
    assert proposal.verdict.startswith('screen: not screened: ')
    assert proposal.verdict.endswith(why)


def test_a_failure_of_the_proposer_is_not_hidden() -> None:
    class Silent(Says):
        def propose(
            self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
        ) -> Proposal:
            raise ProposalError('no answer', [Exchange((), '', 'test-model')])

    with pytest.raises(ProposalError, match='no answer') as caught:
        ScreenedOptimizer(Silent((1.0,) * 8), SPACE).propose(trials(CurvedMap(1), 40), POINT)
    assert len(caught.value.exchanges) == 1


def test_screening_a_rough_proposer_beats_the_proposer() -> None:
    """A proposer that knows the direction and not the amount, as language models do."""

    class Rough(Says):
        def propose(
            self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
        ) -> Proposal:
            unit = SPACE.unit(make_numeric('least_squares', SPACE).propose(history, objective).attenuation)
            noise = np.random.default_rng(len(history)).normal(0, 0.4, 8)
            return Proposal(SPACE.from_unit(np.clip(unit + noise, -1, 1)), self.name)

    distances = {}
    for screened in (False, True):
        reached = []
        for seed in range(3):
            rough: Optimizer = Rough(())
            optimizer = ScreenedOptimizer(rough, SPACE) if screened else rough
            task, history = CurvedMap(seed), trials(CurvedMap(seed), 24, seed)
            for number in range(8):
                proposal = optimizer.propose(history, POINT)
                history.append(task.run(PolicyParameters(proposal.attenuation), number))
            reached.append(min(POINT.distance(t) or np.inf for t in history if t.landed))
        distances[screened] = float(np.median(reached))
    assert distances[True] < 0.5 * distances[False]


@pytest.mark.parametrize('name', ['nelder_mead', 'knn'])
def test_three_trials_on_the_simulated_arm(name: str) -> None:
    improvement = Improvement(RIGHT, make_numeric(name, SPACE, 0), SPACE, trials=27, first_trials=24)
    results = list(run_improvement(improvement, TableTennis()))
    assert [result.step.proposal.proposed_by for result in results[24:]] == [name] * 3
    assert not any(result.step.unchanged for result in results)
    assert sum(result.trace.landed for result in results[24:]) >= 2
    assert improvement.best is not None
    assert improvement.best.landing is not None
    assert table.on_opponents_half(improvement.best.landing.x, improvement.best.landing.y)


def test_settings_choose_a_numeric_optimizer_that_needs_a_measure() -> None:
    choice = choose_optimizer(OptimizerSettings(optimizer='cma_es', seed=3))
    assert choice.optimizer.name == 'cma_es'
    assert choice.fallback is None
    assert choice.said == 'cma_es proposes, a numeric optimizer and no language model'
    with pytest.raises(ObjectiveError, match='cma_es, which proposes here, is no language model'):
        choice.require(parse_objective('play well'))
    assert 'no language model is configured: least_squares' in choose_optimizer(OptimizerSettings()).said


def test_settings_choose_a_missing_package_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cmaes', None)
    with pytest.raises(SettingsError, match=r'^optimizer cma_es needs the package cmaes: pip install'):
        choose_optimizer(OptimizerSettings(optimizer='cma_es'))


def test_settings_choose_the_hybrid_of_a_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer() as server:
        choice = choose_optimizer(
            OptimizerSettings(optimizer='hybrid', model='test-model', base_url=server.url, request_retries=0)
        )
        assert choice.optimizer.name == 'hybrid:test-model'
        assert 'screened by a model fitted to the trials; least_squares stands in' in choice.said
        choice.require(parse_objective('play well'))
        server.script(good([1.4, 0.6] * 4), fail(500))
        improvement = Improvement(
            POINT, choice.optimizer, SPACE, trials=26, first_trials=24, fallback=choice.fallback
        )
        results = list(run_improvement(improvement, CurvedMap(1)))
    screened, fallen_back = (result.step for result in results[24:])
    assert screened.proposal.proposed_by == 'hybrid:test-model'
    assert 'screen: ' in screened.proposal.verdict
    assert len(screened.proposal.exchanges) == 1
    assert fallen_back.proposal.proposed_by == 'least_squares'
    assert fallen_back.proposal.fallback.startswith('hybrid:test-model gave no usable proposal')
