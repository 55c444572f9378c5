import math
from typing import Any

import closed_formulas as law
import mujoco
import numpy as np
import pytest
from simulated_ball import (
    AIRLESS,
    STILL,
    ball_position,
    ball_spin,
    ball_velocity,
    thrown,
    true_outcome,
    watched,
)

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.drives import DRIVES
from llm_policy_improver.table_tennis.arm.inverse_kinematics import JOINT_HIGH, JOINT_LOW
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.control.controller import LowLevelController
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.simulation.simulator import Simulator
from llm_policy_improver.table_tennis.space import parameter_space

MODEL = BallModel()
PHASES = np.linspace(0.0, 0.011, 60)


def rebound(simulator: Simulator) -> float:
    """m, highest the lowest point of the ball rises between its first and second bounce."""
    top = 0.0
    while len(simulator.contacts) < 2:
        simulator.step(STILL)
        if simulator.contacts:
            top = max(top, ball_position(simulator)[2] - 0.02)
    return top


def test_ball_rebounds_23_cm_from_30_cm() -> None:
    assert rebound(thrown((0.3, 0.7, 0.32), (0.0, 0.0, 0.0), control_period=0.001)) == pytest.approx(
        0.23, abs=0.003
    )


def test_rebound_does_not_depend_on_the_phase_of_the_step() -> None:
    airless = BallModel(air_density=0.0)
    restitutions = []
    for height in 0.3 + PHASES:
        simulator = thrown((0.3, 0.7, 0.02 + height), (0.0, 0.0, 0.0), ball=airless, control_period=0.001)
        restitutions.append(math.sqrt(rebound(simulator) / height))
    assert np.ptp(restitutions) < 0.001
    assert np.mean(restitutions) == pytest.approx(airless.table_restitution, abs=0.0005)


def test_flight_in_mujoco_follows_the_equations_of_motion() -> None:
    generator = np.random.default_rng(0)
    for _ in range(8):
        upwards = np.append(generator.normal(size=2), 2.5)
        velocity = 10.0 * upwards / np.linalg.norm(upwards)
        spin = generator.normal(size=3)
        spin *= 100.0 / np.linalg.norm(spin)
        simulator = thrown((0.0, 0.0, 5.0), velocity, spin, time_limit=2.0)
        for _ in range(50):
            simulator.step(STILL)
        exact, _ = law.flight(MODEL, (0.0, 0.0, 5.0), velocity, spin, [1.0])
        assert np.linalg.norm(ball_position(simulator) - exact[0]) < 2e-5  # m; the bar is a millimetre


def test_oblique_spinning_bounces_on_the_table_follow_the_shell_law() -> None:
    generator = np.random.default_rng(1)
    for _ in range(60):
        velocity = np.append(generator.uniform(-7.0, 7.0, 2), generator.uniform(-6.0, -1.0))
        spin = generator.uniform(-150.0, 150.0, 3)
        spot = np.array([generator.uniform(-0.4, 0.4), generator.uniform(0.4, 1.0), 0.02])
        simulator = thrown(spot - generator.uniform(0.02, 0.03) * velocity, velocity, spin, ball=AIRLESS)
        for _ in range(2):
            simulator.step(STILL)
        exact, exact_spin = law.table_bounce(AIRLESS, velocity, spin)
        assert [touch.what for touch in simulator.contacts] == ['table']
        assert ball_velocity(simulator) == pytest.approx(exact, abs=1e-6)
        assert 0.02 * ball_spin(simulator) == pytest.approx(0.02 * exact_spin, abs=1e-6)
        assert simulator.contacts[0].position == pytest.approx(spot, abs=0.004)


def test_path_over_a_bounce_does_not_depend_on_the_phase_of_the_step() -> None:
    times = [0.008 * n for n in range(63)]
    for phase in PHASES[::6]:
        start, velocity, spin = (0.1, -0.1, 0.25 + phase), (0.3, -2.5, -0.5), (-60.0, 20.0, 30.0)
        simulator = thrown(start, velocity, spin)
        _, seen = watched(simulator, times[-1])
        exact, _ = law.flight(MODEL, start, velocity, spin, times)
        assert len(simulator.contacts) == 1
        assert np.linalg.norm(seen - exact, axis=1).max() < 5e-5


