"""PromptPO on the arm: programs are shown to a person, published as approved, and tried on rounds of balls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from chat_server import ChatServer
from ros_graph import EVERY, RosGraph
from scripted_programmer import programmer

from llm_policy_improver import msg, srv
from llm_policy_improver.core.policy import Program
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT, ApprovalConfig
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import stored_parts
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.tasks.ball_rounds import MEAN_DISTANCE
from llm_policy_improver.tasks.program_task import CRASHED, PLAYED

RALLY = SimulationConfig(balls='rally')
WORDS = 'at (-0.38, 0.75)'
FEEDBACK = """
class Feedback:
    def summarize_trajectory(self, traj):
        return f"landed at {traj['last_observation'][11]:.2f}, {traj['last_observation'][12]:.2f}"
"""
UNCHANGED = """
class Policy:
    def act(self, obs):
        return [1.0] * 8 + [0.0] * 8
"""
TO_THE_LEFT = """
class Policy:
    def act(self, obs):
        return [1.0, 1.0, 9.9, 0.8, 1.0, 1.0, 1.0, 1.0] + [0.0] * 8
"""
CRASHING = """
class Policy:
    def act(self, obs):
        return self.gain * obs[1]
"""


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[RosGraph]:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with RosGraph() as graph:
        yield graph


def settings(url: str, folder: Path, **changed: Any) -> OptimizerSettings:
    given: dict[str, Any] = {
        'objective': WORDS, 'method': 'prompt_po', 'base_url': url, 'model': 'm', 'vary_balls': True,
        'balls': 2, 'trials': 2, 'output_folder': str(folder), 'request_retries': 0,
    }  # fmt: skip
    return OptimizerSettings(**{**given, **changed})


def others(graph: RosGraph, folder: Path) -> None:
    graph.add(SimulatorNode, SimulatorSettings(RALLY))
    graph.add(ControllerNode, ControllerSettings(programs=True))
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(folder)))


def decide(graph: RosGraph, version: int, decision: str, reason: str = '') -> srv.ApproveParameters.Response:
    request = srv.ApproveParameters.Request(
        version=version, decision=decision, decided_by='Ada', reason=reason
    )
    return graph.call(srv.ApproveParameters, 'optimizer/approve_parameters', request)


def test_a_program_waits_with_source_and_envelope_and_exactly_that_is_published_and_tried(
    graph: RosGraph, tmp_path: Path
) -> None:
    with ChatServer(programmer(UNCHANGED, TO_THE_LEFT, feedback=FEEDBACK)) as server:
        others(graph, tmp_path)
        statuses = graph.collect(msg.OptimizerStatus, 'optimizer/status', LATCHED)
        published = graph.collect(msg.PolicyParameters, 'policy_parameters', EVERY)
        traces = graph.collect(msg.ExecutionTrace, 'execution_trace', TRACES)
        graph.add(OptimizerNode, settings(server.url, tmp_path, approval=ApprovalConfig(required=True)))

        def waits(source: str) -> Any:
            def found() -> list[Any]:
                return [
                    one
                    for one in statuses
                    if one.state == msg.OptimizerStatus.WAITING_FOR_APPROVAL and one.proposed_source == source
                ]

            graph.spin_until(found, f'a program that waits: {source}')
            return found()[-1]

        first = waits(UNCHANGED.lstrip())
        assert not published
        refused = decide(graph, first.proposed_version, EDIT)
        assert (refused.accepted, 'cannot be edited' in refused.message) == (False, True)
        assert decide(graph, first.proposed_version, APPROVE).accepted
        graph.spin_until(lambda: len(traces) == 2, 'the first round')
        second = waits(TO_THE_LEFT.lstrip())
        assert decide(graph, second.proposed_version, APPROVE).accepted
        graph.spin_until(lambda: len(traces) == 4, 'the second round')
        graph.spin_until(lambda: statuses[-1].state == msg.OptimizerStatus.FINISHED, 'the end of the run')
    for shown, sent in zip((first, second), published, strict=True):
        assert (shown.proposed_version, shown.proposed_source) == (sent.version, sent.source)
        assert (shown.envelope_low, shown.envelope_high) == (sent.envelope_low, sent.envelope_high)
        assert not shown.parameter_names
    # Attenuations alone are searched here: residuals cannot be chosen.
    assert list(first.envelope_high) == [1.4] * 8 + [0.0] * 8
    assert [trace.parameters_version for trace in traces] == [first.proposed_version] * 2 + [
        second.proposed_version
    ] * 2
    assert traces[2].attenuation[2] == 1.4
    assert traces[2].attenuation[3] == 0.8
    assert statuses[-1].best_version == second.proposed_version
    assert 0.0 < statuses[-1].best_distance < 0.4
    with RunStore.open(tmp_path) as store:
        assert len(store.trials()) == 4
        (part,) = stored_parts(store)
    one, other = (step.trial for step in part.steps)
    assert one is not None
    assert other is not None
    assert (one.outcome, len(one.samples), len(other.samples)) == (PLAYED, 2, 2)
    assert other.measures[MEAN_DISTANCE.name] == pytest.approx(statuses[-1].best_distance)
    assert other.policy == Program(TO_THE_LEFT.lstrip(), 'Policy')


def test_a_program_that_a_person_rejects_is_never_published_and_one_that_fails_is_mended(
    graph: RosGraph, tmp_path: Path
) -> None:
    with ChatServer(programmer(TO_THE_LEFT, CRASHING, UNCHANGED, feedback=FEEDBACK)) as server:
        others(graph, tmp_path)
        statuses = graph.collect(msg.OptimizerStatus, 'optimizer/status', LATCHED)
        published = graph.collect(msg.PolicyParameters, 'policy_parameters', EVERY)
        graph.add(OptimizerNode, settings(server.url, tmp_path, approval=ApprovalConfig(required=True)))
        decided: set[int] = set()
        while not statuses or statuses[-1].state != msg.OptimizerStatus.FINISHED:
            graph.spin_until(
                lambda: (
                    statuses
                    and (
                        statuses[-1].state == msg.OptimizerStatus.FINISHED
                        or statuses[-1].proposed_version not in {0, *decided}
                    )
                ),
                'a proposal or the end',
            )
            shown = statuses[-1]
            if shown.state == msg.OptimizerStatus.FINISHED:
                break
            decided.add(shown.proposed_version)
            bad = shown.proposed_source == TO_THE_LEFT.lstrip()
            decide(graph, shown.proposed_version, REJECT if bad else APPROVE, 'too wild' if bad else '')
    assert TO_THE_LEFT.lstrip() not in [one.source for one in published]
    with RunStore.open(tmp_path) as store:
        (part,) = stored_parts(store)
        notes = [ball.note for ball in store.trials()]
    crashed, mended = (step.trial for step in part.steps)
    assert crashed is not None
    assert mended is not None
    assert crashed.outcome == CRASHED
    assert 'AttributeError' in notes[0]
    assert mended.outcome == PLAYED
