"""The optimizer node: objectives by service, runs by action, cancelling, what stays for the next run."""

import json
import math
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from chat_server import ChatServer, good, say
from ros_graph import EVERY, RosGraph
from std_srvs.srv import Trigger

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.audit import Audit, Decision
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.loop.build import Assembly
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.demo import report_of
from llm_policy_improver.nodes.improvement_messages import recommended_of
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.report.wording import kept_text
from llm_policy_improver.runs.checkpoint import Checkpoint
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.srv import ApproveParameters, SetObjective
from llm_policy_improver.table_tennis import simulated_prior
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, NEUTRAL_ATTENUATION, Modulation
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.settings import ControllerSettings, SimulatorSettings
from llm_policy_improver.table_tennis.space import parameter_space

FAR_RIGHT = 'hit the ball as far right as possible'


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def set_objective(graph: RosGraph, words: str) -> Any:
    return graph.call(SetObjective, 'set_objective', SetObjective.Request(objective=words))


def decided(store: RunStore) -> list[Audit]:
    """The audit records but those of what was only shown to a person."""
    return [stored.audit for stored in store.audits() if stored.audit.decision is not Decision.OFFERED]


def idle_optimizer(graph: RosGraph, **settings: Any) -> OptimizerNode:
    return graph.add(OptimizerNode, OptimizerSettings(**settings))


# --- objectives ------------------------------------------------------------------------------------------


def test_objective_by_service_starts_a_run_that_ends_by_itself(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, trials=3, first_trials=2)
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    answer = set_objective(graph, f'  {FAR_RIGHT} ')
    assert answer.accepted
    assert answer.aim == 'as far right as possible'
    assert '3 trials' in answer.message
    assert 'least_squares' in answer.message
    graph.spin_until(lambda: states and states[-1].state == OptimizerStatus.FINISHED, 'the end of the run')
    assert {state.state for state in states} >= {OptimizerStatus.RUNNING, OptimizerStatus.FINISHED}
    last = states[-1]
    assert (last.objective, last.aim, last.method) == (FAR_RIGHT, answer.aim, 'least_squares')
    assert (last.iteration, last.trials) == (3, 3)
    assert last.best_version > 0
    assert 0.0 < last.best_distance < 1.6
    assert last.reason
    assert last.verdict.startswith('accepted')


def test_finished_run_leaves_its_landings_drawn_when_asked(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, trials=3, first_trials=2, draw_landings=True)
    assert set_objective(graph, FAR_RIGHT).accepted
    picture = tmp_path / 'landings.png'
    graph.spin_until(picture.exists, 'the picture of the landings')


def test_further_objective_has_a_folder_that_says_where_its_first_trials_come_from(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.play_in(tmp_path, trials=3, first_trials=2, draw_landings=True)
    graph.improve(FAR_RIGHT).result()
    first = tmp_path / 'landings.png'
    graph.spin_until(lambda: first.exists() and b'IEND' in first.read_bytes(), 'the picture of the first run')
    before = first.read_bytes()
    graph.improve('far left corner').result()
    folder = tmp_path / '2-far-left-corner'
    graph.spin_until((folder / 'landings.png').exists, 'the picture of the second run')
    assert first.read_bytes() == before
    told = json.loads((folder / 'run.json').read_text())
    assert told['objective'] == 'far left corner'
    assert told['aim']
    assert told['first_trials'] == f'trials 1 to 3 of {tmp_path}'
    with RunStore.open(tmp_path) as store:
        assert [trial.number for trial in store.trials()][told['own_trials_from'] - 1 :] == [4, 5, 6]


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        ('', 'empty'),
        ('  ', 'empty'),
        ('make it look elegant', '"look", "elegant" was not understood'),
        ('at (3.0, 0.9)', 'landing_x can be -0.7625 to 0.7625 m; got 3'),
    ],
)
def test_objective_is_refused_with_its_reason_by_service_and_action(
    graph: RosGraph, words: str, reason: str
) -> None:
    idle_optimizer(graph)
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    answer = set_objective(graph, words)
    assert not answer.accepted
    assert reason in answer.message
    assert answer.aim == ''
    status, result = graph.improve(words.strip()).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert reason in result.message
    graph.spin_until(lambda: states, 'a status')
    assert [state.state for state in states] == [OptimizerStatus.IDLE]


def test_run_that_would_improve_nothing_is_refused_before_any_ball(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, trials=3, first_trials=4)
    why = '3 trials end before the 4 first trials do, so nothing would be improved'
    answer = set_objective(graph, FAR_RIGHT)
    assert not answer.accepted
    assert why in answer.message
    status, result = graph.improve(FAR_RIGHT, trials=3).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert why in result.message
    with closing(RunStore.open(tmp_path)) as store:
        assert not store.settings()