def test_energy_of_the_ball_never_rises_in_flight_and_on_the_table() -> None:
    simulator = thrown((0.3, 1.3, 0.4), (0.2, -2.5, 1.0), (-80.0, 30.0, -20.0), control_period=0.001)
    last = math.inf
    while simulator.stamp < 1_200_000_000 and not any(touch.what == 'net' for touch in simulator.contacts):
        simulator.step(STILL)
        now = law.energy(MODEL, ball_position(simulator), ball_velocity(simulator), ball_spin(simulator))
        # What MuJoCo carries is the velocity of half a step ago: 0.03 mJ of a falling ball's 20 mJ go to and fro.
        assert now < last + 2e-4 * 0.02
        last = now
    assert len(simulator.contacts) >= 2


def hits_on_the_standing_racket() -> list[tuple[law.Array, ...]]:
    """Ball's velocity and spin before and after the hit, the blade's normal, and its velocity after the hit."""
    standing = thrown((0.0, 0.0, 3.0), (0.0, 0.0, 0.0))
    mujoco.mj_forward(standing.model, standing.data)
    normal = standing.data.site('blade').xmat.reshape(3, 3)[:, 2].copy()
    centre = standing.data.site('blade').xpos.copy()
    generator = np.random.default_rng(2)
    hits: list[tuple[law.Array, ...]] = []
    for _ in range(40):
        velocity = -generator.uniform(2.0, 8.0) * normal + generator.uniform(-1.5, 1.5, 3)
        spin = generator.uniform(-100.0, 100.0, 3)
        aside = generator.uniform(-0.04, 0.04, 3)
        spot = centre + aside - (aside @ normal) * normal + (0.02 + arm.BLADE_THICKNESS / 2) * normal
        start = spot - generator.uniform(0.02, 0.03) * velocity
        simulator = thrown(start, velocity, spin, ball=AIRLESS, control_period=0.001)
        while not simulator.contacts:
            simulator.step(STILL)
        assert simulator.contacts[0].what == 'blade'
        jacobian = np.zeros((3, simulator.model.nv))
        touch = simulator.data.contact[0].pos
        mujoco.mj_jac(
            simulator.model, simulator.data, jacobian, None, touch, simulator.model.body('paddle').id
        )
        recoil = jacobian[:, :8] @ simulator.data.qvel[:8]
        hits.append((velocity, spin, ball_velocity(simulator), ball_spin(simulator), normal, recoil))
    return hits


def test_hits_follow_the_grip_law_relative_to_the_racket() -> None:
    for velocity, spin, after, spin_after, normal, recoil in hits_on_the_standing_racket():
        assert (after - recoil) @ normal == pytest.approx(
            -MODEL.racket_restitution * (velocity @ normal), abs=1e-6
        )
        # The slip is turned round at the velocity that the racket has after the hit.
        slip, slip_after = (
            law.slip(velocity - recoil, spin, normal),
            law.slip(after - recoil, spin_after, normal),
        )
        assert slip_after == pytest.approx(-MODEL.racket_grip * slip, abs=1e-6)


def test_hits_on_the_standing_racket_follow_the_closed_law() -> None:
    # Not closer: the arm is no wall. It recoils with some mm/s, and the law knows only its velocity before.
    for velocity, spin, after, spin_after, normal, recoil in hits_on_the_standing_racket():
        exact, exact_spin = law.racket_bounce(AIRLESS, velocity, spin, normal, np.zeros(3))
        assert np.linalg.norm(recoil) < 0.004 * np.linalg.norm(velocity)
        assert np.linalg.norm(after - exact) < 0.004 * np.linalg.norm(velocity)
        assert 0.02 * np.linalg.norm(spin_after - exact_spin) < 0.004 * np.linalg.norm(velocity)


@pytest.mark.parametrize(
    ('settings', 'sentence'),
    [
        (
            {'control_period': 0.0205},
            'control_period must be a whole number of physics steps of 0.001 s; got 0.0205 s',
        ),
        ({'control_period': 0.0}, 'control_period must be a whole number of physics steps'),
        (
            {'camera_period': 0.0083},
            'camera_period must be a whole number of physics steps of 0.001 s; got 0.0083 s',
        ),
        ({'physics_period': 0.003}, 'physics_period must be between 0.0001 and 0.002 s'),
        ({'tick_phase': 0.02}, 'tick_phase must be at least 0 and less than its period, 0.02 s; got 0.02 s'),
        ({'camera_phase': -0.001}, 'camera_phase must be at least 0 and less than its period, 0.008 s'),
        ({'camera_noise': -0.001}, 'camera_noise must be between 0 and 0.1 m; got -0.001 m'),
        ({'time_limit': math.inf}, 'time_limit must be between 1 and 60 s'),
    ],
)
def test_impossible_configuration_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f'^{sentence}'):
        SimulationConfig(**settings)


