"""Whatever a language model's endpoint answers, the arm's parameters stay good, and the key stays secret."""

import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from chat_server import BAD_REPLIES, Answer, ChatServer, fail, fenced, good, say, silence
from rcl_interfaces.msg import Log
from ros_graph import EVERY, TIMEOUT, RosGraph, Run, node_command, process
from std_srvs.srv import Trigger

from llm_policy_improver import msg
from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.chat import Ending
from llm_policy_improver.core.finding import Failure
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.srv import SetObjective
from llm_policy_improver.table_tennis.arm.modulation import NEUTRAL_ATTENUATION
from llm_policy_improver.table_tennis.settings import ControllerSettings
from llm_policy_improver.table_tennis.space import parameter_space

KEY = 'sk-recognisable-fake-0123456789'
ELEGANT = 'make it look elegant'
FAR_RIGHT = 'hit the ball as far right as possible'
MODEL = 'sas:test-model'
FAULTS = (
    'no JSON', 'seven numbers', 'NaN', 'infinity', 'one billion', 'text for a number', 'empty', 'no choices',
    'HTTP 401', 'HTTP 429', 'HTTP 500', 'time-out',
)  # fmt: skip


@dataclass
class Rig:
    """The four nodes with a language model behind them, after two first trials."""

    graph: RosGraph
    server: ChatServer
    folder: Path
    published: list[msg.PolicyParameters]

    def improve(self, objective: str, trials: int = 1) -> list[ImprovePolicy.Feedback]:
        run = self.graph.improve(objective, trials)
        status, result = run.result()
        assert status == GoalStatus.STATUS_SUCCEEDED, result.message
        return run.trials(trials)

    def assert_only_good_parameters(self) -> None:
        space = parameter_space()
        versions = [parameters.version for parameters in self.published]
        assert versions == sorted(set(versions))
        for parameters in self.published:
            assert all(math.isfinite(value) for value in (*parameters.attenuation, *parameters.residual))
            assert len(parameters.attenuation) == len(parameters.residual) == 8
            assert space.contains(space.at(parameters.attenuation))


def start(graph: RosGraph, server: ChatServer, folder: Path, timeout: float = 30.0) -> Rig:
    graph.play_in(
        folder,
        model='test-model',
        base_url=server.url,
        first_trials=2,
        request_timeout=timeout,
        request_retries=0,
        rank_by_model=True,
    )
    return Rig(graph, server, folder, graph.collect(msg.PolicyParameters, 'policy_parameters', EVERY))


@pytest.fixture(autouse=True, scope='module')
def key() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OPENAI_API_KEY', KEY)
        yield KEY


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


@pytest.fixture(scope='module')
def rig(tmp_path_factory: pytest.TempPathFactory, key: str) -> Iterator[Rig]:
    with ChatServer() as server, RosGraph() as graph:
        rig = start(graph, server, tmp_path_factory.mktemp('rig'), timeout=1.5)
        rig.improve(FAR_RIGHT, trials=2)
        yield rig


@pytest.mark.parametrize('fault', FAULTS)
def test_bad_reply_leaves_the_last_good_parameters_where_nothing_can_be_measured(
    rig: Rig, fault: str
) -> None:
    before, asked = rig.published[-1].attenuation, len(rig.server.requests)
    rig.server.default = BAD_REPLIES[fault]
    said = rig.improve(ELEGANT, trials=2)
    assert len(rig.server.requests) > asked
    for feedback in said:
        assert feedback.values == before
        assert feedback.verdict.startswith(f'unchanged: {MODEL} gave no usable proposal')
        assert 'The last good policy stays' in feedback.reason
        assert math.isnan(feedback.distance)
    assert said[0].parameters_version == said[1].parameters_version
    rig.assert_only_good_parameters()
    with RunStore.open(rig.folder) as store:
        assert [stored.step.unchanged for stored in store.steps()[-2:]] == [True, True]
        assert store.exchanges()[-1].exchange.ending is not Ending.ACCEPTED


