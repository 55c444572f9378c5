"""A program travels as a message, is asked about each ball, and the trial tells what was applied."""

import array
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from ros_graph import RosGraph

from llm_policy_improver import msg
from llm_policy_improver.core.policy import Program
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.messages import parameters_message, trial_in
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN, BallProgram, Modulation
from llm_policy_improver.table_tennis.ball_choice import OBSERVED
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.task import TableTennis

RALLY = SimulationConfig(balls='rally')
LOW, HIGH = (0.9,) * 8 + (-0.1,) * 8, (1.2,) * 8 + (0.1,) * 8
STEERING = """
class Policy:
    def act(self, obs):
        return [1.0, 0.5] + [1.0 + 0.1 * obs[1]] * 6 + [0.02] * 8
"""
CRASHING = """
class Policy:
    def act(self, obs):
        return obs[99]
"""
CONSTANTS = ((0.95,) * 8, (0.01,) * 8)


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def program(version: int, source: str) -> Modulation:
    return Modulation(*CONSTANTS, version, 'prompt_po:x', program=BallProgram(source, 'Policy', LOW, HIGH))


def in_use(states: list[msg.ControllerStatus], version: int) -> bool:
    return bool(states) and states[-1].active_version == version


def reported(traces: list[msg.ExecutionTrace], count: int) -> bool:
    return len(traces) == count


def test_a_program_is_asked_about_each_ball_and_the_trial_is_that_in_process_bit_for_bit(
    graph: RosGraph, tmp_path: Path
) -> None:
    graph.add(SimulatorNode, SimulatorSettings(RALLY))
    graph.add(ControllerNode, ControllerSettings(programs=True))
    graph.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(tmp_path)))
    states = graph.collect(msg.ControllerStatus, 'controller/status', LATCHED)
    choices = graph.collect(msg.BallChoice, 'controller/ball_choice', RELIABLE)
    traces = graph.collect(msg.ExecutionTrace, 'execution_trace', TRACES)
    publisher = graph.publisher(msg.PolicyParameters, 'policy_parameters', LATCHED, readers=2)
    with BallChooser(ControllerSettings().safety.residual, waits=True) as chooser:
        task = TableTennis(RALLY, chooser=chooser)
        for version, source, seed in ((1, STEERING, 3), (2, CRASHING, 4)):
            publisher.publish(parameters_message(program(version, source), 0))
            graph.spin_until(partial(in_use, states, version), 'the program in use')
            graph.feed(version, seed)
            graph.spin_until(partial(reported, traces, version), 'the trial')
            task.begin(program(version, source), seed)
            while not task.simulator.finished:
                task.step()
            here, there = task.finish(), trial_in(traces[-1])
            choice = chooser.pop()
            assert choice is not None
            assert there.policy == Program(source, 'Policy') == here.policy
            assert there.measures == choice.told_by(here).measures
            assert there.note == choice.told_by(here).note
            assert tuple(traces[-1].attenuation) + tuple(traces[-1].residual) == choice.applied
    steered, crashed = choices
    assert (steered.applied[1], steered.fallback) == (0.9, '')
    assert dict(zip(CHOSEN, steered.applied, strict=True))['i'] == 0.02
    assert len(steered.observed) == len(OBSERVED)
    assert (crashed.fallback, tuple(crashed.applied)) == (msg.BallChoice.FAILED, CONSTANTS[0] + CONSTANTS[1])
    assert 'IndexError' in crashed.detail
    with RunStore.open(tmp_path) as store:
        first, second = store.trials()
    assert first.policy == Program(STEERING, 'Policy')
    assert (first.measures['b'], first.measures['hit_x']) == (0.9, steered.observed[1])
    assert 'the constants held: the program failed' in second.note


def test_a_controller_that_runs_no_programs_refuses_one_and_keeps_what_it_has(graph: RosGraph) -> None:
    graph.add(ControllerNode, ControllerSettings())
    states = graph.collect(msg.ControllerStatus, 'controller/status', LATCHED)
    publisher = graph.publisher(msg.PolicyParameters, 'policy_parameters', LATCHED)
    publisher.publish(parameters_message(Modulation(version=1), 0))
    graph.spin_until(lambda: states and states[-1].active_version == 1, 'the parameters in use')
    publisher.publish(parameters_message(program(2, STEERING), 0))
    graph.spin_until(lambda: 'refused' in states[-1].message, 'a refusal')
    assert 'programs are not run here: set programs to true' in states[-1].message
    assert states[-1].active_version == 1


def test_a_program_without_a_whole_envelope_is_refused_and_what_holds_programs_is_logged_at_the_start(
    graph: RosGraph, capfd: pytest.CaptureFixture[str]
) -> None:
    graph.add(ControllerNode, ControllerSettings(programs=True))
    assert 'Programs are held by ' in capfd.readouterr().err
    states = graph.collect(msg.ControllerStatus, 'controller/status', LATCHED)
    publisher = graph.publisher(msg.PolicyParameters, 'policy_parameters', LATCHED)
    message = parameters_message(program(1, STEERING), 0)
    message.envelope_high = array.array('d', HIGH[:8])
    publisher.publish(message)
    graph.spin_until(lambda: states and 'refused' in states[-1].message, 'a refusal')
    assert 'the high end of the envelope must be 16 finite numbers' in states[-1].message
