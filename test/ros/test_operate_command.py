"""``llm-policy-improver arm``, ``approve`` and the like against real nodes: one command each, which shows and asks."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from ros_graph import COMMAND, RosGraph, environment
from sealed_cell import SealedCell

from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.msg import ControllerStatus

FAR = 'as far right as possible'


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


class Person:
    """At a terminal beside the nodes."""

    def __init__(self, graph: RosGraph, folder: Path) -> None:
        self._graph = graph
        self._config = folder / 'arm.yaml'
        keys = f'{{key_file: {folder / "run.key"}, operator_file: {folder / "operator.key"}}}'
        self._config.write_text(f'/**/controller:\n  ros__parameters:\n    security: {keys}\n')

    def types(self, *command: str, answer: str = '') -> tuple[int, str]:
        """Exit status and all that was printed; the graph lives on meanwhile."""
        own = ('--by', 'Ada', '--namespace', self._graph.namespace, '--config', str(self._config))
        with subprocess.Popen(
            [COMMAND, *command, *own], env=environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as started:  # fmt: skip
            assert started.stdin is not None
            assert started.stdout is not None
            started.stdin.write(answer)
            started.stdin.close()
            try:
                self._graph.spin_until(lambda: started.poll() is not None, f'the end of {command}')
            finally:
                started.kill()
            return started.returncode, started.stdout.read()


def test_an_arm_is_stopped_resumed_armed_and_disarmed_by_a_command_each(graph: RosGraph, tmp_path: Path) -> None:
    cell, person = SealedCell(graph, tmp_path), Person(graph, tmp_path)
    status, said = person.types('stop')
    assert (status, said.strip()) == (
        0, 'emergency stop: the arm is commanded to stand still until controller/resume',
    )  # fmt: skip
    status, said = person.types('resume-arm')
    assert status == 0
    assert said.splitlines()[0] == 'It was stopped: a person stopped the arm'
    assert said.splitlines()[-1] == 'resumed by Ada: disarmed, to be armed again'
    status, said = person.types('arm', answer='n\n')
    assert status == 130  # as after Ctrl-C
    assert said.startswith('The controller is disarmed. ')
    assert 'Is nobody within reach, and may the arm move now? [y/N]: ' in said
    assert cell.states[-1].state == ControllerStatus.DISARMED
    status, said = person.types('arm', answer='y\n')
    assert (status, said.splitlines()[-1]) == (
        0, 'Is nobody within reach, and may the arm move now? [y/N]: '
        'armed by Ada: the arm moves when a ball comes',
    )  # fmt: skip
    graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.READY, 'an armed arm')
    status, said = person.types('disarm')
    assert (status, said.strip()) == (0, 'disarmed: the arm is commanded to stand still')
    status, said = person.types('arm', '--yes')
    assert (status, said.splitlines()[-1]) == (0, 'armed by Ada: the arm moves when a ball comes')


def test_arm_is_stopped_by_who_may_not_read_the_keys(graph: RosGraph, tmp_path: Path) -> None:
    cell, person = SealedCell(graph, tmp_path), Person(graph, tmp_path)
    for key in (tmp_path / 'run.key', tmp_path / 'operator.key'):
        key.chmod(0o644)  # keys that are open to others are refused
    status, said = person.types('arm', '--yes')
    assert status == 2
    assert 'open to others' in said
    status, said = person.types('stop')
    assert (status, said[:15]) == (0, 'emergency stop:')
    graph.spin_until(lambda: cell.states[-1].state == ControllerStatus.ESTOP, 'the stop')
    status, said = person.types('disarm')
    assert status == 0, said


def test_proposals_are_approved_rejected_and_edited_by_a_command_each(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path, approval=ApprovalConfig(required=True), first_trials=4)
    person = Person(graph, tmp_path)
    status, said = person.types('approve')
    assert (status, said) == (2, 'Error: no proposal waits for approval: the optimizer is idle\n')
    run = graph.improve(FAR, trials=4)
    shown = cell.waiting(1)
    status, said = person.types('approve', answer='n\n')
    assert status == 130  # as after Ctrl-C
    lines = said.splitlines()
    assert lines[:2] == [f'Objective  {FAR}', f'Aim        {shown.aim}']
    assert lines[2].startswith('Version    1 by initial: ')
    assert len(cell.told[-1].proposed_values) == len(lines) - 4  # one line a parameter, and the question
    assert [line.split()[0] for line in lines[3:-1]]
    assert 'May the arm play it? [y/N]: ' in lines[-1]
    assert cell.waiting(1).proposed_version == 1
    status, said = person.types('approve', answer='y\n')
    assert (status, said.splitlines()[-1]) == (0, 'May the arm play it? [y/N]: version 1 is approved')
    cell.waiting(2)
    for wrong, sentence in (
        ('zz=1.1', 'Error: there is no parameter "zz": there are a, b, c, d, e, f, g, h'),
        ('a=fast', 'Error: a must be a number, as in a=1.1; got "fast"'),
    ):
        assert person.types('edit', wrong) == (2, f'{sentence}\n')
    status, said = person.types('edit', 'a=1.05', '--reason', 'gently', answer='y\n')
    assert status == 0
    assert any(line.startswith('  a  ') and '1.050' in line for line in said.splitlines())
    assert 'May the arm play it so? [y/N]: ' in said
    version = cell.told[-1].proposed_version
    graph.spin_until(lambda: any(trace.attenuation[0] == 1.05 for trace in cell.traces), 'the edited trial')
    graph.spin_until(lambda: cell.told[-1].proposed_version > version - 1, 'the next proposal')
    status, said = person.types('reject', '--reason', 'too near the net')
    assert status == 0
    run.cancel()


def test_without_nodes_one_sentence_says_so(graph: RosGraph, tmp_path: Path) -> None:
    person = Person(graph, tmp_path)
    for command in (['disarm'], ['arm', '--yes']):
        status, said = person.types(*command)
        assert status == 2
        assert said.count('\n') == 1
        assert said.startswith(('Error: nobody serves ', 'Error: no controller was found on '))


def test_a_key_that_is_none_is_refused_in_one_sentence(graph: RosGraph, tmp_path: Path) -> None:
    person = Person(graph, tmp_path)
    (tmp_path / 'operator.key').write_text('abc')
    (tmp_path / 'operator.key').chmod(0o600)
    status, said = person.types('arm')
    assert status == 2
    assert said.count('\n') == 1
    assert 'operator.key must hold 64 hexadecimal digits' in said
