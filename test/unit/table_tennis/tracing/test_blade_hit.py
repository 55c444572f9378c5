from dataclasses import replace

import numpy as np
import pytest

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.other_cell import COEFFICIENTS, other_cell
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.blade_hit import HIT_ABOVE, HIT_RIGHT, place_on_blade
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

NEUTRAL = parameter_space().neutral
SIMULATION, CONTROLLER = noisy_cell()
TRIAL = TableTennis().run(NEUTRAL, 0)


def traced(trial: Trial) -> TraceSamples:
    assert isinstance(trial.samples, TraceSamples)
    return trial.samples


def above(restitution: float) -> float:
    """m, the mean of a few balls that bounce higher or lower than the controller believes."""
    factors = [restitution if name == 'table_restitution' else 1.0 for name in COEFFICIENTS]
    cell = other_cell(SIMULATION, CONTROLLER, factors)
    return float(np.mean([cell.run(NEUTRAL, seed).measures[HIT_ABOVE] for seed in range(6)]))


def test_without_noise_the_unchanged_controller_hits_with_the_blades_middle() -> None:
    assert abs(TRIAL.measures[HIT_RIGHT]) < 0.002
    assert abs(TRIAL.measures[HIT_ABOVE]) < 0.002


@pytest.mark.parametrize(('shift', 'name'), [((0.03, 0.0, 0.0), HIT_RIGHT), ((0.0, 0.0, 0.03), HIT_ABOVE)])
def test_a_ball_that_comes_beside_the_middle_is_told_so(shift: tuple[float, ...], name: str) -> None:
    samples = traced(TRIAL)
    moved = replace(samples, ball_position=samples.ball_position + np.array(shift))
    places = place_on_blade(moved, ArmKinematics())
    # The blade is tilted: what is above it in the room is a little nearer within its plane.
    assert places[name] == pytest.approx(0.03, abs=0.006)
    other = HIT_ABOVE if name == HIT_RIGHT else HIT_RIGHT
    assert abs(places[other]) < 0.01


def test_a_ball_that_bounces_otherwise_is_hit_above_or_below() -> None:
    low, high = above(0.93), above(1.07)
    assert low < -0.015
    assert high > 0.015


def test_encoders_of_another_moment_tell_nothing() -> None:
    samples = traced(TRIAL)
    assert place_on_blade(replace(samples, joint_time=samples.joint_time + 0.3), ArmKinematics()) == {}
    assert place_on_blade(replace(samples, joint_time=samples.joint_time + 3.0), ArmKinematics()) == {}