def test_periods_that_are_whole_only_in_decimals_are_accepted() -> None:
    assert SimulationConfig(physics_period=0.0002, control_period=0.0146).control_period == 0.0146


def play(simulator: Simulator, seed: int, parameters: Modulation) -> law.Array:
    """Every state of MuJoCo, one row a control period."""
    controller = LowLevelController()
    controller.offer(parameters)
    simulator.launch(seed)
    states = []
    while not simulator.finished:
        arm_now, sightings = simulator.observe()
        for sighting in sightings:
            controller.observe_ball(sighting)
        simulator.step(controller.command(arm_now).applied)
        force, full = simulator.data.actuator_force, [DRIVES[joint.name].force for joint in arm.ARM]
        assert np.all(np.abs(force) <= np.array(full) * (1.0 + 1e-12))
        states.append(np.concatenate((simulator.data.qpos, simulator.data.qvel, simulator.data.act)))
    return np.array(states)


VARIED = SimulationConfig(
    camera_noise=0.003,
    launcher=Launcher(
        position_spread=(0.3, 0.0, 0.05), velocity_spread=(0.6, 0.5, 0.2), spin_spread=(40.0, 10.0, 10.0)
    ),
)


def test_same_seed_is_the_same_trial_bit_for_bit_and_another_is_not() -> None:
    used, neutral = Simulator(VARIED), Modulation()
    first, other = play(used, 5, neutral), play(used, 6, neutral)
    again, fresh = play(used, 5, neutral), play(Simulator(VARIED), 5, neutral)
    assert first.tobytes() == again.tobytes() == fresh.tobytes()
    assert not np.array_equal(first[0], other[0])


def test_arm_stays_within_its_ranges_and_forces_whatever_the_attenuation() -> None:
    simulator, generator, space = (
        Simulator(VARIED),
        np.random.default_rng(3),
        parameter_space(attenuation_low=(0.0,) * 8, attenuation_high=(3.0,) * 8),
    )
    for seed in range(60):
        states = play(simulator, seed, Modulation.of(space.sample(generator)))
        assert np.all(states[:, :8] >= JOINT_LOW)
        assert np.all(states[:, :8] <= JOINT_HIGH)


def test_set_points_beyond_the_speed_limit_are_cut_by_the_drives() -> None:
    simulator = thrown((0.0, 0.0, 3.0), (0.0, 0.0, 0.0))
    simulator.step(np.full(8, 50.0))
    moved = simulator.data.act - arm.HOME
    assert moved == pytest.approx([0.02 * joint.speed for joint in arm.ARM])


def test_drives_follow_with_the_lag_of_the_arm() -> None:
    simulator = thrown((0.0, 0.0, 30.0), (0.0, 0.0, 0.0), time_limit=2.0)
    command = np.array([-0.3, 0.3, 0.3, 0.0, 0.0, 0.3, 0.0, 0.3])
    for _ in range(50):
        simulator.step(command)
    behind = simulator.data.act - simulator.data.qpos[:8]
    assert behind == pytest.approx(command * [joint.lag for joint in arm.ARM], abs=0.002)
    assert simulator.data.qvel[:8] == pytest.approx(command, abs=0.01)


def test_ball_touching_the_net_is_noted() -> None:
    simulator = thrown((0.0, 0.5, 0.2), (0.0, -3.0, 0.3))
    watched(simulator, 0.4)
    assert simulator.contacts[0].what == 'net'
    assert simulator.contacts[0].time == pytest.approx(0.16, abs=0.02)
    assert simulator.contacts[0].position[1] == pytest.approx(0.02, abs=0.005)