def test_objective_and_goal_are_refused_while_a_run_goes_on(graph: RosGraph) -> None:
    idle_optimizer(graph)  # without a controller the run waits
    assert set_objective(graph, FAR_RIGHT).accepted
    answer = set_objective(graph, 'as far left as possible')
    assert not answer.accepted
    why = f'an improvement towards "{FAR_RIGHT}" is running: wait for its end, or call cancel_improvement'
    assert answer.message == why
    status, result = graph.improve('as far left as possible').result()
    assert (status, result.message) == (GoalStatus.STATUS_ABORTED, why)


def test_refused_goal_does_not_block_the_next(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=1)
    assert graph.improve('make it look elegant').result()[0] == GoalStatus.STATUS_ABORTED
    status, result = graph.improve(FAR_RIGHT, trials=1).result()
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 1)


# --- runs ------------------------------------------------------------------------------------------------


def test_goal_gives_feedback_of_every_trial_and_a_result(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=3)
    traces = graph.collect(ExecutionTrace, 'execution_trace')
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    run = graph.improve(FAR_RIGHT, trials=5)
    assert run.accepted
    status, result = run.result()
    graph.spin_until(
        lambda: len(run.feedback) == len(traces) == len(published) == 5, 'all that is said of five trials'
    )
    assert status == GoalStatus.STATUS_SUCCEEDED
    best = math.inf
    for number, (said, trace, parameters) in enumerate(
        zip(run.feedback, traces, published, strict=True), start=1
    ):
        assert said.iteration == said.trial == trace.trial == number
        assert said.outcome == trace.outcome
        assert said.parameters_version == trace.parameters_version == parameters.version
        assert said.values == trace.attenuation == parameters.attenuation
        assert said.proposed_by == parameters.proposed_by == ('initial' if number <= 3 else 'least_squares')
        assert said.reason
        assert said.verdict.startswith('accepted')
        if trace.outcome == ExecutionTrace.LANDED:
            assert said.landing == trace.landing_point
            assert said.distance == pytest.approx(1.525 / 2 - said.landing.x)
            best = min(best, said.distance)
        else:
            assert math.isnan(said.distance)
        assert said.best_distance == best
    assert math.isfinite(best)
    winner = next(said for said in run.feedback if said.distance == best)
    assert result.trials == 5
    assert (result.best_trial, result.best_version) == (winner.trial, winner.parameters_version)
    assert (result.best_distance, result.best_landing) == (best, winner.landing)
    assert result.best_values == winner.values
    assert list(result.parameter_names) == list(winner.parameter_names) == list(ATTENUATIONS)
    assert result.end == ImprovePolicy.Result.PLAYED
    assert result.initial_distance == run.feedback[0].distance
    assert '5 trials' in result.message
    with RunStore.open(tmp_path) as store:
        assert [stored.step.version for stored in store.steps()] == [
            trace.parameters_version for trace in traces
        ]
        assert {step.objective for step in store.steps()} == {FAR_RIGHT}
        assert [trial.number for trial in store.trials()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ('all_trials', 'trials', 'end'),
    [(False, 1, ImprovePolicy.Result.REACHED), (True, 2, ImprovePolicy.Result.PLAYED)],
)
def test_run_ends_where_its_objective_is_reached_unless_all_trials_are_wanted(
    graph: RosGraph, tmp_path: Path, all_trials: bool, trials: int, end: str
) -> None:
    graph.play_in(tmp_path, first_trials=2, all_trials=all_trials)
    status, result = graph.improve('at (-0.01, 0.76)', trials=2).result()  # where the first ball lands
    assert (status, result.trials, result.end) == (GoalStatus.STATUS_SUCCEEDED, trials, end)


def test_under_noise_the_result_says_what_to_keep_beside_the_best_seen(
    graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(simulated_prior, 'FEW', 200)
    graph.play_in(tmp_path / 'run', first_trials=2, method='bayesian', landing_noise=0.001, all_trials=True)
    states = graph.collect(OptimizerStatus, 'optimizer/status', EVERY)
    run = graph.improve(FAR_RIGHT, trials=3)
    status, result = run.result(300.0)  # 400 trials are simulated first: minutes on a busy machine
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 3)
    feedback = run.trials(3)
    seen, kept = result.message.split('; to keep: ')
    assert f'; best seen is trial {result.best_trial} ' in seen
    assert kept.startswith('expected loss ')
    assert kept.endswith(' to succeed')
    assert kept == kept_text(recommended_of(result.recommended))
    assert tuple(result.recommended.parameter_names) == parameter_space().names
    assert [len(each.recommended.values) for each in feedback] == [0, 8, 8]  # from the last of the first trials on
    assert feedback[-1].recommended == result.recommended
    assert report_of(feedback[-1]).recommended == recommended_of(result.recommended, 'bayesian')
    assert [state.iteration for state in states if state.state == OptimizerStatus.FINISHED] == [3]


