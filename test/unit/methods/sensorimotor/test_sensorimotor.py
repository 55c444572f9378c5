"""Sensory-motor control through its whole path, on a point that is pushed, and on cart and pole where installed."""

from collections.abc import Iterator

import pytest
from chat_server import ChatServer, say
from double_integrator import DoubleIntegrator
from program_runs import endpoint, improvement_of, method_for, outcomes, played, proposals
from scripted_controller import BRAKE, CRASHING, PUSH, controller, texts

from llm_policy_improver.core.environment import Transition
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments.program_cells import OBJECTIVE, ProgramRun, run_program
from llm_policy_improver.loop.improvement_result import End
from llm_policy_improver.methods.sensorimotor.experience import steps_text
from llm_policy_improver.methods.sensorimotor.options import SensorimotorOptions
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.program_task import CRASHED, PLAYED, RETURN, ProgramTask
from llm_policy_improver.tasks.registry import make_environment

POINT = DoubleIntegrator()
BALANCE = """
def get_action(cart_position, cart_velocity, pole_angle, pole_velocity):
    return 1 if pole_angle + 0.5 * pole_velocity > 0.0 else 0
"""


@pytest.fixture(scope='module')
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def test_an_iteration_is_three_requests_that_know_only_what_they_are_given(sandbox: Sandbox) -> None:
    with ChatServer(controller(PUSH)) as server:
        run = played('sensorimotor', server, POINT, sandbox, 1)
        (reasoning,), (rules,), (code,) = (
            texts(server.requests, what) for what in ('reasoning', 'rules', 'code')
        )
    assert all(len(chat) == 1 for chat in (reasoning, rules, code))
    assert POINT.brief.text in reasoning[0]
    assert POINT.brief.reward_code.strip() in reasoning[0]
    assert 'idea 1: IF position > 0 THEN push back ELSE push on' in rules[0]
    assert 'hm' not in rules[0].split('---')[1]
    assert POINT.brief.text not in rules[0]
    assert 'Rule 1: IF position > 0 THEN force = -1 ELSE force = 1' in code[0]
    assert 'get_action(position, velocity)' in code[0]
    assert proposals(run)[0].memos['rules'] == 'Rule 1: IF position > 0 THEN force = -1 ELSE force = 1'
    assert outcomes(run) == [PLAYED]


def test_later_iterations_hear_of_current_previous_and_best_rules(sandbox: Sandbox) -> None:
    with ChatServer(controller(BRAKE, PUSH, PUSH + '# again\n')) as server:
        run = played('sensorimotor', server, POINT, sandbox, 4)
        text = texts(server.requests, 'reasoning')[-1][0]
    means = [trial.measures[RETURN.name] for trial in run.history]
    listed = ', '.join(f'{mean:.5g}' for mean in means[:3])
    assert f'Mean returns of all iterations, oldest first: {listed}\n' in text
    for name, iteration in (('Current', 3), ('Previous', 2), ('Best', 1)):
        assert f'# {name} rules, iteration {iteration}\n\nRule {iteration}: IF' in text
    assert text.count('The last 20 of 40 steps of the worst episode, as [position, velocity];action') == 3
    worst = min(run.history[2].samples, key=lambda episode: episode.total)
    seen = worst.transitions[-2].observation
    assert f'[{seen[0]:.4g}, {seen[1]:.4g}];{worst.actions[-1][0]:.4g}' in text
    assert run.best is run.history[0]


def test_best_rules_are_named_and_not_repeated_where_they_are_the_current_ones(sandbox: Sandbox) -> None:
    with ChatServer(controller(PUSH, BRAKE)) as server:
        played('sensorimotor', server, POINT, sandbox, 3)
        text = texts(server.requests, 'reasoning')[-1][0]
    assert 'The best rules so far are the current ones.' in text


def test_code_that_crashes_is_mended_for_the_same_rules(sandbox: Sandbox) -> None:
    with ChatServer(controller(CRASHING, BRAKE)) as server:
        run = played('sensorimotor', server, POINT, sandbox, 3)
        codes = texts(server.requests, 'code')
        text = texts(server.requests, 'reasoning')[-1][0]
        assert len(texts(server.requests, 'reasoning')) == 2
    assert outcomes(run) == [CRASHED, PLAYED, PLAYED]
    assert codes[1][0] == codes[0][0]
    assert "name 'force' is not defined" in codes[1][2]
    first, second, third = proposals(run)
    assert first.memos['rules'] == second.memos['rules'] != third.memos['rules']
    assert [p.memos['round'] for p in proposals(run)] == ['1', '1', '2']
    assert '# Current rules, iteration 1' in text
    assert 'failed' not in text.split('Your turn')[0]


