"""ICPI through its whole path: a real task, the real client, a real local endpoint."""

from collections.abc import Iterator

import numpy as np
import pytest
import scripted_pattern
from chat_server import ChatServer, say

from llm_policy_improver.core.chat import Ending
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.vector_cells import VectorRun, run_vector
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods.icpi.experience import Experience
from llm_policy_improver.methods.icpi.icpi import Icpi
from llm_policy_improver.methods.icpi.query import Told
from llm_policy_improver.methods.registry import BY_EXAMPLES, make_numeric
from llm_policy_improver.tasks.problem import Problem
from llm_policy_improver.tasks.problems import make_problem

PROBLEM = make_problem('slide_gc', 0)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(scripted_pattern.answer) as server:
        yield server


def endpoint(server: ChatServer) -> Endpoint:
    return Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': 'none'})


def method(server: ChatServer, problem: Problem = PROBLEM, told: Told = Told.ERROR) -> Icpi:
    experience = Experience(problem.brief.space, problem.examples, told=told)
    return Icpi(endpoint(server), problem.brief, experience)


def first_trial(problem: Problem = PROBLEM) -> Trial:
    return problem.task.run(problem.brief.space.neutral, 0)


def prompt(server: ChatServer) -> str:
    return str(server.requests[-1]['messages'][0]['content'])


def test_error_comes_down(server: ChatServer) -> None:
    row = run_vector(VectorRun('slide_gc', 'icpi', 'test-model', 1, evaluations=8), endpoint(server))
    assert row['curve'][0] > 0.5
    assert row['best'] < 0.03
    assert row['interactions'] == len(row['curve']) == 8
    assert row['tokens'] == row['requests'] * 120


def test_prompt_shows_twenty_examples_the_nearest_last_and_the_trials_of_the_run(server: ChatServer) -> None:
    trial = first_trial()
    method(server).propose([trial], PROBLEM.objective)
    solved, run, last, bounds = scripted_pattern.read_pattern(prompt(server))
    assert solved.shape == (20, 3 + 2 + 3)
    assert run.shape == (1, 5)
    assert np.array_equal(run[0], last)
    values = PROBLEM.brief.space.values(trial)
    assert last[:3] == pytest.approx(values, abs=1e-4)
    wanted = [term.interval[0] for term in PROBLEM.objective.terms]
    assert last[3:] == pytest.approx(
        [trial.measures['rest_x'] - wanted[0], trial.measures['rest_y'] - wanted[1]], abs=1e-4
    )
    far = np.linalg.norm(((solved[:, :5] - last) / solved[:, :5].std(axis=0)), axis=1)
    assert far[-1] < far[0]
    assert bounds.tolist() == [
        list(pair) for pair in zip(PROBLEM.brief.space.low, PROBLEM.brief.space.high, strict=True)
    ]
    assert 'The best so far is trial 1' in prompt(server)


def test_prompt_tells_state_and_goal_apart_where_asked(server: ChatServer) -> None:
    server.script(say('0.01 0.01 0.01'))
    method(server, told=Told.STATE_AND_GOAL).propose([first_trial()], PROBLEM.objective)
    text = prompt(server)
    query = next(line for line in text.splitlines() if line.endswith('| ?'))
    assert len(scripted_pattern._numbers(query)) == 3 + 4
    assert 'what came of it, then what was wanted' in text


def test_change_is_added_rounded_and_kept_within_the_bounds(server: ChatServer) -> None:
    server.script(say('I think\n-9 0.012345 +0'))
    trial = first_trial()
    proposal = method(server).propose([trial], PROBLEM.objective)
    space = PROBLEM.brief.space
    before = space.values(trial)
    assert space.values(proposal) == pytest.approx((space.low[0], before[1] + 0.0123, before[2]))
    assert proposal.proposed_by == 'icpi:test-model'
    assert proposal.reason == 'icpi:test-model: the parameters of trial 1, changed as the examples suggest.'


def test_reply_that_cannot_be_used_is_asked_for_again(server: ChatServer) -> None:
    server.script(say('no idea'), say('0.01 0.02 0.03'))
    proposal = method(server).propose([first_trial()], PROBLEM.objective)
    assert [exchange.ending for exchange in proposal.exchanges] == [Ending.REFUSED, Ending.ACCEPTED]
    asked_again = server.requests[-1]['messages'][-1]['content']
    assert asked_again.startswith('This cannot be used: there is no line of 3 numbers in it.')


@pytest.mark.parametrize(
    ('reply', 'why'),
    [
        ('', 'there is no line of 3 numbers in it'),
        ('1 2', 'the last line with numbers has 2 of them, and 3 are needed'),
        ('1 2 3\nsure of it: 99 %', 'the last line with numbers has 1 of them, and 3 are needed'),
        ('0 0 0', 'these parameters are those of trial 1 again; change at least one of them'),
    ],
)
def test_reply_without_a_usable_change_is_refused_with_the_reason(
    server: ChatServer, reply: str, why: str
) -> None:
    server.script(say(reply), say(reply))
    with pytest.raises(ProposalError, match=why) as refused:
        method(server).propose([first_trial()], PROBLEM.objective)
    assert len(refused.value.exchanges) == 2


def test_without_a_trial_that_could_be_measured_nothing_is_asked(server: ChatServer) -> None:
    failed = Trial(PROBLEM.brief.space.neutral, 'failed')
    with pytest.raises(ProposalError, match='no trial could be measured yet'):
        method(server).propose([failed], PROBLEM.objective)
    with pytest.raises(ProposalError, match='needs other words'):
        method(server).propose([first_trial()], Objective('nicely'))
    assert not server.requests


def test_without_given_examples_the_run_itself_gives_them(server: ChatServer) -> None:
    space = PROBLEM.brief.space
    generator = np.random.default_rng(0)
    history = [PROBLEM.task.run(space.sample(generator), 0) for _ in range(6)]
    Icpi(endpoint(server), PROBLEM.brief).propose(history, PROBLEM.objective)
    solved, run, _, _ = scripted_pattern.read_pattern(prompt(server))
    assert len(run) == 6
    assert 0 < len(solved) <= 20
    for row in solved:
        assert any(np.allclose(row[:3], space.values(trial), atol=1e-4) for trial in history)


def test_same_history_gives_the_same_prompt(server: ChatServer) -> None:
    icpi, trial = method(server), first_trial()
    assert icpi.messages([trial], PROBLEM.objective) == icpi.messages([trial], PROBLEM.objective)


@pytest.mark.parametrize('name', BY_EXAMPLES)
def test_numeric_peers_learn_from_the_same_examples(name: str) -> None:
    row = run_vector(VectorRun('slide_gc', name, '', 1, evaluations=8))
    assert row['best'] < 0.5 * row['curve'][0]


@pytest.mark.parametrize('name', BY_EXAMPLES)
def test_numeric_peers_say_what_they_lack(name: str) -> None:
    peer = make_numeric(name, PROBLEM.brief)
    with pytest.raises(ProposalError, match='needs solved examples'):
        peer.propose([first_trial()], PROBLEM.objective)