def test_run_ends_and_says_so_where_the_model_says_that_the_words_were_misread(
    graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer(default=say('{"misread": "as far left as possible"}')) as server:
        graph.play_in(tmp_path, first_trials=2, method='sas', model='test-model', base_url=server.url)
        states = graph.collect(OptimizerStatus, 'optimizer/status', EVERY)
        status, result = graph.improve(FAR_RIGHT, trials=5).result()
    assert (status, result.trials, result.end) == (GoalStatus.STATUS_SUCCEEDED, 2, 'misread')
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.FINISHED, 'the end of the run')
    for told in (result.message, states[-1].reason):
        assert told.startswith('ended early: sas:test-model takes the words to ask for something else than what is')
        assert '"as far left as possible" instead of "' in told


def test_second_objective_learns_from_the_trials_of_the_first(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=3)
    first = graph.improve(FAR_RIGHT, trials=3)
    first.result()
    second = graph.improve('as far left as possible', trials=2)
    status, result = second.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert [said.proposed_by for said in first.trials(3)] == ['initial'] * 3
    assert [said.proposed_by for said in second.trials(2)] == ['least_squares'] * 2
    versions = [said.parameters_version for said in first.feedback + second.feedback]
    assert versions == [1, 2, 3, 4, 5]
    assert second.feedback[0].trial == 4
    # The best of all trials, not only of this run's.
    assert result.best_distance <= min(
        1.525 / 2 + said.landing.x for said in first.feedback if said.outcome == ExecutionTrace.LANDED
    )


def test_goal_without_words_goes_on_with_the_objective_before(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=1)
    graph.improve(FAR_RIGHT, trials=1).result()
    states = graph.collect(OptimizerStatus, 'optimizer/status', EVERY)
    status, _ = graph.improve('', trials=1).result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.FINISHED, 'the end of the second run')
    assert {state.objective for state in states if state.state == OptimizerStatus.RUNNING} == {FAR_RIGHT}


def test_restarted_node_continues_the_stored_run_with_higher_versions(
    graph: RosGraph, tmp_path: Path
) -> None:
    optimizer = graph.play_in(tmp_path, first_trials=2)
    graph.improve(FAR_RIGHT, trials=2).result()
    graph.remove(optimizer)
    idle_optimizer(graph, output_folder=str(tmp_path), first_trials=2)
    run = graph.improve(FAR_RIGHT, trials=1)
    status, _ = run.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    said = run.trials(1)[0]
    assert (said.parameters_version, said.trial, said.proposed_by) == (3, 3, 'least_squares')


def test_late_joiner_sees_the_last_status_and_parameters(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=2)
    graph.improve(FAR_RIGHT, trials=2).result()
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    graph.spin_until(lambda: states and published, 'the latched messages')
    assert [state.state for state in states] == [OptimizerStatus.FINISHED]
    assert states[0].iteration == 2
    assert [parameters.version for parameters in published] == [2]


def test_published_parameters_name_their_joints_and_are_within_the_bounds(
    graph: RosGraph, tmp_path: Path
) -> None:
    low, high = (0.9,) * 8, (1.1, 1.2, 1.1, 1.05, 1.1, 1.1, 1.1, 1.3)
    graph.play_in(tmp_path, first_trials=3, attenuation_low=low, attenuation_high=high)
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    graph.improve(FAR_RIGHT, trials=5).result()
    graph.spin_until(lambda: len(published) == 5, 'five sets of parameters')
    space = parameter_space(attenuation_low=low, attenuation_high=high)
    for parameters in published:
        assert list(parameters.joint_names) == list(JOINTS)
        assert space.contains(space.at(parameters.attenuation))
        assert list(parameters.residual) == [0.0] * 8
    assert len({parameters.attenuation.tobytes() for parameters in published}) == 5


# --- cancelling and failing ------------------------------------------------------------------------------


def test_run_started_by_the_service_ends_by_the_service(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=10)
    traces = graph.collect(ExecutionTrace, 'execution_trace')
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    idle = graph.call(Trigger, 'cancel_improvement', Trigger.Request())
    assert (idle.success, idle.message) == (False, 'no improvement is running')
    graph.call(SetObjective, 'set_objective', SetObjective.Request(objective=FAR_RIGHT))
    graph.spin_until(lambda: len(traces) == 2, 'two trials')
    answer = graph.call(Trigger, 'cancel_improvement', Trigger.Request())
    assert (answer.success, answer.message) == (True, 'the run ends after the ball in flight')
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.CANCELLED, 'the end of the run')
    assert states[-1].iteration == len(traces) < 10


def test_cancel_stops_after_the_ball_in_flight_and_keeps_what_is_recorded(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.play_in(tmp_path, first_trials=10)
    traces = graph.collect(ExecutionTrace, 'execution_trace')
    controller = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    run = graph.improve(FAR_RIGHT, trials=30)
    run.trials(2)
    graph.spin_until(lambda: controller[-1].state == ControllerStatus.PLAYING, 'the third ball in flight')
    run.cancel()
    status, result = run.result()
    assert status == GoalStatus.STATUS_CANCELED
    assert result.trials == 3
    assert result.message == 'cancelled'
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.CANCELLED, 'the state of a cancelled run')
    assert len(run.trials(3)) == len(traces) == 3
    with RunStore.open(tmp_path) as store:
        assert [trial.number for trial in store.trials()] == [1, 2, 3]
    again = graph.improve('as far left as possible', trials=7)
    status, _ = again.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert [said.trial for said in again.trials(7)] == list(range(4, 11))
    assert len(traces) == 10, 'no ball was played between the two runs'