def test_code_that_cannot_be_mended_is_told_in_the_next_iteration(sandbox: Sandbox) -> None:
    with ChatServer(controller(CRASHING)) as server:
        run = played('sensorimotor', server, POINT, sandbox, 5)
        text = texts(server.requests, 'reasoning')[-1][0]
    assert set(outcomes(run)) == {CRASHED}
    assert 'oldest first: failed\n' in text
    assert "Their code failed: get_action raised NameError: name 'force' is not defined" in text
    assert '# Best rules' not in text


@pytest.mark.parametrize(
    ('what', 'reply', 'why'),
    [
        (0, '', 'there is no answer in it'),
        (1, 'Push back when it leans.', 'there is no rule in it of the form IF'),
        (2, '```python\ndef get_action(position):\n    return 0.0\n```', 'missing: velocity'),
        (2, '```python\nclass get_action:\n    pass\n```', 'get_action must be a function, not a class'),
        (2, 'return 0.0', 'there is no Python code in it'),
    ],
)
def test_reply_that_cannot_be_used_is_refused_with_the_reason(
    sandbox: Sandbox, what: int, reply: str, why: str
) -> None:
    good = ['IF it leans THEN push ELSE wait', 'IF it leans THEN push ELSE wait']
    with ChatServer(say(reply)) as server:
        server.script(*map(say, good[:what]))
        with pytest.raises(ProposalError, match=why) as refused:
            method_for('sensorimotor', server, POINT, sandbox).propose([], OBJECTIVE)
    assert len(refused.value.exchanges) == what + 2


def test_same_history_gives_the_same_requests(sandbox: Sandbox) -> None:
    with ChatServer(controller(PUSH, BRAKE)) as server:
        run = played('sensorimotor', server, POINT, sandbox, 3)
    with ChatServer(say('IF it leans THEN push ELSE wait')) as server:
        for _ in range(2):
            method = method_for('sensorimotor', server, POINT, sandbox)
            with pytest.raises(ProposalError):
                method.propose(run.history, OBJECTIVE, proposals(run))
        asked = [request['messages'] for request in server.requests]
    assert asked[: len(asked) // 2] == asked[len(asked) // 2 :]


def test_run_that_gets_no_reply_plays_what_is_in_force_and_ends(sandbox: Sandbox) -> None:
    with ChatServer(say('')) as server:
        method = method_for('sensorimotor', server, POINT, sandbox)
        run, task = improvement_of(method, POINT, 9), ProgramTask(POINT, sandbox, 2)
        while not run.done:
            run.record(run.propose().play(task, run.history))
    assert run.end is End.NO_PROPOSALS
    assert set(outcomes(run)) == {PLAYED}


def test_numbers_that_never_change_are_told_once() -> None:
    steps = tuple(Transition((0.25, value), -1.0) for value in (1.23456789, 2.0))
    text = steps_text(Episode((0.25, 0.0), ((0.5,), (-1.0,)), steps), POINT.brief, 20)
    assert text.splitlines() == [
        'The last 2 of 2 steps of the worst episode, as [velocity];action',
        'The same in all of them: position = 0.25',
        '[0];0.5',
        '[1.235];-1',
    ]


def test_balances_a_pole() -> None:
    try:
        make_environment('cart_pole').close()
    except MissingPackageError as error:
        pytest.skip(str(error))
    with ChatServer(controller(BALANCE)) as server:
        row = run_program(
            ProgramRun('cart_pole', 'sensorimotor', 'test-model', 0, evaluations=2, unseen=20),
            endpoint(server),
        )
    assert row['best'] > 150.0
    assert row['kind'] == 'tuned_controller'
    assert row['requests'] == 6
    assert not row['exact']


@pytest.mark.parametrize('wrong', [{'steps': 0}, {'repairs': 11}, {'asked_again': -1}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SensorimotorOptions(**wrong)