def test_arm_touching_the_table_is_noted() -> None:
    simulator = thrown((0.0, 2.0, 0.3), (0.0, 0.0, 0.0))
    for _ in range(60):
        simulator.step(np.array([1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))
    assert simulator.arm_contact == 'blade touched table'
    assert simulator.contacts[-1].what == 'floor'
    simulator.launch(0)
    assert simulator.arm_contact == ''


def test_cameras_see_the_ball_at_125_hz_where_it_is() -> None:
    simulator = thrown((0.1, 1.5, 0.3), (0.0, -3.0, 1.0))
    times, seen = watched(simulator, 0.4)
    exact, _ = law.flight(MODEL, (0.1, 1.5, 0.3), (0.0, -3.0, 1.0), (0.0, 0.0, 0.0), times)
    assert times == pytest.approx(0.008 * np.arange(51), abs=1e-12)
    assert seen == pytest.approx(exact, abs=5e-5)


def test_the_first_tick_and_the_first_picture_come_when_their_phases_say() -> None:
    simulator = Simulator(SimulationConfig(tick_phase=0.013, camera_phase=0.005))
    simulator.launch(0)
    arm_now, sightings = simulator.observe()
    assert arm_now.stamp == 13_000_000
    assert [sighting.stamp for sighting in sightings] == [5_000_000, 13_000_000]
    simulator.step(np.zeros(8))
    arm_now, sightings = simulator.observe()
    assert arm_now.stamp == 33_000_000
    assert [sighting.stamp for sighting in sightings] == [21_000_000, 29_000_000]


def test_random_phases_are_drawn_by_the_seed_over_the_whole_periods() -> None:
    config = SimulationConfig(random_phase=True)
    drawn = [config.draw_phases(seed) for seed in range(400)]
    assert drawn == [config.draw_phases(seed) for seed in range(400)]
    assert {tick for tick, _ in drawn} == set(range(20))
    assert {picture for _, picture in drawn} == set(range(8))
    simulator = Simulator(config)
    simulator.launch(3)
    assert simulator.stamp == drawn[3][0] * 1_000_000


def test_camera_noise_has_the_wanted_standard_deviation() -> None:
    clean, noisy = (
        [
            watched(thrown((0.1, 1.5, 0.3), (0.0, -3.0, 1.0), seed=seed, camera_noise=noise), 0.6)[1]
            for seed in range(8)
        ]
        for noise in (0.0, 0.004)
    )
    error = np.concatenate(noisy) - np.concatenate(clean)
    assert error.std(axis=0) == pytest.approx(np.full(3, 0.004), rel=0.12)
    assert np.abs(error.mean(axis=0)).max() < 0.0006
    # Another seed is other noise, and neighbouring sightings have nothing to do with each other.
    assert not np.array_equal(noisy[0] - clean[0], noisy[1] - clean[1])
    assert abs(np.corrcoef(error[:-1, 0], error[1:, 0])[0, 1]) < 0.15


def test_trial_ends_a_moment_after_the_landing_and_by_time_in_any_case() -> None:
    simulator = Simulator()
    play(simulator, 0, Modulation())
    landing = simulator.contacts[-1]
    assert true_outcome(simulator.contacts) == 'landed'
    assert landing.time + 0.1 < simulator.stamp * 1e-9 < landing.time + 0.25
    rolling = thrown((0.0, 0.5, 0.02), (0.0, 0.1, 0.0), time_limit=1.0)
    watched(rolling, 1.0)
    assert rolling.finished


def test_arm_cannot_meet_itself_within_the_ranges_of_its_joints() -> None:
    """Which is why the scene has no contacts of the arm with itself."""
    simulator, generator = Simulator(), np.random.default_rng(0)
    model, data = simulator.model, simulator.data
    hand = [model.geom(name).id for name in ('blade', 'handle', 'axis_5_link', 'axis_6_link')]
    rest = [model.geom(name).id for name in ('carriage_part', 'gantry_part', 'base_link', *LINKS)]
    forearm = model.geom('axis_4_link').id
    nearest = math.inf
    for _ in range(1500):
        data.qpos[:8] = generator.uniform(JOINT_LOW, JOINT_HIGH)
        mujoco.mj_kinematics(model, data)
        pairs = [(part, other) for part in hand for other in rest] + [(part, forearm) for part in hand[:2]]
        nearest = min(
            nearest, *(mujoco.mj_geomDistance(model, data, one, two, 0.05, None) for one, two in pairs)
        )
    assert nearest > 0.0


LINKS = ('axis_1_link', 'axis_2_link', 'axis_3_link')