@pytest.mark.parametrize('present', ['nobody', 'controller', 'controller and simulator'])
def test_run_that_waits_for_others_can_be_cancelled(graph: RosGraph, present: str) -> None:
    idle_optimizer(graph, first_trials=2)
    if present != 'nobody':
        graph.add(ControllerNode, ControllerSettings())
    if present == 'controller and simulator':
        graph.add(SimulatorNode, SimulatorSettings())
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    run = graph.improve(FAR_RIGHT, trials=2)
    if present != 'nobody':
        graph.spin_until(lambda: published, 'the parameters of the first trial')
    run.cancel()
    status, result = run.result()
    assert (status, result.trials) == (GoalStatus.STATUS_CANCELED, 0)


def test_failing_store_ends_the_run_with_a_sentence_and_the_node_lives_on(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.play_in(tmp_path, first_trials=1)
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    graph.improve(FAR_RIGHT, trials=1).result()
    with closing(sqlite3.connect(tmp_path / 'run.sqlite')) as database:
        database.execute('ALTER TABLE steps RENAME TO lost')
    status, result = graph.improve(FAR_RIGHT, trials=2).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert 'could not store the step' in result.message
    assert '\n' not in result.message
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.FAILED, 'the state of a failed run')
    with closing(sqlite3.connect(tmp_path / 'run.sqlite')) as database:
        database.execute('ALTER TABLE lost RENAME TO steps')
    status, result = graph.improve(FAR_RIGHT, trials=1).result()
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 1)


def test_who_was_to_propose_in_a_goal_that_is_not_begun_is_let_go(
    graph: RosGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(Assembly, 'close', lambda assembly: closed.append(assembly.settings.method))

    def full(*_: Any) -> None:
        raise StoreError('the disk is full')

    optimizer = idle_optimizer(graph)
    monkeypatch.setattr(optimizer._memory, 'begin', full)
    assert graph.improve(FAR_RIGHT, method='knn').result()[1].message == 'the disk is full'
    assembled = optimizer._assembled

    def overtaken(method: str) -> Assembly:
        made = assembled(method)
        another = Checkpoint(parse_objective(FAR_RIGHT), 'knn', 1, ())
        optimizer._begun(another, made)  # has come first
        return made

    monkeypatch.setattr(optimizer, '_assembled', overtaken)
    assert 'is running' in graph.improve(FAR_RIGHT, method='cma_es').result()[1].message
    assert closed == ['knn', 'cma_es']


def test_broken_file_of_the_arm_fails_the_run_and_the_node_lives_on(graph: RosGraph, tmp_path: Path) -> None:
    file = tmp_path / 'hardware.yaml'
    file.write_text((share_folder() / 'config' / 'hardware.yaml').read_text())
    graph.add(ControllerNode, ControllerSettings())
    idle_optimizer(graph, rehearse=True, rehearsal=RehearsalConfig(config=str(file)), feed_balls=False)
    states = graph.collect(OptimizerStatus, 'optimizer/status', EVERY)
    as_it_was = file.read_text()
    other = as_it_was.replace('joint_jump: 0.02', 'joint_jump: 0.03')

    def failed(count: int) -> bool:
        return [state.state for state in states].count(OptimizerStatus.FAILED) == count

    cases = (('', 'of the arm of'), (other, 'were changed since the optimizer was started'))
    for number, (text, said) in enumerate(cases, start=1):
        file.write_text(text)
        status, result = graph.improve(FAR_RIGHT).result()
        assert status == GoalStatus.STATUS_ABORTED
        assert said in result.message
        assert set_objective(graph, FAR_RIGHT).accepted
        graph.spin_until(partial(failed, 2 * number), 'the end of both runs')
    file.write_text(as_it_was)
    assert set_objective(graph, FAR_RIGHT).accepted
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.RUNNING, 'a run')


def test_trial_that_is_never_reported_fails_the_run_and_names_the_trace_logger(graph: RosGraph) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    idle_optimizer(graph, trial_timeout=0.5, first_trials=2)
    status, result = graph.improve(FAR_RIGHT, trials=2).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert 'trace logger' in result.message


def test_run_ends_where_somebody_else_publishes_newer_parameters(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=2)
    offers = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED, readers=2)
    run = graph.improve(FAR_RIGHT, trials=30)
    run.trials(1)
    while not run.over:  # again, as only the newest is read where the next of the run waits, too
        offers.publish(parameters_message(Modulation(version=500), 0))
        graph.holds(lambda: run.over, 0.5)
    status, result = run.result()
    assert status == GoalStatus.STATUS_ABORTED
    assert re.search(r'the policy of trial \d+ is not used: .*500', result.message)
    status, result = graph.improve(FAR_RIGHT, trials=1).result()
    assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 1)


