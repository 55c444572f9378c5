"""The rehearsal: what does badly in simulation, with physics that vary, does not reach the arm."""

import json
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np
import pytest

from llm_policy_improver import arm
from llm_policy_improver.arm import HOME
from llm_policy_improver.gates import GateCase
from llm_policy_improver.objective import parse_objective
from llm_policy_improver.optimizers.protocol import Proposal
from llm_policy_improver.parameters import NEUTRAL_ATTENUATION, PolicyParameters
from llm_policy_improver.rehearsal import BALL_RANGES, Rehearsal, RehearsalConfig, RehearsalResult
from llm_policy_improver.settings import OptimizerSettings, SettingsError, from_mapping
from llm_policy_improver.simulation.config import SimulationConfig
from llm_policy_improver.simulation.latency import Latency
from llm_policy_improver.simulation.watched import FARTHEST, WatchedSimulator
from llm_policy_improver.tasks.table_tennis import TableTennis

WEAK = (0.6,) * 8
"""Too slow for any ball."""


def case_of(attenuation: tuple[float, ...]) -> GateCase:
    return GateCase(
        attenuation, 1, Proposal(attenuation, 'test'), 'accepted', (), parse_objective('far right')
    )


@pytest.fixture(scope='module')
def rehearsal() -> Rehearsal:
    return Rehearsal()


@pytest.fixture(scope='module')
def neutral(rehearsal: Rehearsal) -> RehearsalResult:
    return rehearsal.play(NEUTRAL_ATTENUATION)


def refusal(attenuation: tuple[float, ...] = NEUTRAL_ATTENUATION, **config: Any) -> str:
    return Rehearsal(replace(RehearsalConfig(trials=2, most_misses=1), **config)).play(attenuation).refused


# What passes, and what it is told by.


def test_unchanged_controller_passes_with_the_figures_of_every_ball(
    rehearsal: Rehearsal, neutral: RehearsalResult
) -> None:
    assert neutral.refused == ''
    assert [trial.number for trial in neutral.trials] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert neutral.landed >= 7
    for trial in neutral.trials:
        assert trial.clearance > rehearsal.config.clearance
        assert rehearsal.config.joint_margin < trial.joint_clearance < 0.5
        assert trial.nearest_joint in {joint.name for joint in arm.ARM}
        assert not trial.collision
    verdict = rehearsal.judge(case_of(NEUTRAL_ATTENUATION))
    assert (verdict.passed, verdict.gate, verdict.by) == (True, 'rehearsal', '')
    assert verdict.reason == neutral.sentence
    assert f'{neutral.landed} of 8 balls landed in simulation' in verdict.reason
    assert json.loads(json.dumps(verdict.figures))['clearance_m'] == min(t.clearance for t in neutral.trials)


def test_same_seed_gives_the_same_figures_and_another_seed_others(neutral: RehearsalResult) -> None:
    assert Rehearsal().play(NEUTRAL_ATTENUATION) == neutral
    other = Rehearsal(seed=1).play(NEUTRAL_ATTENUATION)
    assert {trial.landing for trial in other.trials}.isdisjoint(trial.landing for trial in neutral.trials)


def test_what_was_rehearsed_before_changes_nothing(rehearsal: Rehearsal, neutral: RehearsalResult) -> None:
    rehearsal.play(WEAK)
    assert rehearsal.play(NEUTRAL_ATTENUATION) == neutral


def test_physics_ball_and_delays_differ_from_ball_to_ball_within_their_ranges(rehearsal: Rehearsal) -> None:
    drawn = [rehearsal.physics(number) for number in range(1, 31)]
    for name, (low, high) in BALL_RANGES.items():
        values = [getattr(simulation.ball, name) for simulation in drawn]
        assert low <= min(values) < max(values) <= high
        assert max(values) - min(values) > 0.6 * (high - low)
        assert len(set(values)) == 30
    assert len({simulation.draw_ball(number) for number, simulation in enumerate(drawn)}) == 30
    assert {simulation.latency for simulation in drawn} == {Latency.published()}


# What is refused.


def test_parameters_that_return_nothing_are_refused(rehearsal: Rehearsal) -> None:
    verdict = rehearsal.judge(case_of(WEAK))
    assert not verdict.passed
    assert verdict.reason == "8 of 8 simulated balls did not land on the opponent's half, and 2 may"
    assert '0.600 0.600' in verdict.told
    assert 'The rehearsal refused' in verdict.told


def test_so_many_misses_are_allowed_and_not_one_more() -> None:
    poor = (1.4, 0.6, 0.6, 1.4, 0.6, 0.6, 0.6, 0.6)
    misses = 8 - Rehearsal(RehearsalConfig(most_misses=7)).play(poor).landed
    assert 1 <= misses <= 7, 'choose parameters that return some balls'
    for allowed, refused in ((misses, False), (misses - 1, True)):
        assert bool(Rehearsal(RehearsalConfig(most_misses=allowed)).play(poor).refused) is refused


