"""The nodes of a simulation, or of the arm with its stand-in, as processes, and a console beside them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from console_process import Console, console
from paused_cell import CONFIG, TOPICS
from ros_graph import Process, node_command, process

IN_SIMULATION: Final = ('simulator', 'controller', 'trace_logger', 'optimizer')
ON_THE_ARM: Final = ('stand_in_arm', 'controller', 'trace_logger', 'optimizer')
_HEARS: Final = {
    'stand_in_arm': tuple(TOPICS),
    'controller': tuple(TOPICS),
    'trace_logger': ('joint_state_topic', 'ball_topic'),
    'optimizer': (),
}


@dataclass(frozen=True)
class ConsoleCell:
    """Attributes:
    console: beside the nodes; `Console.link` is of whoever looks.
    operator: the link of whoever operates; empty where there are no keys.
    nodes: by their names.
    runs: folder of all runs, which the console shows.
    """

    console: Console
    operator: str
    nodes: dict[str, Process]
    runs: Path

    @property
    def run(self) -> Path:
        """Of the nodes."""
        return self.runs / 'run'


@contextmanager
def console_cell(folder: Path, *, stand_in: bool = False, **optimizer: str) -> Iterator[ConsoleCell]:
    """All of it, with these parameters of the optimizer; a person lets each proposal play."""
    namespace = f'/console_{uuid4().hex[:8]}'
    runs = folder / 'runs'
    runs.mkdir(parents=True)
    kept = {'output_folder': str(runs / 'run')}
    own = {'trace_logger': kept, 'optimizer': kept | {'approval.required': 'true'} | optimizer}
    config = CONFIG / 'sim.yaml'
    files = [config]
    if stand_in:
        config = folder / 'arm.yaml'
        keys = f'{{key_file: {folder / "run.key"}, operator_file: {folder / "operator.key"}}}'
        config.write_text(
            ''.join(
                f'/**/{name}:\n  ros__parameters:\n    security: {keys}\n'
                for name in ('controller', 'trace_logger', 'optimizer')
            )
        )
        files = [CONFIG / 'rehearsal.yaml', CONFIG / 'safety.yaml', config]
    with ExitStack() as stack:
        nodes = {}
        for name in ON_THE_ARM if stand_in else IN_SIMULATION:
            given = own.get(name, {})
            if stand_in:
                given = given | {topic: TOPICS[topic] for topic in _HEARS[name]}
            command = [
                *node_command(name, namespace),
                *(part for file in files for part in ('--params-file', str(file))),
                *(part for key, value in given.items() for part in ('-p', f'{key}:={value}')),
            ]
            nodes[name] = stack.enter_context(process(command, folder / name))
        beside = ('--ros', '--config', str(config), '--namespace', namespace)
        opened = stack.enter_context(console(runs, *beside))
        link = ''
        if stand_in:
            assert opened.process.stdout is not None
            line = opened.process.stdout.readline()
            assert line.startswith('Operator: http'), line
            link = line.split()[1]
        yield ConsoleCell(opened, link, nodes, runs)
