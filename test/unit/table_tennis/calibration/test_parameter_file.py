"""What calibrate writes is read by everybody, and changes what they do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from recorded_balls import Spoiled, drawn_ball, recorded_balls, recorded_strokes

from llm_policy_improver.core.settings import read_settings, with_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.table_tennis.calibration.calibrate import Calibration, calibrate
from llm_policy_improver.table_tennis.calibration.parameter_file import camera_settings, settings_of
from llm_policy_improver.table_tennis.calibration.recordings import RecordingError
from llm_policy_improver.table_tennis.calibration.told import not_written
from llm_policy_improver.table_tennis.rehearsal import Rehearsal
from llm_policy_improver.table_tennis.rehearsal_config import BallRanges
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.space import NEUTRAL
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

BALL = drawn_ball(6, racket=True)


@pytest.fixture(scope='module')
def calibration() -> Calibration:
    return calibrate(recorded_strokes(BALL, 14, 6))


@pytest.fixture
def path(calibration: Calibration, tmp_path: Path) -> Path:
    file = tmp_path / 'cell.yaml'
    file.write_text(with_settings(None, settings_of(calibration, on_the_arm=False)))
    return file


def test_every_node_reads_the_same_cell(calibration: Calibration, path: Path) -> None:
    simulation = read_settings(path, SimulatorSettings, 'simulator').simulation
    controller = read_settings(path, ControllerSettings, 'controller').controller
    trace_logger = read_settings(path, TraceLoggerSettings, 'trace_logger')
    visualizer = read_settings(path, VisualizerSettings, 'visualizer')
    for ball in (simulation.ball, controller.ball, trace_logger.ball, visualizer.ball):
        assert ball.drag_coefficient == pytest.approx(calibration.ball.drag_coefficient, rel=1e-4)
        assert ball.racket_grip == pytest.approx(calibration.ball.racket_grip, rel=1e-4)
    assert read_settings(path, StandInSettings, 'stand_in_arm').simulation == simulation
    assert simulation.camera_noise == pytest.approx(0.003, rel=0.1)
    assert simulation.latency.arm_action == controller.latency.arm_action > 0.06
    assert simulation.latency.arm_action_spread > 0.0
    assert controller.filter == trace_logger.filter == visualizer.filter
    assert controller.filter.sighting == simulation.camera_noise
    assert controller.latency.trust < 1.0


def test_the_file_changes_what_the_simulator_does(path: Path) -> None:
    calibrated = read_settings(path, SimulatorSettings, 'simulator').simulation
    tasks = [TableTennis(simulation) for simulation in (calibrated, SimulatorSettings().simulation)]
    ways = [task.run(NEUTRAL, 0).samples.ball_position[60] for task in tasks]
    assert np.linalg.norm(ways[0] - ways[1]) > 0.01


def test_the_rehearsal_draws_around_what_was_measured_as_widely_as_it_is_uncertain(
    calibration: Calibration, path: Path
) -> None:
    rehearsed = Rehearsal(read_settings(path, OptimizerSettings, 'optimizer').rehearsal)
    drawn = [rehearsed.physics(number) for number in range(1, 41)]
    for name in ('drag_coefficient', 'table_restitution', 'racket_grip'):
        values = np.array([getattr(each.ball, name) for each in drawn])
        measured = calibration.coefficients[name]
        assert values.mean() == pytest.approx(measured.value, abs=measured.standard_error)
        assert values.std() == pytest.approx(measured.standard_error, rel=0.35)
    assert drawn[0].camera_noise == calibration.filter.sighting


def test_without_a_calibration_the_rehearsal_draws_as_ever() -> None:
    ball = Rehearsal(seed=3).physics(1).ball
    generator = np.random.default_rng([3, 1, 3])
    assert ball.drag_coefficient == generator.uniform(0.48, 0.60)
    assert ball.lift_coefficient == generator.uniform(0.55, 1.09)
    assert ball.lift_saturation == 0.147


@pytest.mark.parametrize('ends', [(0.6, 0.5), (0.9, 1.1), (-0.1, 0.5)])
def test_ranges_that_no_ball_can_have_are_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match='rehearsal: ball_ranges'):
        BallRanges(racket_grip=ends)


def test_what_is_not_determined_is_not_in_the_file() -> None:
    balls_alone = calibrate(recorded_balls(BALL, 12, 6))
    written = settings_of(balls_alone, on_the_arm=False)
    for names in written.values():
        assert not any('racket' in name or 'latency' in name for name in names)
    grip = balls_alone.coefficients['racket_grip']
    assert (grip.value, grip.determined, grip.why) == (
        0.7,
        False,
        'no joint states and commands were recorded',
    )


def test_settings_of_the_file_before_stay(calibration: Calibration, tmp_path: Path) -> None:
    hardware = share_folder() / 'config' / 'hardware.yaml'
    file = tmp_path / 'arm.yaml'
    file.write_text(with_settings(hardware, settings_of(calibration, on_the_arm=True)))
    before, after = (read_settings(each, ControllerSettings, 'controller') for each in (hardware, file))
    assert not after.lockstep
    assert after.watchdog == before.watchdog
    assert after.controller.latency.trust == before.controller.latency.trust
    assert after.controller.ball != before.controller.ball
    sections = [set(yaml.safe_load(each.read_text())) for each in (hardware, file)]
    assert sections[0] <= sections[1]


def test_level_of_the_cameras_is_written_for_the_arm_and_told_otherwise() -> None:
    tilted = [Spoiled()(each, row) for row, each in enumerate(recorded_balls(BALL, 14, 6, noise=0.001))]
    found = calibrate(tilted)
    cameras = camera_settings(found)
    assert cameras['name'] == 'cameras'
    assert cameras['translation'] == pytest.approx([0.0, 0.0, 0.024], abs=0.001)
    assert cameras['rotation'] == pytest.approx([0.006, -0.005, 0.0], abs=0.001)
    assert settings_of(found, on_the_arm=True)['controller']['cameras.name'] == 'cameras'
    assert 'cameras.name' not in settings_of(found, on_the_arm=False)['controller']
    assert any('for the simulator' in sentence for sentence in not_written(found, on_the_arm=False))
    assert not any('cameras.translation' in sentence for sentence in not_written(found, on_the_arm=True))


def test_held_out_flights_are_predicted_better(calibration: Calibration) -> None:
    before, after = calibrate(recorded_balls(BALL, 32, 7)).held_out_m
    assert after < 0.7 * before


def test_too_few_flights_and_several_frames_are_refused() -> None:
    balls = recorded_balls(BALL, 3)
    with pytest.raises(
        RecordingError, match='3 flights found in 3 recordings, 8 are needed: record more balls'
    ):
        calibrate(balls)
    with pytest.raises(RecordingError, match='in several frames'):
        calibrate([Spoiled()(balls[0], 0), replace(balls[1], frame='elsewhere')])