def test_each_margin_refuses_what_comes_nearer(neutral: RehearsalResult) -> None:
    two = neutral.trials[:2]
    near, joint = min(t.clearance for t in two), min(t.joint_clearance for t in two)
    assert refusal(clearance=near - 1e-6, joint_margin=joint - 1e-9) == ''
    assert f'the arm came within {near:.3f} m' in refusal(clearance=near + 1e-6)
    assert 'blade to the table' in refusal(clearance=near + 1e-6)
    assert f'came within {joint:.2%} of its range' in refusal(joint_margin=joint + 1e-9)


def test_long_saturation_is_refused() -> None:
    fast = (1.0, 1.0, 1.4, 1.0, 1.0, 1.4, 1.0, 1.4)
    seconds = Rehearsal(RehearsalConfig(trials=2, most_misses=1)).play(fast).saturation
    assert seconds >= 0.04, 'choose parameters that reach a velocity limit'
    assert 'velocity limit' not in refusal(fast, longest_saturation=seconds)
    assert f'at a velocity limit for {seconds:.2f} s' in refusal(fast, longest_saturation=seconds - 0.02)


def test_touch_of_the_table_is_the_gravest_fault() -> None:
    """No parameters within the bounds do so: the blade is put where it must not be."""
    rehearsal = Rehearsal(RehearsalConfig(trials=1, most_misses=0))
    task, simulator = rehearsal._task(1)
    rehearsal._tasks.append((task, simulator))
    launch = simulator.launch

    def launch_inside(seed: int) -> None:
        launch(seed)
        simulator.data.qpos[:8] = simulator.data.act[:8] = (0.1, 0.49, -0.49, 1.03, 0.76, -0.8, -0.76, 1.29)

    simulator.launch = launch_inside  # type: ignore[method-assign]
    refused = rehearsal.play(NEUTRAL_ATTENUATION).refused
    assert refused.startswith('in simulated ball 1 of 1 ')
    assert 'touched' in refused


# How it is measured.


def test_watching_changes_no_trial() -> None:
    simulation = SimulationConfig(latency=Latency.published(), camera_noise=0.003)
    plain, watched = TableTennis(simulation), TableTennis(simulation)
    watched.simulator = WatchedSimulator(simulation)
    one, other = plain.run(PolicyParameters(), 3), watched.run(PolicyParameters(), 3)
    assert one.landing == other.landing
    assert one.samples.joint_position.tobytes() == other.samples.joint_position.tobytes()


def test_clearance_of_the_ready_pose_is_that_of_the_blade_over_the_table() -> None:
    """Measured anew: the distance of points on the blade's rim to the table's box."""
    simulator = WatchedSimulator()
    simulator.launch(0)
    simulator.step(np.zeros(8))
    data = mujoco.MjData(simulator.model)
    data.qpos[:8] = HOME
    mujoco.mj_kinematics(simulator.model, data)
    blade = simulator.model.geom('blade').id
    turn, centre = data.geom_xmat[blade].reshape(3, 3), data.geom_xpos[blade]
    angle = np.linspace(0.0, 2.0 * np.pi, 720)
    rim = [
        centre
        + turn @ (arm.BLADE_RADIUS * np.cos(a), arm.BLADE_RADIUS * np.sin(a), side * arm.BLADE_THICKNESS / 2)
        for a in angle
        for side in (-1, 1)
    ]
    beyond = [np.maximum(np.abs(point - (0.0, 0.0, -0.015)) - (0.7625, 1.37, 0.015), 0.0) for point in rim]
    distance = min(float(np.linalg.norm(gap)) for gap in beyond)
    if distance < FARTHEST:
        assert simulator.clearance == pytest.approx(distance, abs=2e-3)
        assert simulator.nearest == 'blade to the table'
    else:
        assert simulator.clearance == FARTHEST


def test_joint_clearance_is_a_share_of_the_range() -> None:
    simulator = WatchedSimulator()
    simulator.launch(0)
    simulator.step(np.zeros(8))
    shares = [min(q - j.low, j.high - q) / (j.high - j.low) for q, j in zip(HOME, arm.ARM, strict=True)]
    assert simulator.joint_clearance == pytest.approx(min(shares), abs=1e-3)
    assert simulator.nearest_joint == arm.ARM[int(np.argmin(shares))].name


# Settings.


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('trials', 0, 'trials must be from 1 to 1000'),
        ('most_misses', 8, 'most_misses from 0 to one less than trials'),
        ('clearance', 0.3, 'clearance must be between 0 and 0.25 m'),
        ('joint_margin', -0.1, 'joint_margin must be between 0 and 0.2'),
        ('longest_saturation', -1.0, 'longest_saturation must be between 0 and 3 s'),
        ('position_spread', -0.1, 'must not be negative'),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(name: str, value: float, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        from_mapping(OptimizerSettings, {f'rehearsal.{name}': value}, 'optimizer')
