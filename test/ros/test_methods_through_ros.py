"""Every method that can run on the arm, through the nodes in simulation: named by a goal, or in the settings."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from chat_server import ChatServer
from ros_graph import RosGraph
from scripted_methods import answer

from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import CHOICES, PROGRAMS, WITH_MODEL
from llm_policy_improver.msg import ExecutionTrace, OptimizerStatus
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.runs.replay import replay
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.srv import ApproveParameters, SetObjective
from llm_policy_improver.table_tennis import simulated_prior

FAR_LEFT: Final = 'as far left as possible'
KNOWN: Final = 10
"""Trials before a method is asked."""
PATIENCE: Final = 300.0
"""s: a method may have trials simulated first, by processes that give way to whatever else runs."""
METHODS: Final = tuple(name for name in CHOICES if name != 'auto')


@dataclass
class Arm:
    """A simulated arm with some trials, and a language model that any method may ask."""

    graph: RosGraph
    server: ChatServer
    folder: Path
    states: list[Any]

    def improve(self, method: str, trials: int = 1) -> list[Any]:
        """The trials of a goal that names a method."""
        run = self.graph.improve(FAR_LEFT, trials, method)
        status, result = run.result(PATIENCE)
        assert status == GoalStatus.STATUS_SUCCEEDED, result.message
        return run.trials(trials)


@pytest.fixture(scope='module')
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    folder = tmp_path_factory.mktemp('arm') / 'run'
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv('OPENAI_API_KEY', 'none')
        patch.setattr(simulated_prior, 'FEW', 200)
        server = stack.enter_context(ChatServer(default=answer))
        graph = stack.enter_context(RosGraph())
        graph.play_in(
            folder, trials=1, first_trials=KNOWN, method='random_search', all_trials=True, model='test-model',
            base_url=server.url, request_retries=0,
        )  # fmt: skip
        states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
        made = Arm(graph, server, folder, states)
        made.improve('', KNOWN)
        yield made


@pytest.mark.parametrize('name', METHODS)
def test_goal_says_who_proposes(arm: Arm, name: str) -> None:
    asked = len(arm.server.requests)
    (trial,) = arm.improve(name)
    method, _, model = trial.proposed_by.partition(':')
    assert method == name
    assert model == ('test-model' if name in WITH_MODEL else '')
    assert (len(arm.server.requests) > asked) is (name in WITH_MODEL)
    assert arm.states[-1].method == trial.proposed_by
    assert trial.outcome not in ('', 'aborted')
    assert len(set(trial.values)) > 1


def test_other_runs_are_by_the_method_of_the_settings(arm: Arm) -> None:
    arm.improve('knn')
    (trial,) = arm.improve('')
    assert trial.proposed_by == 'random_search'
    arm.improve('knn')
    answered = arm.graph.call(SetObjective, 'set_objective', SetObjective.Request(objective='far right'))
    assert 'random_search proposes' in answered.message
    arm.graph.spin_until(
        lambda: (arm.states[-1].state, arm.states[-1].objective) == (OptimizerStatus.FINISHED, 'far right'),
        'the end of the run',
    )
    assert arm.states[-1].method == 'random_search'


def test_stored_run_of_several_methods_is_played_again_the_same(arm: Arm) -> None:
    for name in ('icpi', 'outcome_linear', 'hybrid', 'least_squares'):
        arm.improve(name)
    with RunStore.open(arm.folder) as store:
        again = list(replay(store))
    assert len(again) >= KNOWN + 4
    assert [step.difference for step in again] == [''] * len(again)


@pytest.mark.parametrize('name', ['icpi', 'example_linear_knn'])
def test_settings_say_who_proposes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer(default=answer) as server, RosGraph() as graph:
        graph.play_in(tmp_path, first_trials=2, method=name, model='test-model', base_url=server.url)
        run = graph.improve(FAR_LEFT, trials=3)
        run.result()
        proposers = [trial.proposed_by.partition(':')[0] for trial in run.trials(3)]
        assert proposers == ['initial', 'initial', name]


@pytest.mark.parametrize(
    ('name', 'why'),
    [
        ('least_square', 'unknown method "least_square"; did you mean least_squares'),
        ('xyz', 'unknown method "xyz"; there are auto, sas, icpi, hybrid, '),
        (
            'icpi',
            'method icpi needs a language model: give its name (--model NAME); without one there are random_',
        ),
        *(
            (name, f'method {name} writes programs that choose for each ball: set vary_balls to true')
            for name in PROGRAMS
        ),
    ],
)
def test_method_that_cannot_be_used_ends_its_goal_with_the_reason(
    tmp_path: Path, name: str, why: str
) -> None:
    with RosGraph() as graph:
        graph.add(OptimizerNode, OptimizerSettings(output_folder=str(tmp_path)))
        states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
        status, result = graph.improve(FAR_LEFT, trials=1, method=name).result()
        assert status == GoalStatus.STATUS_ABORTED
        assert why in result.message
        graph.spin_until(lambda: states, 'a status')
        assert [state.state for state in states] == [OptimizerStatus.IDLE]
    with RunStore.open(tmp_path) as store:
        assert not store.settings()


def test_model_that_is_gone_ends_the_goal_that_needs_it_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with RosGraph() as graph:
        graph.play_in(
            tmp_path, first_trials=1, method='random_search', model='m', base_url='http://127.0.0.1:9/v1',
            request_retries=0,
        )  # fmt: skip
        status, result = graph.improve(FAR_LEFT, trials=1, method='sas').result()
        assert status == GoalStatus.STATUS_ABORTED
        assert 'cannot be reached' in result.message
        status, _ = graph.improve(FAR_LEFT, trials=2).result()
        assert status == GoalStatus.STATUS_SUCCEEDED


def test_run_goes_on_by_its_own_method_in_an_optimizer_that_is_started_again(tmp_path: Path) -> None:
    settings: dict[str, Any] = {'first_trials': 2, 'approval': ApprovalConfig(required=True), 'resume': True}
    with RosGraph() as graph:
        first = graph.play_in(tmp_path, **settings)
        states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
        traces = graph.collect(ExecutionTrace, 'execution_trace')

        def approve() -> str:
            """The next proposal; who made it."""
            seen = max((trace.parameters_version for trace in traces), default=0)
            graph.spin_until(lambda: states and states[-1].proposed_version > seen, 'a proposal')
            waiting = states[-1]
            request = ApproveParameters.Request(
                version=waiting.proposed_version, decision='approve', decided_by='Ada'
            )
            assert graph.call(ApproveParameters, 'optimizer/approve_parameters', request).accepted
            graph.spin_until(
                lambda: traces and traces[-1].parameters_version == waiting.proposed_version, 'its trial'
            )
            return str(waiting.proposed_by)

        graph.improve(FAR_LEFT, trials=4, method='linear_knn')
        assert [approve() for _ in range(2)] == ['initial', 'initial']
        graph.spin_until(lambda: states[-1].proposed_version > 2, 'a proposal by the method')
        graph.remove(first)
        graph.add(OptimizerNode, OptimizerSettings(output_folder=str(tmp_path), **settings))
        graph.spin_until(lambda: states[-1].proposed_version > 3, 'another version')
        assert [approve() for _ in range(2)] == ['linear_knn', 'linear_knn']
        graph.spin_until(lambda: states[-1].state == OptimizerStatus.FINISHED, 'the end of the run')
        assert states[-1].method == 'linear_knn'