@pytest.mark.parametrize('fault', FAULTS)
def test_bad_reply_is_stood_in_for_by_least_squares_saying_so(rig: Rig, fault: str) -> None:
    asked = len(rig.server.requests)
    rig.server.default = BAD_REPLIES[fault]
    said = rig.improve(FAR_RIGHT)[0]
    assert len(rig.server.requests) > asked
    assert said.proposed_by == 'least_squares'
    assert f'least_squares stands in: {MODEL} gave no usable proposal' in said.verdict
    rig.assert_only_good_parameters()
    assert said.values == rig.published[-1].attenuation
    with RunStore.open(rig.folder) as store:
        (vain,) = store.steps()[-1].step.proposal.instead_of
        assert (vain.method, vain.failure) == (MODEL, Failure.UNUSABLE)


def test_good_replies_are_used_fenced_ones_too(rig: Rig) -> None:
    plain = [1.05, 0.95, 1.1, 1.0, 0.9, 1.0, 1.02, 1.0]
    in_a_fence = [0.95, 1.05, 0.9, 1.0, 1.1, 1.0, 0.98, 1.0]
    rig.server.script(good(plain), fenced(in_a_fence))
    states = rig.graph.collect(msg.OptimizerStatus, 'optimizer/status', LATCHED)
    said = rig.improve(ELEGANT, trials=2)
    assert [list(feedback.values) for feedback in said] == [plain, in_a_fence]
    assert [feedback.proposed_by for feedback in said] == [MODEL, MODEL]
    last = states[-1]
    assert (last.method, last.aim) == (MODEL, '')
    assert last.verdict.startswith('accepted')
    assert (last.summary, last.analysis) == ('Two trials landed left.', 'b: left, g: right')
    assert (last.prompt_tokens, last.completion_tokens) == (100, 20)
    rig.assert_only_good_parameters()


def test_reply_slightly_out_of_bounds_is_clipped_and_a_repaired_one_is_used(rig: Rig) -> None:
    wide = [1.42, *[1.01] * 7]
    repaired = [1.03] * 8
    rig.server.script(good(wide), BAD_REPLIES['NaN'], good(repaired))
    clipped, second = rig.improve(ELEGANT, trials=2)
    assert list(clipped.values) == [1.4, *[1.01] * 7]
    assert list(second.values) == repaired
    rig.assert_only_good_parameters()


def test_bad_replies_without_any_good_trial_keep_the_unchanged_controller(
    graph: RosGraph, server: ChatServer, tmp_path: Path
) -> None:
    server.default = say('no JSON')
    graph.play_in(
        tmp_path, model='test-model', base_url=server.url, first_trials=0, request_retries=0, rank_by_model=True
    )  # fmt: skip
    run = graph.improve(ELEGANT, trials=1)
    run.result()
    assert tuple(run.trials(1)[0].values) == NEUTRAL_ATTENUATION


def test_endpoint_that_dies_during_a_run_is_stood_in_for_and_the_run_goes_on(
    graph: RosGraph, tmp_path: Path
) -> None:
    with ChatServer(default=good([1.04] * 8)) as server:
        rig = start(graph, server, tmp_path)
        run = graph.improve(FAR_RIGHT, trials=5)
        run.trials(2)
        graph.spin_until(lambda: server.requests, 'a request')
        run.trials(3)
        server.stop()
        status, result = run.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.trials == 5
    said = run.trials(5)
    assert said[2].proposed_by == MODEL
    assert said[4].proposed_by == 'least_squares'
    assert 'cannot be reached' in said[4].verdict
    assert 'least_squares stands in' in said[4].verdict
    rig.assert_only_good_parameters()


def everything_stored(folder: Path) -> bytes:
    """All rows as text, and all files as they are."""
    content = b''
    with closing(sqlite3.connect(folder / 'run.sqlite')) as database:
        content += '\n'.join(database.iterdump()).encode()
    return content + b''.join(path.read_bytes() for path in folder.rglob('*') if path.is_file())


