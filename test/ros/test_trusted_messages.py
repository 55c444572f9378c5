"""Whose messages are taken: forged, swapped, replayed and unsigned ones change nothing, and are counted."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from arm_operator import ArmOperator
from ros_graph import RosGraph, Run
from sealed_cell import SealedCell
from std_srvs.srv import Trigger

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.tokens import ARM, RESUME
from llm_policy_improver.loop.approval import APPROVE, EDIT, ApprovalConfig
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.improvement_messages import shown_in
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
)

BAD = Modulation((1.4,) * 8, version=1, proposed_by='somebody')
FAR = 'as far right as possible'


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def test_a_run_whose_messages_are_sealed_plays_as_any_other(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path)
    status, result = graph.improve(FAR, trials=3).result()
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 3)
    assert {trace.run for trace in cell.traces} == {cell.sent[-1].run} != {''}
    assert cell.left_out == 0
    with RunStore.open(cell.folder) as store:
        assert store.identity == cell.sent[-1].run


@pytest.mark.parametrize(
    'forged', ['unsealed', 'of another key', 'changed', 'of another start', 'another type']
)
def test_forged_parameters_are_not_played_and_counted(graph: RosGraph, tmp_path: Path, forged: str) -> None:
    cell = SealedCell(graph, tmp_path)
    start = cell.states[-1].start
    genuine, other = (
        Seals(graph.probe, keys) for keys in (cell.keys, SecuritySettings(str(tmp_path / 'other.key')))
    )
    message = parameters_message(BAD, 0, 'a run', start)
    if forged == 'of another key':
        other.sealed(message)
    elif forged == 'changed':
        genuine.sealed(message).attenuation[0] = 1.3
    elif forged == 'of another start':
        message.controller = 'before'
        genuine.sealed(message)
    elif forged == 'another type':
        message.seal = genuine.sealed(ControllerStatus(start=start)).seal
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED, readers=2)
    publisher.publish(message)
    cell.until_left_out(1)
    assert 'accepted' not in cell.states[-1].message
    assert cell.states[-1].refused_version == 0  # nobody is told that what he published was refused
    status, _ = graph.improve(FAR, trials=2).result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert [trace.parameters_version for trace in cell.traces] == [1, 2]
    assert (1.4,) * 8 not in {tuple(trace.attenuation) for trace in cell.traces}


def test_what_was_published_before_is_not_played_again(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path)
    graph.improve(FAR, trials=3).result()
    used = cell.states[-1].active_version
    first = next(message for message in cell.sent if message.version == 1)
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED, readers=2)
    publisher.publish(deepcopy(first))
    graph.spin_until(lambda: 'the version must grow' in cell.states[-1].message, 'a refusal')
    assert cell.states[-1].active_version == used


def test_a_controller_that_is_started_again_gets_its_parameters_anew(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path)
    graph.improve(FAR, trials=2).result()
    graph.spin_until(lambda: cell.states[-1].active_version == 2, 'the last parameters in use')
    before = cell.states[-1].start
    graph.remove(cell.controller)
    graph.add(ControllerNode, ControllerSettings(security=cell.keys))
    graph.spin_until(lambda: cell.states[-1].start != before, 'the new controller')
    graph.spin_until(
        lambda: cell.states[-1].message == f'parameters version 2 by {cell.sent[-1].proposed_by} accepted',
        'its parameters',
    )
    assert cell.sent[-1].controller == cell.states[-1].start


def test_a_controller_without_the_parameters_of_the_run_is_not_armed(graph: RosGraph, tmp_path: Path) -> None:
    keys = SecuritySettings(str(tmp_path / 'run.key'), str(tmp_path / 'operator.key'))
    graph.add(ControllerNode, ControllerSettings(security=keys))
    operator, seals = ArmOperator(graph, keys), Seals(graph.probe, keys)
    optimizer = graph.publisher(OptimizerStatus, 'optimizer/status', LATCHED)

    def answers(state: str, success: bool) -> str:
        """Of the controller, once it has heard of this state."""
        optimizer.publish(seals.sealed(OptimizerStatus(state=state, iteration=3)))
        for _ in range(100):
            answer = operator.arm()
            if answer.success is success:
                break
        assert answer.success is success
        return str(answer.message)

    assert answers(OptimizerStatus.RUNNING, False).startswith(
        'not armed: 3 trials of the run that is going on were played, and this controller has no parameters of it yet'
    )
    answers(OptimizerStatus.FINISHED, True)
    optimizer.publish(OptimizerStatus(state=OptimizerStatus.RUNNING, iteration=3))  # of nobody
    graph.spin_until(lambda: operator.states[-1].left_out, 'a message left out')
    assert operator.arm().success


def test_forged_traces_and_those_of_another_run_do_not_count(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path)
    graph.improve(FAR, trials=2).result()
    publisher = graph.publisher(ExecutionTrace, 'execution_trace', TRACES, readers=2)
    seals = Seals(graph.probe, cell.keys)
    unknown = deepcopy(cell.traces[-1])
    unknown.trial, unknown.outcome = 3, 'nonsense'
    lucky = deepcopy(cell.traces[-1])
    lucky.trial, lucky.measures = 4, type(lucky.measures)('d', [0.7 for _ in lucky.measures])
    foreign = deepcopy(cell.traces[-1])
    foreign.trial, foreign.run = 5, 'another'
    for message in (unknown, lucky, seals.sealed(foreign)):
        publisher.publish(message)
    status, result = graph.improve('as far left as possible', trials=3).result()
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 3)
    with RunStore.open(cell.folder) as store:
        assert [trial.number for trial in store.trials()] == [1, 2, 3, 4, 5]
        assert len(store.steps()) == 5


def begun(cell: SealedCell) -> Run:
    return cell.graph.improve(FAR, trials=2)


@pytest.fixture
def approved(graph: RosGraph, tmp_path: Path) -> SealedCell:
    return SealedCell(graph, tmp_path, approval=ApprovalConfig(required=True))


def test_a_decision_needs_the_token_for_just_this_decision(approved: SealedCell) -> None:
    run, key = begun(approved), approved.operator.key
    assert key is not None
    shown = shown_in(approved.waiting(1))
    edited = [1.1, *[1.0] * 7]
    for token in (
        '',
        'é',
        '0' * 64,
        shown.token(key, APPROVE, 'Bob'),
        shown.token(key, EDIT, 'Ada', '', edited),
    ):
        answer = approved.decide(token, version=1, decision=APPROVE)
        assert not answer.accepted
        assert answer.message.startswith(
            'the token is not for this decision on what waits now: use "llm-policy-'
        )
    swapped = shown_in(approved.told[-1])
    swapped = type(swapped)(swapped.run, swapped.version, swapped.names, (1.4, *swapped.values[1:]))
    assert not approved.decide(swapped.token(key, APPROVE, 'Ada'), version=1, decision=APPROVE).accepted
    right = shown.token(key, APPROVE, 'Ada')
    assert approved.decide(right, version=1, decision=APPROVE).accepted
    later = shown_in(approved.waiting(2))
    assert not approved.decide(right, version=2, decision=APPROVE).accepted
    changed = later.token(key, EDIT, 'Ada', 'gently', edited)
    assert approved.decide(changed, version=2, decision=EDIT, reason='gently', values=edited).accepted
    assert run.result()[0] == GoalStatus.STATUS_SUCCEEDED
    assert tuple(approved.traces[-1].attenuation) == tuple(edited)


def test_what_a_person_approved_is_played_whatever_is_published_meanwhile(approved: SealedCell) -> None:
    graph, key = approved.graph, approved.operator.key
    assert key is not None
    run = begun(approved)
    for version in (1, 2):
        status = approved.waiting(version)
        forged = parameters_message(
            Modulation((1.4,) * 8, version=version), 0, status.run, approved.states[-1].start
        )
        graph.publisher(PolicyParameters, 'policy_parameters', LATCHED, readers=2).publish(forged)
        approved.until_left_out(version)
        token = shown_in(status).token(key, APPROVE, 'Ada')
        assert approved.decide(token, version=version, decision=APPROVE).accepted
    assert run.result()[0] == GoalStatus.STATUS_SUCCEEDED
    assert (1.4,) * 8 not in {tuple(trace.attenuation) for trace in approved.traces}


def test_arming_and_resuming_need_the_token_of_now_and_stopping_needs_none(
    graph: RosGraph, tmp_path: Path
) -> None:
    cell = SealedCell(graph, tmp_path)
    assert graph.call(Trigger, 'controller/emergency_stop', Trigger.Request()).success
    graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.ESTOP, 'the stop')
    wrong = cell.operator.ask(RESUME, cell.operator.token(ARM))
    assert not wrong.success
    assert wrong.message.startswith('not resumed: the token does not answer the challenge of now')
    used = cell.operator.token(RESUME)
    assert cell.operator.ask(RESUME, used).success
    graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.DISARMED, 'a resumed controller')
    assert cell.operator.arm().success
    assert graph.call(Trigger, 'controller/emergency_stop', Trigger.Request()).success
    graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.ESTOP, 'the second stop')
    for token in (used, '', 'x'):  # heard before, or none
        assert not cell.operator.ask(RESUME, token).success
    assert cell.operator.resume().success
    graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.DISARMED, 'a resumed controller')
    assert cell.operator.arm().success
    assert graph.call(Trigger, 'controller/disarm', Trigger.Request()).success


def test_what_a_flood_has_pushed_out_is_said_again(approved: SealedCell) -> None:
    graph = approved.graph
    begun(approved)
    approved.waiting(1)
    key = approved.operator.key
    assert key is not None
    graph.remove(approved.controller)
    token = shown_in(approved.told[-1]).token(key, APPROVE, 'Ada')
    assert approved.decide(token, version=1, decision=APPROVE).accepted
    heard = len(approved.states)
    graph.spin_until(lambda: sum(sent.version == 1 for sent in approved.sent) >= 3, 'the parameters, again and again')
    assert len(approved.states) == heard
    graph.add(ControllerNode, ControllerSettings(security=approved.keys))
    graph.spin_until(lambda: approved.states[-1].active_version == 1, 'a controller that uses them')
    approved.waiting(2)  # the optimizer has heard of it, too
    graph.spin_for(0.5)  # and what it sent before has come
    sent, told, states = len(approved.sent), len(approved.told), len(approved.states)
    graph.spin_until(lambda: len(approved.states) >= states + 3, 'the status of the controller, again and again')
    graph.spin_until(lambda: len(approved.told) >= told + 3, 'the status of the optimizer, again and again')
    published = {message.version: tuple(message.attenuation) for message in approved.sent[sent:]}
    assert set(published) <= {2}  # a trial with version 1 has come back: it need not be said again


def test_parameters_are_said_again_until_a_trial_with_them_has_come_back(approved: SealedCell) -> None:
    graph = approved.graph
    begun(approved)
    approved.waiting(1)
    graph.remove(approved.logger)  # what follows a flood has kept from it, say
    key = approved.operator.key
    assert key is not None
    token = shown_in(approved.told[-1]).token(key, APPROVE, 'Ada')
    assert approved.decide(token, version=1, decision=APPROVE).accepted
    graph.spin_until(lambda: approved.states[-1].active_version == 1, 'a controller that uses them')
    sent = len(approved.sent)
    graph.spin_until(lambda: len(approved.sent) >= sent + 3, 'the parameters, again and again')
    assert {message.version for message in approved.sent[sent:]} == {1}
    assert approved.states[-1].refused_version == 0
