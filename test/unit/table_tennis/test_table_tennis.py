from dataclasses import fields

import numpy as np
import pytest

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.control.stroke import StrokeConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.space import NEUTRAL
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import Outcome, landing_of

TARGET = StrokeConfig().target
VARIED = SimulationConfig(
    camera_noise=0.003, launcher=Launcher(velocity_spread=(0.5, 0.5, 0.2), spin_spread=(30.0, 10.0, 10.0))
)


def same(first: Trial, second: Trial) -> bool:
    series = (
        getattr(first.samples, field.name).tobytes() == getattr(second.samples, field.name).tobytes()
        for field in fields(first.samples)
    )
    return all(series) and first.measures == second.measures and first.outcome == second.outcome


def test_neutral_controller_lands_the_standard_ball_at_its_target() -> None:
    trial = TableTennis().run(NEUTRAL, seed=0)
    assert trial.outcome is Outcome.LANDED
    assert trial.succeeded
    assert (trial.measures['landing_x'], trial.measures['landing_y']) == pytest.approx(TARGET, abs=0.04)
    assert trial.policy == NEUTRAL
    assert trial.measures['net_clearance'] > 0.0
    assert trial.measures['peak_height'] > 0.3
    assert 'landed' in trial.note


def test_same_arguments_give_the_same_trace_bit_for_bit() -> None:
    task, changed = TableTennis(VARIED), Modulation((0.9,) * 8, (0.01,) * 8).policy
    first = task.run(changed, seed=4)
    other_ball, other_parameters = task.run(changed, seed=5), task.run(NEUTRAL, seed=4)
    assert same(first, task.run(changed, seed=4))
    assert same(first, TableTennis(VARIED).run(changed, seed=4))
    assert not same(first, other_ball)
    assert not same(first, other_parameters)


def test_most_varied_balls_are_returned() -> None:
    launcher = Launcher(
        position_spread=(0.3, 0.0, 0.05), velocity_spread=(0.4, 0.5, 0.15), spin_spread=(25.0, 10.0, 10.0)
    )
    task = TableTennis(SimulationConfig(launcher=launcher))
    trials = [task.run(NEUTRAL, seed) for seed in range(40)]
    landed = [landing for trial in trials if trial.succeeded and (landing := landing_of(trial))]
    assert len(landed) >= 37
    assert np.mean([np.hypot(landing.x - TARGET[0], landing.y - TARGET[1]) for landing in landed]) < 0.06


def test_samples_cover_the_whole_trial() -> None:
    samples = TableTennis().run(Modulation((0.9,) * 8).policy, seed=0).samples
    assert samples.ball_time == pytest.approx(0.008 * np.arange(len(samples.ball_time)), abs=1e-12)
    assert samples.joint_time == pytest.approx(0.02 * np.arange(len(samples.joint_time)), abs=1e-12)
    assert samples.joint_time[-1] > 1.3
    moving = np.abs(samples.requested_velocity) > 0.0
    assert np.any(moving)
    assert samples.applied_velocity[moving] == pytest.approx(
        0.9 * samples.requested_velocity[moving], rel=0.3
    )


def test_periods_that_differ_are_refused() -> None:
    sentence = 'the simulation calls the controller every 0.01 s, but it plans for 0.02 s: set both periods'
    with pytest.raises(ValueError, match=f'^{sentence}'):
        TableTennis(SimulationConfig(control_period=0.01), ControllerConfig(period=0.02))
    same_rate = TableTennis(SimulationConfig(control_period=0.01), ControllerConfig(period=0.01))
    assert same_rate.run(NEUTRAL, seed=0).succeeded