def test_key_is_in_no_message_row_file_or_log_line(
    graph: RosGraph,
    server: ChatServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[Any] = graph.collect(Log, '/rosout', EVERY)
    for kind, topic in (
        (msg.PolicyParameters, 'policy_parameters'),
        (msg.OptimizerStatus, 'optimizer/status'),
        (msg.ControllerStatus, 'controller/status'),
        (msg.ExecutionTrace, 'execution_trace'),
    ):
        graph.probe.create_subscription(kind, topic, heard.append, EVERY)
    server.script(
        say(f'your key is {KEY}'), say(f'indeed: {KEY}'),
        fail(500, f'no luck with {KEY}'),
        fail(401, f'incorrect API key provided: {KEY}'),
        good([1.02] * 8),
    )  # fmt: skip
    start(graph, server, tmp_path)
    run = graph.improve(FAR_RIGHT, trials=6)
    status, result = run.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    run.trials(6)
    graph.spin_until_quiet(heard, 'messages')
    heard += [*run.feedback, result]
    assert any(KEY in sent for sent in server.authorizations), 'the key was not used at all'
    said = '\n'.join(map(repr, heard))
    assert 'refused the key (HTTP 401)' in said
    assert 'test-model' in said
    assert KEY not in said
    stored = everything_stored(tmp_path)
    assert b'your key is ***' in stored
    assert KEY.encode() not in stored
    output = capfd.readouterr()
    assert 'test-model' in output.err
    assert KEY not in output.out + output.err


def test_cancel_does_not_wait_for_a_model_that_thinks(
    graph: RosGraph, server: ChatServer, tmp_path: Path
) -> None:
    server.default = silence()
    start(graph, server, tmp_path, timeout=600.0)
    run: Run = graph.improve(FAR_RIGHT, trials=5)
    graph.spin_until(lambda: server.requests, 'the first request')
    run.cancel()
    status, result = run.result()
    assert (status, result.trials) == (GoalStatus.STATUS_CANCELED, 2)
    server.default = good([1.02] * 8)
    again = graph.improve(FAR_RIGHT, trials=1)
    status, _ = again.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert again.trials(1)[0].proposed_by == MODEL


def test_node_answers_while_a_language_model_reads_an_objective(
    graph: RosGraph, server: ChatServer, tmp_path: Path
) -> None:
    read = threading.Event()

    def slowly(request: dict[str, Any]) -> Answer:
        read.wait(TIMEOUT)
        return say('no JSON')

    server.default = slowly
    graph.play_in(tmp_path, model='test-model', base_url=server.url, first_trials=1, request_retries=0)
    client = graph.probe.create_client(SetObjective, 'set_objective')
    graph.spin_until(client.service_is_ready, 'the service set_objective')
    asked = client.call_async(SetObjective.Request(objective=ELEGANT))
    graph.spin_until(lambda: server.requests, 'the first request')
    answer = graph.call(Trigger, 'cancel_improvement', Trigger.Request())
    assert (answer.success, asked.done()) == (False, False)
    read.set()
    answer = graph.wait(asked, 'a response of set_objective')
    assert not answer.accepted
    assert 'elegant' in answer.message
    assert graph.improve(FAR_RIGHT, trials=1).result()[1].trials == 1


def test_program_that_waits_for_a_model_ends_at_once_when_interrupted(
    graph: RosGraph, server: ChatServer, tmp_path: Path
) -> None:
    server.default = silence()
    graph.add(ControllerNode, ControllerSettings())
    command = node_command(
        'optimizer',
        graph.namespace,
        model='test-model',
        base_url=server.url,
        objective=f'"{ELEGANT}"',
        rank_by_model=True,
        first_trials=0,
    )
    with process(command, tmp_path, ROS_LOG_DIR=str(tmp_path / 'log')) as started:
        graph.spin_until(lambda: server.requests, 'a request')
        started.interrupt()
        assert started.end() == 0
        assert 'Traceback' not in started.err
        assert KEY not in started.err + started.out
    logs = [path.read_text() for path in (tmp_path / 'log').rglob('*') if path.is_file()]
    assert logs
    assert not any(KEY in text for text in logs)


@pytest.mark.parametrize(
    ('case', 'sentence'),
    [
        ('no key', 'no key for the language model: export OPENAI_API_KEY'),
        ('nobody there', 'cannot be reached'),
    ],
)
def test_program_without_a_usable_endpoint_ends_with_one_sentence(
    tmp_path: Path, case: str, sentence: str
) -> None:
    command = node_command('optimizer', '/wrong', model='test-model', base_url='http://127.0.0.1:9/v1')
    with process(command, tmp_path, OPENAI_API_KEY=None if case == 'no key' else KEY) as started:
        assert started.end() == 2
        assert started.err.startswith('error: ')
        assert sentence in started.err
        assert len(started.err.strip().splitlines()) == 1
