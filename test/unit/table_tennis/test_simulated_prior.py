import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from llm_policy_improver.core.settings import with_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.methods.numeric.explored import Explored
from llm_policy_improver.table_tennis import prior_workers, simulated_prior
from llm_policy_improver.table_tennis.cells import noisy_cell, quiet_cell
from llm_policy_improver.table_tennis.prior_order import Player, spread
from llm_policy_improver.table_tennis.rehearsal import arm_cell
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.simulated_prior import SimulatedPrior
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief

BRIEF = make_brief(parameter_space())
FEW = 64
OTHER = f"""
from llm_policy_improver.table_tennis.simulated_prior import SimulatedPrior
from llm_policy_improver.table_tennis.cells import quiet_cell
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief

print(SimulatedPrior(quiet_cell(), {FEW})(make_brief(parameter_space())).log_odds.coefficients.tobytes().hex())
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and nothing remembered of another test."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    for remembered in (simulated_prior._prior, simulated_prior._workers):
        remembered.cache_clear()
    return tmp_path



@pytest.mark.parametrize('searched', [Searched.ATTENUATION, Searched.BOTH])
def test_simulated_policies_reach_the_ends_of_every_parameter(searched: Searched) -> None:
    space = parameter_space(searched)
    policies = [space.at(values) for values in spread(400, space)]
    points = np.abs([Explored(space).point(policy) for policy in policies])
    assert all(space.contains(policy) for policy in policies)
    assert policies[0] == space.neutral
    assert points.max() <= 1.0 + 1e-9
    # The share of an arcsine distribution beyond 0.9; of an even one it is 0.1.
    assert np.mean(points > 0.9, axis=0) == pytest.approx(1.0 - 2.0 / np.pi * np.arcsin(0.9), abs=0.03)


def test_a_prior_is_made_once_by_other_processes_and_loaded_at_once_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SimulatedPrior(quiet_cell(), FEW)
    assert source.sentence(BRIEF.space).startswith('128 trials are simulated for it first, once, in some ')
    source.begin(BRIEF.space)
    made = source(BRIEF)
    (kept,) = folder.rglob('prior-*')
    assert source.sentence(BRIEF.space) == 'it knows 128 simulated trials'
    simulated_prior._prior.cache_clear()
    began = time.perf_counter()
    loaded = source(BRIEF)
    assert time.perf_counter() - began < 0.5
    assert loaded.trials == FEW
    points = np.zeros((1, 8))
    assert loaded.measures['landing_x'].mean(points) == made.measures['landing_x'].mean(points)
    # One that was cut short is made again.
    kept.write_bytes(kept.read_bytes()[:100])
    simulated_prior._prior.cache_clear()

    def asked(order: object) -> None:
        raise InterruptedError('trials were asked for')

    monkeypatch.setattr(simulated_prior, '_workers', asked)
    with pytest.raises(InterruptedError, match='trials were asked for'):
        source(BRIEF)


def test_cells_spaces_and_numbers_of_trials_have_priors_of_their_own() -> None:
    both = parameter_space(Searched.BOTH)
    paths = {
        SimulatedPrior(cell, trials)._order(space).path
        for cell in (quiet_cell(), noisy_cell(), arm_cell(RehearsalConfig()))
        for space in (BRIEF.space, both)
        for trials in (FEW, None)
    }
    assert len(paths) == 12
    assert SimulatedPrior(quiet_cell())._order(BRIEF.space).trials == 1600
    assert SimulatedPrior(quiet_cell())._order(both).trials == 4000


def test_the_arm_of_a_rehearsal_is_simulated_with_its_controller_delays_and_ball(tmp_path: Path) -> None:
    calibrated = tmp_path / 'cell.yaml'
    calibrated.write_text(
        with_settings(
            share_folder() / 'config' / 'hardware.yaml', {'controller': {'controller.ball.racket_grip': 0.6}}
        )
    )
    simulation, controller = arm_cell(
        RehearsalConfig(config=str(calibrated), ball_position=(0.2, 1.4, 0.35), camera_noise=0.002)
    )
    assert simulation.ball.racket_grip == controller.ball.racket_grip == 0.6
    assert simulation.launcher.position == (0.2, 1.4, 0.35)
    assert simulation.camera_noise == 0.002
    assert simulation.latency.arm_action == controller.latency.arm_action > 0.0
    assert simulation.random_phase


def test_trials_that_cannot_be_played_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prior_workers, '_packed', lambda thing: 'nonsense')
    with pytest.raises(RuntimeError, match='the trials of the prior could not be simulated: '):
        SimulatedPrior(quiet_cell(), FEW)(BRIEF)


def test_processes_that_need_one_prior_at_once_share_its_trials_and_come_to_the_same(folder: Path) -> None:
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
    other = subprocess.Popen(
        [sys.executable, '-c', OTHER], stdout=subprocess.PIPE, text=True, env=environment
    )
    made = SimulatedPrior(quiet_cell(), FEW)(BRIEF)
    told, _ = other.communicate()
    assert other.returncode == 0
    assert told.strip() == made.log_odds.coefficients.tobytes().hex()
    (kept,) = folder.rglob('prior-*')
    assert kept.suffix == '.npz'


def test_trials_that_are_played_are_not_announced_again(folder: Path) -> None:
    source = SimulatedPrior(quiet_cell(), FEW)
    order = source._order(BRIEF.space)
    blocks = order.blocks()
    blocks.prepare()
    blocks.keep(2, Player(order).play(2))
    assert source.sentence(BRIEF.space).startswith('the other 108 of 128 trials are simulated for it first, ')


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / 'file'
    in_the_way.touch()
    monkeypatch.setenv('XDG_CACHE_HOME', str(in_the_way))
    apart = tmp_path / 'apart'
    apart.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(apart))
    assert SimulatedPrior(quiet_cell(), FEW)(BRIEF).trials == FEW
    assert not list(apart.iterdir())


def test_a_cache_that_is_emptied_meanwhile_is_done_without(folder: Path) -> None:
    source = SimulatedPrior(quiet_cell(), FEW)
    source.begin(BRIEF.space)
    source._order(BRIEF.space).blocks().remove()
    assert source(BRIEF).trials == FEW
    (kept,) = folder.rglob('prior-*')
    assert kept.suffix == '.npz'
