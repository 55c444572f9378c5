"""The methods campaign: every method that can run on the arm, by goals to its nodes, against the stand-in arm; in its
quick form one of them, by the command.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from chat_server import ChatServer
from ros_graph import COMMAND, nodes_of, process
from scripted_methods import answer

from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import CHOICES, WITH_MODEL
from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

KNOWN = 6
"""Trials before a method is asked."""


def settings(folder: str, base_url: str) -> RehearsalSettings:
    path = share_folder() / 'config' / 'rehearsal.yaml'
    optimizer = read_settings(path, OptimizerSettings, 'optimizer')
    return RehearsalSettings(
        read_settings(path, StandInSettings, 'stand_in_arm'),
        read_settings(path, ControllerSettings, 'controller'),
        replace(read_settings(path, TraceLoggerSettings, 'trace_logger'), output_folder=folder),
        replace(
            optimizer, method='random_search', model='test-model', base_url=base_url, output_folder=folder,
            first_trials=KNOWN, all_trials=True, candidates=1,
            # Who proposes is what matters here: near the unchanged controller the rehearsal lets most of it pass.
            rehearsal=replace(optimizer.rehearsal, trials=2, most_misses=1),
            attenuation_low=(0.9,) * len(JOINTS), attenuation_high=(1.1,) * len(JOINTS),
        ),
    )  # fmt: skip


@pytest.mark.usefixtures('idle')
def test_goals_name_every_method_in_turn(
    tmp_path: Path,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    names = [name for name in CHOICES if name != 'auto'][: pytestconfig.getoption('--arm-methods')]
    if not names:
        pytest.skip('minutes in real time: make acceptance')
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    proposed: dict[str, str] = {}
    run = str(tmp_path / 'run')
    with (
        ChatServer(default=answer) as server,
        RehearsalCell(settings(run, server.url), tmp_path / 'logs', f'/methods_{os.getpid()}') as cell,
    ):
        cell.make_ready()
        cell.improve('far left', KNOWN, lambda trial: None)
        for name in names:
            trials: list[TrialReport] = []
            cell.improve('far left', 1, trials.append, method=name)
            proposed[name] = trials[-1].proposed_by
    record_property('proposed by', proposed)
    assert proposed == {name: f'{name}:test-model' if name in WITH_MODEL else name for name in names}


@pytest.mark.real_time
@pytest.mark.usefixtures('idle')
def test_rehearsal_by_icpi_improves_with_a_scripted_operator_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    with ChatServer(default=answer) as server:
        command = [COMMAND, 'rehearse', 'as far right as possible', '--trials', '2', '--first-trials', '1',
                   '--method', 'icpi', '--model', 'test-model', '--base-url', server.url, '--output', 'run',
                   '--json']  # fmt: skip
        with process(command, tmp_path, OPENAI_API_KEY='none') as rehearsed:
            assert rehearsed.end(timeout=240.0) == 0, rehearsed.err
        *trials, summary = [json.loads(line) for line in rehearsed.out.splitlines()]
        # A ball that a busy machine was too late for is broken off and played again.
        assert len(trials) == summary['trials'] == 2
        # A first ball that was spoilt gives the model nothing to go on; the optimizer itself proposes then.
        proposer = 'icpi:test-model' if trials[0]['distance_m'] is not None else 'bayesian'
        assert [trial['proposed_by'] for trial in trials] == ['initial', proposer]
        assert trials[0]['trial'] < trials[1]['trial']
        assert 'Real time: control ticks' in rehearsed.err
        assert (tmp_path / 'run' / 'landings.png').is_file()
        assert not nodes_of(rehearsed)
    log = (tmp_path / 'run' / 'rehearsal' / 'optimizer.log').read_text()
    assert 'scripted operator: version' in log
