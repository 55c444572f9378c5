"""The methods campaign: every method that can run on the arm, by goals to its nodes, against the stand-in arm."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from real_time import alone_in_real_time

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from chat_server import ChatServer
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
        alone_in_real_time(),
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
