"""PromptPO through its whole path: a real task, the real client, a real local endpoint, the real sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chat_server import ChatServer, say
from program_runs import asked, endpoint, improvement_of, method_for, outcomes, played, proposals
from scripted_programmer import CRASHING, FEEDBACK, PLANNER, RIGHT, fenced, is_for, programmer

from llm_policy_improver.core.environment import Environment
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.policy import Program
from llm_policy_improver.experiments.program_cells import OBJECTIVE, ProgramRun, run_program
from llm_policy_improver.loop.improvement_result import End
from llm_policy_improver.methods.prompt_po.options import PromptPoOptions
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.noise_world.environment import BOARD_0
from llm_policy_improver.tasks.noise_world.exact import optimal_plan
from llm_policy_improver.tasks.program_task import CRASHED, PLAYED, RETURN, ProgramTask

BAD_FEEDBACK = """
class Feedback:
    def summarize_trajectory(self, traj):
        return traj['speed']
"""
ENDLESS_FEEDBACK = """
class Feedback:
    def summarize_trajectory(self, traj):
        while True:
            pass
"""
LONG_FEEDBACK = """
class Feedback:
    def summarize_trajectory(self, traj):
        return 'word\\n' * 10_000
"""


@pytest.fixture(scope='module')
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(call_seconds=0.3)) as sandbox:
        yield sandbox


@pytest.fixture
def board() -> Environment:
    return BOARD_0()


def requests_for(server: ChatServer, what: str) -> list[list[str]]:
    return [
        [str(message['content']) for message in request['messages']]
        for request in server.requests
        if is_for(request) == what
    ]


def test_planner_reaches_the_optimum_of_a_board(sandbox: Sandbox) -> None:
    with ChatServer(programmer(RIGHT, PLANNER)) as server:
        row = run_program(
            ProgramRun('noise_world_0', 'prompt_po', 'test-model', 0, evaluations=3, unseen=20),
            endpoint(server),
        )
    assert row['best'] == pytest.approx(optimal_plan(BOARD_0.board).optimum, abs=0.01)
    assert row['exact']
    assert row['kind'] == 'planner'
    assert row['curve'][0] < -1000 < row['curve'][-1]


def test_first_prompt_tells_the_task_and_nothing_hidden(sandbox: Sandbox, board: Environment) -> None:
    with ChatServer(programmer(RIGHT)) as server:
        played('prompt_po', server, board, sandbox, 1)
    assert [is_for(request) for request in server.requests] == ['feedback', 'program']
    (text,) = asked(server)
    brief = board.brief
    for told in (brief.text, brief.observation_code, brief.action_code, brief.reward_code):
        assert told.strip() in text
    assert 'at most 25 steps' in text
    assert 'It may import numpy, and of the standard library' in text
    assert 'each call 0.3 s' in text
    assert 'Making an object may take 60 s' in text
    assert 'None: this is the first round.' in text
    assert '$' not in text


def test_candidates_of_a_round_get_the_same_prompt_and_the_next_round_hears_of_its_winner(
    sandbox: Sandbox, board: Environment
) -> None:
    with ChatServer(programmer(RIGHT, PLANNER)) as server:
        run = played('prompt_po', server, board, sandbox, 4)
    written = requests_for(server, 'program')
    assert written[0] == written[1]
    assert written[2] == written[3] != written[0]
    assert [p.memos['round'] + p.memos['candidate'] for p in proposals(run)] == ['11', '12', '21', '22']
    text = written[2][0]
    winner = run.history[1]
    assert '## Round 1, the best so far' in text
    assert PLANNER.strip() in text
    assert RIGHT.strip() not in text
    assert f'mean return {winner.measures[RETURN.name]:.5g}, standard error ' in text
    assert text.count('steps, ended at') == 3
    assert 'Reflection: The latest one does better. It plans. Go on with it.' in text
    assert len(requests_for(server, 'reflection')) == 1
    assert proposals(run)[2].memos['reflection'].startswith('The latest one does better.')


def test_program_that_crashes_goes_back_with_its_traceback_and_is_mended(
    sandbox: Sandbox, board: Environment
) -> None:
    with ChatServer(programmer(CRASHING, PLANNER)) as server:
        run = played('prompt_po', server, board, sandbox, 2)
    assert outcomes(run) == [CRASHED, PLAYED]
    first, second = requests_for(server, 'program')
    assert second[0] == first[0]
    assert CRASHING.strip() in second[1]
    assert "AttributeError: 'Policy' object has no attribute 'speed'" in second[2]
    assert 'return self.speed' in second[2]
    assert [p.memos['repair'] for p in proposals(run)] == ['0', '1']


def test_program_that_cannot_be_mended_is_given_up(sandbox: Sandbox, board: Environment) -> None:
    with ChatServer(programmer(CRASHING)) as server:
        run = played('prompt_po', server, board, sandbox, 9)
    assert set(outcomes(run)) == {CRASHED}
    places = [tuple(p.memos[name] for name in ('round', 'candidate', 'repair')) for p in proposals(run)]
    assert places == [('1', c, r) for c in '12' for r in '0123'] + [('2', '1', '0')]
    assert 'None of 8 programs ran to its end.' in requests_for(server, 'program')[-1][0]


def test_run_returns_its_best_program_and_not_its_last(sandbox: Sandbox, board: Environment) -> None:
    with ChatServer(programmer(PLANNER, RIGHT)) as server:
        run = played('prompt_po', server, board, sandbox, 3)
    assert run.best is run.history[0]
    assert run.result().best_policy == Program(PLANNER.strip() + '\n', 'Policy')


def test_program_that_was_tried_is_refused(sandbox: Sandbox, board: Environment) -> None:
    replies = [fenced(FEEDBACK), fenced(RIGHT), fenced(RIGHT), fenced(PLANNER)]
    with ChatServer() as server:
        server.script(*map(say, replies))
        run = played('prompt_po', server, board, sandbox, 2)
        assert asked(server)[-1].startswith(
            'This cannot be used: this program is that of trial 1 again; change it.'
        )
    assert outcomes(run) == [PLAYED, PLAYED]


@pytest.mark.parametrize('feedback', [BAD_FEEDBACK, ENDLESS_FEEDBACK])
def test_feedback_class_that_fails_is_mended_when_there_is_an_episode(
    sandbox: Sandbox, board: Environment, feedback: str
) -> None:
    replies = [feedback, RIGHT, PLANNER, FEEDBACK]
    with ChatServer(programmer(PLANNER)) as server:
        server.script(*(say(fenced(reply)) for reply in replies))
        run = played('prompt_po', server, board, sandbox, 3)
    memos = [proposal.memos.get('feedback') for proposal in proposals(run)]
    assert memos == [feedback.strip() + '\n', None, FEEDBACK.strip() + '\n']
    _, again = requests_for(server, 'feedback')
    assert feedback.strip() in again[1]
    assert ('KeyError' if feedback is BAD_FEEDBACK else 'took longer than 0.3 s') in again[2]
    assert 'steps, ended at' in proposals(run)[2].memos['lines']


def test_feedback_class_that_never_works_is_done_without(sandbox: Sandbox, board: Environment) -> None:
    with ChatServer(programmer(RIGHT, PLANNER, feedback=BAD_FEEDBACK)) as server:
        run = played('prompt_po', server, board, sandbox, 5)
    assert outcomes(run) == [PLAYED] * 5
    assert [p.memos.get('feedback') for p in proposals(run)][2] == ''
    assert len(requests_for(server, 'feedback')) == 3
    assert 'Its episodes:' not in requests_for(server, 'program')[-1][0]


def test_feedback_lines_are_cut_to_a_length(sandbox: Sandbox, board: Environment) -> None:
    with ChatServer(programmer(RIGHT, PLANNER, feedback=LONG_FEEDBACK)) as server:
        run = played('prompt_po', server, board, sandbox, 3)
    lines = proposals(run)[2].memos['lines'].splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 302 and line.startswith('- word word') for line in lines)


@pytest.mark.parametrize(
    ('reply', 'why'),
    [
        ('I would go right.', 'there is no Python code in it'),
        ('<think>```python\nclass Policy: ...\n```', 'there is no Python code in it'),
        ('```python\nclass Walker:\n    pass\n```', 'the program defines no Policy at its top level'),
        (
            '```python\nclass Policy:\n    def act(self, obs):\n        return (',
            'the program is no Python in line 3',
        ),
    ],
)
def test_reply_without_a_program_is_refused_with_the_reason(
    sandbox: Sandbox, board: Environment, reply: str, why: str
) -> None:
    with ChatServer(say(reply)) as server:
        server.script(say(fenced(FEEDBACK)))
        with pytest.raises(ProposalError, match=why) as refused:
            method_for('prompt_po', server, board, sandbox).propose([], OBJECTIVE)
    assert len(refused.value.exchanges) == 3


def test_run_without_any_program_ends_and_says_why(sandbox: Sandbox, board: Environment) -> None:
    with ChatServer(say('no idea')) as server:
        run = played('prompt_po', server, board, sandbox, 9)
    assert run.end is End.NO_PROPOSALS
    assert 'there is no Python code in it' in run.result().stopped


def test_long_histories_lose_the_sources_of_older_rounds_first(sandbox: Sandbox, board: Environment) -> None:
    options = PromptPoOptions(candidates=1, history_tokens=900)
    with ChatServer(programmer(RIGHT, PLANNER)) as server:
        method = method_for('prompt_po', server, board, sandbox, options)
        run = improvement_of(method, board, 6)
        task = ProgramTask(board, sandbox, 3)
        while not run.done:
            run.record(run.propose().play(task, run.history))
    text = requests_for(server, 'program')[-1][0]
    assert RIGHT.strip() not in text
    assert text.count('## Round ') == 5
    assert 1 <= text.count('class Policy:') < 5


def test_interrupted_run_goes_on_with_the_same_prompt(
    sandbox: Sandbox, board: Environment, tmp_path: Path
) -> None:
    with ChatServer(programmer(RIGHT, PLANNER)) as server:
        method = method_for('prompt_po', server, board, sandbox)
        run, task = improvement_of(method, board, 5), ProgramTask(board, sandbox, 3)
        with RunStore.create(tmp_path / 'run', {}) as store:
            for _ in range(4):
                step = run.propose()
                store.add_step('the largest mean return', step)
                run.record(store.add_trial(step.play(task, run.history)))
        before = len(server.requests)
        run.propose()
        uninterrupted = server.requests[before:]
        with RunStore.open(tmp_path / 'run') as store:
            trials = [replace(trial, samples=store.episodes(trial.number)) for trial in store.trials()]
            steps = [stored.step for stored in store.steps()]
        assert [step.proposal.memos for step in steps] == [proposal.memos for proposal in proposals(run)[:4]]
        assert [step.policy for step in steps] == [step.policy for step in run.steps[:4]]
        resumed = improvement_of(method_for('prompt_po', server, board, sandbox), board, 5)
        resumed.restore(list(zip(steps, trials, strict=True)))
        before = len(server.requests)
        resumed.propose()
        assert server.requests[before:] == uninterrupted


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [
        ({'candidates': 0}, 'candidates must be 1 to 100'),
        ({'repairs': -1}, 'must be 0 to 10'),
        ({'longest_line': 1}, 'at least 20'),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PromptPoOptions(**wrong)  # type: ignore[arg-type]
