"""OPRO through its whole path: real tasks, the real client, a real local endpoint."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import scripted_scores
from chat_server import Answer, ChatServer, say
from click.testing import CliRunner
from recorded_run import improve_with_model

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.chat import Ending
from llm_policy_improver.core.method import Method, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.vector_cells import VectorRun, run_vector
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods.registry import make_with_model
from llm_policy_improver.methods.setup import MethodSetup
from llm_policy_improver.runs.prompt_preview import preview
from llm_policy_improver.runs.replay import ReplayResult, replay
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.tasks.problems import make_problem

PROBLEM = make_problem('slide_gc', 0)
SPACE = PROBLEM.brief.space


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(scripted_scores.answer) as server:
        yield server


def endpoint(server: ChatServer) -> Endpoint:
    return Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': 'none'})


def method(server: ChatServer) -> Method:
    return make_with_model('opro', MethodSetup(endpoint(server), PROBLEM.brief))


def prompt(server: ChatServer) -> str:
    return str(server.requests[-1]['messages'][0]['content'])


def rows(server: ChatServer) -> list[str]:
    return prompt(server).split('| score\n')[-1].split('| x y outcome\n')[-1].split('\n\n')[0].splitlines()


def trials(count: int) -> list[Trial]:
    generator = np.random.default_rng(0)
    drawn = (SPACE.rounded(SPACE.sample(generator).values) for _ in range(count))
    return [PROBLEM.task.run(SPACE.at(values), 0) for values in drawn]


def named(*values: Sequence[float], reason: str = 'These look good.') -> Answer:
    candidates = [dict(zip(SPACE.names, each, strict=True)) for each in values]
    return say(json.dumps({'nearest': 2, 'reason': reason, 'candidates': candidates}))


def played(proposal: Proposal) -> Trial:
    return PROBLEM.task.run(proposal.policy, 0)


def test_prompt_lists_the_best_twenty_trials_from_worst_to_best(server: ChatServer) -> None:
    history = trials(25)
    method(server).propose(history, PROBLEM.objective)
    told = scripted_scores.read_scores(prompt(server))
    distances = sorted(PROBLEM.objective.distance(trial) or 0.0 for trial in history)
    assert told.scores == pytest.approx(distances[:20][::-1], abs=6e-4)
    best = PROBLEM.objective.best(history)
    assert best is not None
    assert told.trials[-1] == pytest.approx(SPACE.values(best), abs=6e-5)
    assert told.count == 8
    assert told.low.tolist() == list(SPACE.low)


def test_trial_that_failed_stands_before_all_others_with_its_outcome(server: ChatServer) -> None:
    brief, objective = make_brief(parameter_space(Searched.ATTENUATION)), parse_objective('at (0.3, 0.9)')
    neutral = brief.space.neutral
    landed = {
        'landing_x': 0.1,
        'landing_y': 0.8,
        'bounce_time': 0.4,
        'net_clearance': 0.1,
        'peak_height': 0.3,
    }
    nearest, farthest = brief.outcomes[0], 'missed entirely'
    history = [
        Trial(neutral, 'landed', landed, succeeded=True),
        Trial(neutral, nearest),
        Trial(neutral, farthest),
        Trial(neutral, 'no word of it', tested=False),
    ]
    make_with_model('opro', MethodSetup(endpoint(server), brief)).propose(history, objective)
    shown = [line.split('| ')[1] for line in rows(server)]
    assert shown[:2] == [farthest, nearest]
    assert float(shown[2]) == pytest.approx(objective.distance(history[0]), abs=6e-4)
    assert len(shown) == 3


def test_without_a_measure_outcomes_stand_in_for_scores_and_the_models_word_decides(
    server: ChatServer,
) -> None:
    history = trials(3)
    word = Proposal(history[2].policy, 'opro:test-model', nearest=1)
    proposal = method(server).propose(history, Objective('nicely'), [Proposal(SPACE.neutral, 'x'), word])
    assert 'No program can score this' in prompt(server)
    first, *_, last = rows(server)
    assert last.startswith('1: ')
    measures = history[0].measures
    assert last.split('| ')[1] == f'{measures["rest_x"]:.3f} {measures["rest_y"]:.3f} done'
    assert first.endswith(' done')
    assert proposal.nearest == 1


def test_eight_candidates_of_one_reply_are_played_one_after_the_other(server: ChatServer) -> None:
    opro, history, earlier = method(server), trials(5), list[Proposal]()
    for place in range(9):
        proposal = opro.propose(history, PROBLEM.objective, earlier)
        assert proposal.proposed_by == opro.name == 'opro:test-model'
        assert len(server.requests) == (1 if place < 8 else 2)
        assert len(proposal.exchanges) == (1 if place in (0, 8) else 0)
        earlier.append(proposal)
        history.append(played(proposal))
    assert len({proposal.policy for proposal in earlier}) == 9
    assert earlier[0].reason == 'Steps from the best ones. 7 more candidates of this reply wait.'
    assert earlier[7].reason == 'Steps from the best ones.'
    # Another one gives the same answer to the same trials: nothing is kept but what the proposals hold.
    again = method(server).propose(history[:8], PROBLEM.objective, earlier[:3])
    assert again.policy == earlier[3].policy
    assert len(server.requests) == 2


def test_candidate_that_may_not_be_tried_is_passed_over(server: ChatServer) -> None:
    history = trials(2)
    known = SPACE.values(history[0])
    server.script(named([9.0, 9.0, 9.0], [0.1, 0.2, 0.3], known, [0.1, 0.2, 0.3], [0.2, 0.2, 0.4], reason=''))
    opro = method(server)
    first = opro.propose(history, PROBLEM.objective)
    assert SPACE.values(first) == (0.1, 0.2, 0.3)
    assert first.reason == 'The model gave no reason. 2 more candidates of this reply wait.'  # one came twice
    second = opro.propose([*history, played(first)], PROBLEM.objective, [first])
    assert SPACE.values(second) == (0.2, 0.2, 0.4)
    assert len(server.requests) == 1


def test_candidates_are_left_where_another_method_had_to_stand_in(server: ChatServer) -> None:
    opro, history = method(server), trials(2)
    first = opro.propose(history, PROBLEM.objective)
    history += [played(first), PROBLEM.task.run(SPACE.neutral, 0)]
    opro.propose(history, PROBLEM.objective, [first, Proposal(SPACE.neutral, 'least_squares')])
    assert len(server.requests) == 2


def test_reply_that_cannot_be_used_is_asked_for_again(server: ChatServer) -> None:
    server.script(named([9.0, 9.0, 9.0]), named([0.1, 0.2, 0.3]))
    proposal = method(server).propose(trials(1), PROBLEM.objective)
    assert [exchange.ending for exchange in proposal.exchanges] == [Ending.REFUSED, Ending.ACCEPTED]
    asked_again = str(server.requests[-1]['messages'][-1]['content'])
    assert asked_again.startswith('This cannot be used: out of bounds: alpha')
    assert 'a list of 8 different sets of numbers' in asked_again
    server.script(say('no idea'), say('no idea'))
    with pytest.raises(ProposalError, match='no JSON object') as refused:
        method(server).propose(trials(1), PROBLEM.objective)
    assert len(refused.value.exchanges) == 2


@pytest.mark.parametrize('task', ['f1_8', 'f2_8', 'slide_gc'])
def test_better_than_random_search_with_the_same_seeds_and_budgets(server: ChatServer, task: str) -> None:
    seeds = range(3)
    found = [run_vector(VectorRun(task, 'opro', 'test-model', seed), endpoint(server)) for seed in seeds]
    random = [run_vector(VectorRun(task, 'random_search', '', seed)) for seed in seeds]
    assert [row['interactions'] for row in found] == [row['interactions'] for row in random]
    assert np.mean([row['best'] for row in found]) < 0.9 * np.mean([row['best'] for row in random])
    assert sum(row['requests'] for row in found) == len(server.requests)


def test_run_of_the_arm_is_improved_previewed_and_replayed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read = scripted_scores.answer
    improve_with_model(monkeypatch, tmp_path / 'run', read, read, first=6, steps=9, method='opro')
    with RunStore.open(tmp_path / 'run') as store:
        assert ReplayResult(tuple(replay(store))).sentence == (
            'identical: all 15 steps gave the stored parameters; all 2 prompts are the same.'
        )
        seventh, eighth, fifteenth = (preview(store, step) for step in (7, 8, 15))
    assert seventh.same_as_sent
    assert fifteenth.same_as_sent
    assert not eighth.messages
    assert eighth.notes[0].startswith('nothing is asked for step 8: ')


def test_bench_methods_has_it_among_those_that_ask_a_model(server: ChatServer, tmp_path: Path) -> None:
    model = ['--method', 'opro', '--model', 'test-model', '--base-url', server.url]
    small = ['--task', 'slide_gc', '--seeds', '1', '--evaluations', '14', '--json', '--output', str(tmp_path)]
    result = CliRunner(env={'OPENAI_API_KEY': 'none'}).invoke(cli, ['bench', 'methods', *model, *small])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)['rows']
    assert (row['method'], row['interactions'], row['requests']) == ('opro', 14, 2)