def test_trace_logger_that_cannot_store_says_so_and_publishes_nothing(
    graph: RosGraph, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    graph.play_in(tmp_path, trial_timeout=3.0, first_trials=1)
    traces = graph.collect(ExecutionTrace, 'execution_trace')
    (tmp_path / 'trials').rmdir()
    status, _ = graph.improve(FAR_RIGHT, trials=1).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert not traces
    assert 'could not store the trial' in capfd.readouterr().err
    (tmp_path / 'trials').mkdir()
    status, _ = graph.improve(FAR_RIGHT, trials=1).result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    # On a slow machine a ball that nobody waits for any more comes down after all: stored, it is one more.
    assert [trace.trial for trace in traces] == list(range(1, len(traces) + 1)) != []


# --- from proposal to arm --------------------------------------------------------------------------------


class Operator:
    """Somebody who looks at what waits for approval, and decides."""

    def __init__(self, graph: RosGraph) -> None:
        self._graph = graph
        self.states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
        self.published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
        self._seen = 0

    def next_proposal(self) -> OptimizerStatus:
        """Waits for one that has not been looked at yet."""

        def waits() -> bool:
            last = self.states[-1] if self.states else None
            return (
                last is not None
                and last.state == OptimizerStatus.WAITING_FOR_APPROVAL
                and last.proposed_version > self._seen
            )

        self._graph.spin_until(waits, 'a proposal that waits for approval')
        self._seen = self.states[-1].proposed_version
        return self.states[-1]

    def decide(self, decision: str, version: int, **more: Any) -> Any:
        request = ApproveParameters.Request(
            version=version, decision=decision, **{'decided_by': 'Ada', **more}
        )
        return self._graph.call(ApproveParameters, 'optimizer/approve_parameters', request)

    def approve(self, count: int) -> None:
        """Approves the next proposals."""
        for _ in range(count):
            assert self.decide('approve', self.next_proposal().proposed_version).accepted

    def revert(self) -> Any:
        return self._graph.call(Trigger, 'optimizer/revert', Trigger.Request())


APPROVED = ApprovalConfig(required=True)


def near(first: float) -> list[float]:
    return [first, *[1.0] * 7]


def test_nothing_reaches_the_arm_before_a_person_has_decided(
    graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rehearsed proposals are approved, rejected with a reason, edited; each leaves its record."""
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer(default=lambda request: good(near(1.09))) as server:
        server.script(good(near(1.05)), good(near(1.07)), good(near(1.03)))
        graph.play_in(
            tmp_path, first_trials=2, method='sas', model='test-model', base_url=server.url, request_retries=0,
            approval=APPROVED, rehearse=True, rehearsal=RehearsalConfig(trials=2, most_misses=1),
        )  # fmt: skip
        operator = Operator(graph)
        traces = graph.collect(ExecutionTrace, 'execution_trace')
        run = graph.improve(FAR_RIGHT, trials=4)

        first = operator.next_proposal()
        assert (first.proposed_version, first.proposed_by) == (1, 'initial')
        assert list(first.parameter_names) == list(ATTENUATIONS)
        assert tuple(first.proposed_values) == NEUTRAL_ATTENUATION
        assert (first.rehearsal_balls, first.rehearsal_landed) == (2, 2)
        assert '2 of 2 balls landed in simulation' in first.rehearsal
        assert first.rehearsal_clearance > 0.05
        assert 0.01 < first.rehearsal_joint_clearance < 0.5
        assert first.rehearsal_saturation >= 0.0
        assert first.reason == 'The unchanged controller, to compare with.'
        graph.spin_for(0.3)
        assert not operator.published
        assert not traces
        unknown = operator.decide('approve', 9)
        assert (unknown.accepted, unknown.message) == (
            False, 'version 1 waits for approval, not 9: look at it before you decide',
        )  # fmt: skip
        assert operator.decide('approve', 1).message == 'version 1 is approved'
        operator.approve(1)

        third = operator.next_proposal()
        assert tuple(third.proposed_values) == tuple(near(1.05))
        assert third.proposed_by == 'sas:test-model'
        assert third.prompt_tokens > 0
        assert not operator.decide('reject', third.proposed_version).accepted, 'a rejection needs a reason'
        assert operator.decide('reject', third.proposed_version, reason='keep away from my hand').accepted
        again = operator.next_proposal()
        assert (again.proposed_version, tuple(again.proposed_values)) == (4, tuple(near(1.07)))
        assert operator.decide('approve', 4).accepted

        last = operator.next_proposal()
        too_far = operator.decide('edit', last.proposed_version, values=near(3.0))
        assert not too_far.accepted
        assert 'cannot be used' in too_far.message
        assert operator.decide('edit', last.proposed_version, values=near(1.02), reason='less').accepted
        status, result = run.result()

        assert (status, result.trials) == (GoalStatus.STATUS_SUCCEEDED, 4)
        prompts = [request['messages'][0]['content'] for request in server.requests]
        told = ['keep away from my hand' in prompt for prompt in prompts]
        assert told == [False, True, True]
    assert [parameters.version for parameters in operator.published] == [1, 2, 4, 5]
    assert [parameters.attenuation[0] for parameters in operator.published[2:]] == [1.07, 1.02]
    assert [trace.parameters_version for trace in traces] == [1, 2, 4, 5]
    assert operator.states[-1].state == OptimizerStatus.FINISHED
    assert not operator.states[-1].proposed_version
    with RunStore.open(tmp_path) as store:
        shown = [each.audit for each in store.audits() if each.audit.decision is Decision.OFFERED]
        assert [audit.version for audit in shown] == [1, 2, 3, 4, 5]
        audits = decided(store)
        assert [stored.step for stored in store.audits() if stored.audit in audits] == [1, 2, 3, 3, 4]
        assert [audit.decision for audit in audits] == [
            'approved',
            'approved',
            'rejected',
            'approved',
            'edited',
        ]
        assert {audit.decided_by for audit in audits} == {'Ada'}
        assert audits[2].reason == 'keep away from my hand'
        assert [verdict.gate for verdict in audits[4].verdicts] == ['rehearsal', 'approval', 'rehearsal']
        sent = [stored.exchange for stored in store.exchanges()]
        assert len(sent) == 3
        assert len({audit.prompt_sha256 for audit in audits[2:]}) == 3


def test_run_that_waits_for_approval_can_be_cancelled_and_leaves_a_record(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.play_in(tmp_path, first_trials=2, approval=APPROVED)
    operator = Operator(graph)
    run = graph.improve(FAR_RIGHT, trials=2)
    operator.approve(1)
    run.trials(1)
    assert operator.next_proposal().proposed_version == 2
    run.cancel()
    status, result = run.result()
    assert (status, result.trials) == (GoalStatus.STATUS_CANCELED, 1)
    late = operator.decide('approve', 2)
    assert (late.accepted, late.message) == (False, 'no proposal waits for approval')
    with RunStore.open(tmp_path) as store:
        assert [(each.step, each.audit.decision) for each in store.audits()] == [
            (0, Decision.OFFERED), (1, Decision.APPROVED), (0, Decision.OFFERED), (0, Decision.WITHDRAWN),
        ]  # fmt: skip
    again = graph.improve(FAR_RIGHT, trials=1)
    assert operator.next_proposal().proposed_version == 3, 'no version is used twice'
    assert operator.decide('approve', 3).accepted
    assert again.result()[1].trials == 1


def test_node_answers_while_a_proposal_waits(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=1, approval=APPROVED)
    operator = Operator(graph)
    graph.improve(FAR_RIGHT, trials=1)
    operator.next_proposal()
    for _ in range(3):
        assert 'is running' in set_objective(graph, 'far left').message


def test_rejected_first_parameters_end_the_run_with_the_arm_as_it_was(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.play_in(tmp_path, first_trials=2, approval=APPROVED)
    operator = Operator(graph)
    run = graph.improve(FAR_RIGHT, trials=2)
    operator.decide('reject', operator.next_proposal().proposed_version, reason='not today')
    status, result = run.result()
    assert status == GoalStatus.STATUS_ABORTED
    assert 'nothing is allowed to reach the arm' in result.message
    assert 'not today' in result.message
    assert not operator.published
    with RunStore.open(tmp_path) as store:
        assert [audit.decision for audit in decided(store)] == [Decision.REJECTED]


def test_small_steps_wait_for_nobody_where_the_operator_allows_it(
    graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer(default=lambda request: good(near(1.2))) as server:
        server.script(good(near(1.02)), good(near(1.2)))
        graph.play_in(
            tmp_path, first_trials=1, method='sas', model='test-model', base_url=server.url, request_retries=0,
            approval=ApprovalConfig(required=True, auto_approve='small_steps'),
        )  # fmt: skip
        operator = Operator(graph)
        run = graph.improve(FAR_RIGHT, trials=3)
        operator.approve(1)
        run.trials(2)
        third = operator.next_proposal()
        assert (third.proposed_version, third.proposed_values[0]) == (3, 1.2)
        assert operator.decide('approve', 3).accepted
        assert run.result()[1].trials == 3
    with RunStore.open(tmp_path) as store:
        audits = decided(store)
    assert [audit.decision for audit in audits] == ['approved', 'automatic', 'approved']
    assert 'small step from trial 1, which succeeded' in audits[1].reason


def test_revert_goes_back_to_the_last_good_parameters_at_once(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=2)
    operator = Operator(graph)
    controller = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    graph.improve(FAR_RIGHT, trials=2).result()
    good = next(one for one in operator.published if one.version == 1)
    answer = operator.revert()
    assert answer.message == 'the last good policy comes back: the controller uses it as version 3'
    assert answer.success
    graph.spin_until(lambda: operator.published[-1].version == 3, 'the parameters')
    assert operator.published[-1].attenuation == good.attenuation
    graph.spin_until(lambda: controller[-1].active_version == 3, 'what the controller says')
    with RunStore.open(tmp_path) as store:
        record = store.audits()[-1]
        assert (record.step, record.audit.decision, record.audit.version) == (0, Decision.REVERTED, 3)
    run = graph.improve(FAR_RIGHT, trials=1)
    assert run.trials(1)[0].parameters_version == 4


def offer(graph: RosGraph, version: int) -> None:
    """Somebody else publishes parameters."""
    publisher = graph.publisher(PolicyParameters, 'policy_parameters', LATCHED)
    publisher.publish(parameters_message(Modulation(version=version, proposed_by='somebody'), 0))


def test_revert_takes_a_version_above_that_of_a_controller_which_others_have_served(graph: RosGraph) -> None:
    graph.add(SimulatorNode, SimulatorSettings())
    graph.add(ControllerNode, ControllerSettings())
    offer(graph, 39)
    controller = graph.collect(ControllerStatus, 'controller/status', LATCHED)
    optimizer = idle_optimizer(graph)
    graph.spin_until(lambda: controller and controller[-1].active_version == 39, 'a version of others')
    graph.spin_until(lambda: optimizer._controller.version == 39, 'the optimizer to hear of it')
    answer = Operator(graph).revert()
    assert (answer.success, answer.message) == (
        True,
        'the unchanged controller comes back, as no other trial landed: the controller uses it as version 40',
    )


def test_revert_that_the_controller_refuses_says_so(graph: RosGraph) -> None:
    optimizer = idle_optimizer(graph)
    controller = graph.publisher(ControllerStatus, 'controller/status', LATCHED)
    controller.publish(ControllerStatus())
    graph.spin_until(lambda: optimizer._controller.known, 'the optimizer to hear of it')
    refused = ControllerStatus(refused_version=1, message='parameters version 1 refused: not today')
    graph.probe.create_subscription(
        PolicyParameters, 'policy_parameters', lambda _: controller.publish(refused), LATCHED
    )
    answer = Operator(graph).revert()
    assert (answer.success, answer.message) == (
        False, 'version 1 is published to revert, but not in use: parameters version 1 refused: not today',
    )  # fmt: skip


def test_revert_ends_a_run_that_waits_and_withdraws_its_proposal(graph: RosGraph, tmp_path: Path) -> None:
    graph.play_in(tmp_path, first_trials=3, approval=APPROVED)
    operator = Operator(graph)
    run = graph.improve(FAR_RIGHT, trials=3)
    operator.approve(2)
    run.trials(2)
    assert operator.next_proposal().proposed_version == 3
    answer = operator.revert()
    assert answer.message == 'the run ends after the ball in flight, then the last good policy comes back'
    _, result = run.result()
    assert result.trials == 2
    graph.spin_until(lambda: operator.published[-1].version == 4, 'the parameters')
    assert tuple(operator.published[-1].attenuation) == NEUTRAL_ATTENUATION
    assert [parameters.version for parameters in operator.published] == [1, 2, 4]
    with RunStore.open(tmp_path) as store:
        assert [each.audit.decision for each in store.audits()][-2:] == [
            Decision.WITHDRAWN, Decision.REVERTED,
        ]  # fmt: skip


def test_without_approval_there_is_nothing_to_decide_and_nothing_to_go_back_to_but_the_unchanged_controller(
    graph: RosGraph,
) -> None:
    idle_optimizer(graph)
    operator = Operator(graph)
    answer = operator.decide('approve', 1)
    assert (answer.accepted, answer.message) == (False, 'no proposal waits for approval')
    reverted = operator.revert()
    assert (reverted.success, reverted.message) == (
        False, 'version 1 is published to revert, but not in use: no controller has said anything yet',
    )  # fmt: skip
    graph.spin_until(lambda: operator.published, 'the parameters')
    assert tuple(operator.published[-1].attenuation) == NEUTRAL_ATTENUATION


# --- started again ---------------------------------------------------------------------------------------


def test_optimizer_that_is_started_again_goes_on_with_its_run(graph: RosGraph, tmp_path: Path) -> None:
    settings: dict[str, Any] = {'trials': 4, 'first_trials': 4, 'approval': APPROVED, 'resume': True}
    first = graph.play_in(tmp_path, **settings)
    operator = Operator(graph)
    traces = graph.collect(ExecutionTrace, 'execution_trace')
    assert set_objective(graph, FAR_RIGHT).accepted
    operator.approve(2)
    graph.spin_until(lambda: len(traces) == 2, 'two trials')
    shown = operator.next_proposal().proposed_version
    graph.remove(first)
    graph.add(OptimizerNode, OptimizerSettings(output_folder=str(tmp_path), **settings))
    again = operator.next_proposal()
    assert again.proposed_version > shown, 'a person may still decide on what was shown before'
    assert (again.iteration, again.trials, again.objective) == (2, 4, FAR_RIGHT)
    assert operator.decide('approve', again.proposed_version).accepted
    operator.approve(1)
    graph.spin_until(lambda: operator.states[-1].state == OptimizerStatus.FINISHED, 'the end of the run')
    with RunStore.open(tmp_path) as store:
        versions = [stored.step.version for stored in store.steps()]
        assert [trial.version for trial in store.trials()] == versions
        assert store.ended()
    # Its last parameters are published again, and no run begins by itself.
    assert sorted({parameters.version for parameters in operator.published}) == versions


def test_objective_of_a_run_that_has_ended_is_not_begun_again_by_itself(
    graph: RosGraph, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings: dict[str, Any] = {'trials': 1, 'first_trials': 1, 'resume': True, 'objective': FAR_RIGHT}
    first = graph.play_in(tmp_path, **settings)
    states = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    graph.spin_until(lambda: states and states[-1].state == OptimizerStatus.FINISHED, 'the end of the run')
    graph.remove(first)
    graph.add(OptimizerNode, OptimizerSettings(output_folder=str(tmp_path), **settings))
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.IDLE and len(published) == 2, 'its return')
    graph.spin_for(1.0)
    assert states[-1].state == OptimizerStatus.IDLE
    assert 'has ended: call set_objective for another' in capfd.readouterr().err
    assert published[0].version == published[1].version == 1
    assert set_objective(graph, FAR_RIGHT).accepted
    graph.spin_until(lambda: states[-1].state == OptimizerStatus.FINISHED, 'the end of another run')
    with RunStore.open(tmp_path) as store:
        assert [trial.version for trial in store.trials()] == [1, 2]


def test_trial_that_was_broken_off_is_played_again(graph: RosGraph, tmp_path: Path) -> None:
    graph.add(ControllerNode, ControllerSettings())
    graph.add(
        OptimizerNode,
        OptimizerSettings(feed_balls=False, trials=1, first_trials=1, output_folder=str(tmp_path)),
    )
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    traces = graph.publisher(ExecutionTrace, 'execution_trace', TRACES)
    run = graph.improve(FAR_RIGHT)
    graph.spin_until(lambda: published, 'parameters')
    message = ExecutionTrace(trial=1, parameters_version=1, outcome='aborted', note='the arm was stopped')
    message.joint_names, message.attenuation, message.residual = list(JOINTS), [1.0] * 8, [0.0] * 8
    message.names = list(ATTENUATIONS)
    traces.publish(message)
    graph.spin_for(1.0)
    assert not run.feedback
    message.trial, message.outcome, message.note = 2, 'net', 'the ball hit the net'
    traces.publish(message)
    assert run.trials(1)[0].trial == 2
    assert [parameters.version for parameters in published] == [1]


def test_trace_that_cannot_be_read_is_left_out(graph: RosGraph, capfd: pytest.CaptureFixture[str]) -> None:
    graph.add(ControllerNode, ControllerSettings())
    idle_optimizer(graph, feed_balls=False, first_trials=1)
    published = graph.collect(PolicyParameters, 'policy_parameters', EVERY)
    traces = graph.publisher(ExecutionTrace, 'execution_trace', TRACES)
    run = graph.improve(FAR_RIGHT, trials=1)
    graph.spin_until(lambda: published, 'parameters')
    message = ExecutionTrace(trial=1, parameters_version=1, outcome='flew', note='the ball hit the net')
    message.joint_names, message.attenuation, message.residual = list(JOINTS), [1.0] * 8, [0.0] * 8
    message.names = list(ATTENUATIONS)
    traces.publish(message)
    message.trial, message.outcome, message.measure_names = 2, 'net', ['landing_x']
    traces.publish(message)
    message.trial, message.measure_names, message.joint_position = 3, [], [0.0] * 7
    traces.publish(message)
    message.trial, message.joint_position = 4, []
    traces.publish(message)
    assert run.trials(1)[0].trial == 4
    told = capfd.readouterr().err
    assert all(
        f'left out: trial {number} of execution_trace cannot be read: ' in told for number in (1, 2, 3)
    )


def test_trial_with_the_number_of_another_ends_the_run_and_says_why(graph: RosGraph) -> None:
    graph.add(ControllerNode, ControllerSettings())
    idle_optimizer(graph, feed_balls=False, first_trials=3)
    published = graph.collect(PolicyParameters, 'policy_parameters', LATCHED)
    traces = graph.publisher(ExecutionTrace, 'execution_trace', TRACES)
    run = graph.improve(FAR_RIGHT, trials=3)
    for _ in range(2):
        graph.spin_until(lambda: published, 'parameters')
        offered = published.pop()
        message = ExecutionTrace(
            trial=1, parameters_version=offered.version, outcome='net', note='the ball hit the net'
        )
        message.joint_names, message.names = list(JOINTS), list(offered.names)
        message.attenuation, message.residual = list(offered.attenuation), list(offered.residual)
        traces.publish(message)
    status, result = run.result()
    assert status == GoalStatus.STATUS_ABORTED
    assert 'trial 1 with version 2 is not the trial 1 that is known here' in result.message
    assert 'output_folder' in result.message
