"""Controller and stand-in arm as processes of their own, in a namespace, with keys of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from arm_operator import ArmOperator
from ros_graph import Process, RosGraph, node_command, process

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.share import share_folder

CONFIG = share_folder() / 'config'
TOPICS = {
    'joint_state_topic': 'joint_states', 'ball_topic': 'ball/position', 'spin_topic': 'ball/spin',
    'gantry_command_topic': 'gantry', 'arm_command_topic': 'arm', 'realtime_priority': '0',
}  # fmt: skip


@dataclass
class PausedCell:
    """Both at work.

    Attributes:
        controller: to be stopped and continued.
        security: whose keys the operator has.
        proof: where the controller looks for the check of the drives; it is asked for where `cell` was told so.
    """

    graph: RosGraph
    controller: Process
    operator: ArmOperator
    security: SecuritySettings
    proof: Path


@contextmanager
def cell(folder: Path, *, proven: bool, drive_timeout: float = 0.05) -> Iterator[PausedCell]:
    """A cell; ``proven``: nobody asks for a check of its drives, whose time-out this is, s, or 0."""
    security = SecuritySettings(str(folder / 'run.key'), str(folder / 'operator.key'))
    proof = folder / 'drives.json'
    (folder / 'controller').mkdir()
    (folder / 'arm').mkdir()

    def command(node: str, graph: RosGraph, **given: str) -> list[str]:
        files = (CONFIG / 'rehearsal.yaml', CONFIG / 'safety.yaml')
        parts = [part for file in files for part in ('--params-file', str(file))]
        values = [part for name, value in (TOPICS | given).items() for part in ('-p', f'{name}:={value}')]
        return [*node_command(node, graph.namespace), *parts, *values]

    with RosGraph() as graph:
        keys = {'security.key_file': security.key_file, 'security.operator_file': security.operator_file}
        keys['drives_proof'] = "''" if proven else str(proof)
        arm = command('stand_in_arm', graph, drive_timeout=f'{drive_timeout}')
        with (
            process(arm, folder / 'arm'),
            process(command('controller', graph, **keys), folder / 'controller') as controller,
        ):
            operator = ArmOperator(graph, security)
            graph.spin_until(lambda: operator.states, 'a status of the controller')
            yield PausedCell(graph, controller, operator, security, proof)
