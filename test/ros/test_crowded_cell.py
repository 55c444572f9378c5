"""Strangers beside an armed arm: it stops, stays disarmed while they are there, and nothing of theirs is stored."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from crowded_cell import CrowdedCell
from geometry_msgs.msg import PointStamped
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.messages import ball_message
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.rehearsal_cell import RehearsalSettings
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.table_tennis.observation import BallObservation
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

pytestmark = pytest.mark.real_time
PATIENT: dict[str, Any] = {'joints_stale': 0.5, 'frozen_time': 1.0, 'missed_ticks': 25, 'ball_stale': 1.0}
"""Of the watchdog: a busy machine is no stranger."""
CONFIG = share_folder() / 'config' / 'rehearsal.yaml'


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('crowded')


@pytest.fixture(scope='module')
def cell(folder: Path) -> Iterator[CrowdedCell]:
    logger = read_settings(CONFIG, TraceLoggerSettings, 'trace_logger')
    controller = read_settings(CONFIG, ControllerSettings, 'controller')
    settings = RehearsalSettings(
        read_settings(CONFIG, StandInSettings, 'stand_in_arm'),
        replace(controller, realtime_priority=0, watchdog=replace(controller.watchdog, **PATIENT)),
        replace(logger, output_folder=str(folder / 'run'), resume=True),
    )
    with CrowdedCell(settings, folder / 'logs', '/crowded') as cell:
        yield cell


def publishing(kind: Any, topic: str, **node: Any) -> Node:
    stranger = Node('stranger', **node)
    stranger.create_publisher(kind, topic, 10)
    return stranger


def two_optimizers(**node: Any) -> Node:
    one = OptimizerNode(OptimizerSettings(), **node)
    other = OptimizerNode(OptimizerSettings(), **node)
    vars(one)['other'] = other  # it lives as long
    return one


TOPICS = {'gantry': 'gantry_velocity_controller/commands', 'arm': 'arm_velocity_controller/commands'}
SECOND = ControllerSettings(
    lockstep=False,
    gantry_command_topic=TOPICS['gantry'],
    arm_command_topic=TOPICS['arm'],
    security=SecuritySettings(insecure=True),
)
STRANGERS: dict[str, tuple[Callable[..., Node], str]] = {
    'second controller': (
        partial(ControllerNode, SECOND),
        r'there are two nodes in the role of controller|.*/controller publishes on .*, too, which moves the arm',
    ),
    'second trace logger': (
        partial(TraceLoggerNode, TraceLoggerSettings(lockstep=False, output_folder='second', resume=True)),
        'there are two nodes in the role of trace_logger: /crowded/trace_logger .process',
    ),
    'two optimizers': (two_optimizers, 'there are two nodes in the role of optimizer'),
    'simulator': (
        partial(SimulatorNode, SimulatorSettings()),
        'there are two nodes in the role of simulator|simulation and arm are mixed|.* publishes on .*joint_states now',
    ),
    'commands to the gantry': (
        partial(publishing, Float64MultiArray, TOPICS['gantry']),
        '/crowded/stranger publishes on /crowded/gantry_velocity_controller/commands, too, which moves the arm',
    ),
    'commands to the arm': (partial(publishing, Float64MultiArray, TOPICS['arm']), '/crowded/stranger publishes on'),
    'sightings': (
        partial(publishing, PointStamped, 'ball/position'),
        '/crowded/stranger publishes on /crowded/ball/position now, beside /crowded/stand_in_arm',
    ),
}  # fmt: skip


@pytest.mark.parametrize('stranger', STRANGERS)
def test_armed_arm_stops_and_is_not_armed_as_long_as_the_stranger_is_there(
    cell: CrowdedCell, folder: Path, monkeypatch: pytest.MonkeyPatch, stranger: str
) -> None:
    monkeypatch.chdir(folder)
    make, why = STRANGERS[stranger]
    told = cell.stopped_by(make)
    if stranger == 'simulator':
        # Who else reports joint states may be the real arm: the stand-in one is silent for good.
        cell.kill_and_start_again('stand_in_arm')
    assert re.match(why, told), told


def test_killed_nodes_that_are_started_again_stop_no_arm(cell: CrowdedCell) -> None:
    cell.make_ready()
    before = len(cell.faults)
    for name in ('stand_in_arm', 'trace_logger', 'controller'):
        cell.kill_and_start_again(name)
    cell.make_ready()
    assert not [fault for fault in cell.faults[before:] if 'two nodes' in fault or 'publish' in fault]


def test_trials_among_strangers_are_left_out_and_told(cell: CrowdedCell, folder: Path) -> None:
    cell.make_ready()
    stored = len(trials(folder))

    def left_out() -> int:
        return int(cell.diagnostics.get('trace_logger', {}).get('trials left out', 0))

    before = left_out()
    with cell.beside(partial(publishing, PointStamped, 'ball/position')) as stranger:
        out = next(each for each in stranger.publishers if each.topic_name.endswith('ball/position'))

        # A ball that is seen for a moment, and then not: a trial of this run, if nobody looked.
        for _ in range(20):
            now = stranger.get_clock().now().nanoseconds
            out.publish(ball_message(BallObservation(now, (0.1, 1.0, 0.3))))
            if cell.until(lambda: left_out() > before, 0.6):
                break
        assert left_out() > before
    assert len(trials(folder)) == stored


def trials(folder: Path) -> list[Any]:
    with RunRecords.look(folder / 'run') as run:
        return run.trials()
