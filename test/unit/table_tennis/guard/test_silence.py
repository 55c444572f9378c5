"""What is sent may be the last for a while: what the drives make of it by themselves, and whoever comes back then."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.silence import after_silence, braking_way
from llm_policy_improver.table_tennis.guard.workspace import inner_limits, outside
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives

Array = NDArray[np.float64]

LIMITS = SafetyLimits()
INNER = inner_limits(LIMITS)
ACCELERATION, JERK = np.array(LIMITS.acceleration), np.array(LIMITS.jerk)
LOW, HIGH = np.array(LIMITS.position_low), np.array(LIMITS.position_high)
DT = 0.004
MS = NANOSECONDS // 1000


def attacked(stage: SafetyStage, rng: np.random.Generator, ticks: int) -> None:
    """Ticks of an arm that follows at once, and that is sent here and there at full speed and more."""
    wanted = np.zeros(8)
    for tick in range(ticks):
        if tick % 30 == 0:
            wanted = rng.normal(0.0, 2.0, 8) * LIMITS.velocity
        stage.filter(wanted, stage.position + DT * stage.velocity, DT)


def left_alone(position: Array, velocity: Array, milliseconds: int) -> tuple[list[Array], Array]:
    """Where set points go in each millisecond while the drives have nothing but their time-out, and their velocity."""
    drives = TimedDrives(DriveTimeout.of(LIMITS))
    drives.take(slice(None), velocity, 0)
    path = [position]
    for time in range(milliseconds):
        path.append(path[-1] + drives.velocity(time * MS + MS // 2) * 1e-3)
    return path, drives.velocity(milliseconds * MS)


@pytest.mark.parametrize('speed', [-1.9, -0.1, 0.003, 0.5, 1.9])
def test_way_to_rest_is_the_sum_of_steps_within_acceleration_and_jerk(speed: float) -> None:
    most, jerk, step = 60.0, 8000.0, 1e-5
    place, velocity, pull = 0.0, abs(speed), 0.0
    while velocity > 0.0:
        # Let go of the brake when what is left is what that takes.
        letting_go = velocity <= 0.5 * pull * pull / jerk
        pull = max(pull - jerk * step, 1e-9) if letting_go else min(pull + jerk * step, most)
        place, velocity = place + velocity * step, velocity - pull * step
    assert braking_way(speed, most, jerk) == pytest.approx(np.copysign(place, speed), rel=0.02)


def test_stage_reckons_with_what_the_drives_of_the_stand_in_arm_do() -> None:
    rng = np.random.default_rng(0)
    velocity = rng.uniform(-1.0, 1.0, 8) * LIMITS.velocity
    for milliseconds in (24, 50, 60, 75, 90, 110, 400):
        path, speed = left_alone(np.array(HOME), velocity, milliseconds)
        position, left, pull = after_silence(
            INNER, np.array(HOME), velocity, np.ones(8), milliseconds / 1000
        )
        assert position == pytest.approx(path[-1], abs=2e-4)
        assert left == pytest.approx(speed, abs=1e-9)
        braking = (speed != 0.0) & (milliseconds > 50)
        assert np.array_equal(pull, np.where(braking, -np.sign(velocity) * ACCELERATION, 0.0))


def worst(limits: SafetyLimits, seed: int) -> tuple[float, float]:
    """m and rad beyond a range, m beyond the box: the most in any silence that begins in any tick of an attack."""
    start = np.array(HOME)
    start[1] = 0.4
    rng, stage = np.random.default_rng(seed), SafetyStage(limits, start)
    of_range = of_box = -np.inf
    wanted = np.zeros(8)
    for tick in range(240):
        if tick % 30 == 0:
            # To any side with all joints, or along the rails alone, where the box ends before the range.
            wanted = rng.normal(0.0, 2.0, 8) * LIMITS.velocity
            if seed % 2:
                wanted[[0, 2, 3, 4, 5, 6, 7]], wanted[1] = 0.0, 1e9 * (-1.0) ** (tick // 120)
        stage.filter(wanted, stage.position + DT * stage.velocity, DT)
        for q in left_alone(stage.position, stage.velocity, 170)[0][::8]:
            of_range = max(of_range, float(np.max(np.maximum(LOW - q, q - HIGH))))
            of_box = max(of_box, outside(INNER, q) - LIMITS.workspace_margin)
    return of_range, of_box


@pytest.mark.parametrize('seed', range(4))
def test_ranges_and_box_are_kept_if_nothing_follows_on_what_was_sent(seed: int) -> None:
    assert max(worst(LIMITS, seed)) <= 0.0


@pytest.mark.parametrize('place', [0, 1], ids=['range', 'box'])
def test_they_are_missed_by_a_stage_that_does_not_know_the_time_out(place: int) -> None:
    unaware = replace(LIMITS, drive_timeout=0.02)
    assert max(worst(unaware, seed)[place] for seed in range(4)) > 0.005


@pytest.mark.parametrize('milliseconds', [21, 30, 50, 54, 65, 80, 120, 1000])
def test_first_commands_after_a_pause_keep_acceleration_and_jerk_from_where_the_drives_are(
    milliseconds: int,
) -> None:
    for seed in range(10):
        rng, stage = np.random.default_rng([seed, milliseconds]), SafetyStage()
        attacked(stage, rng, int(rng.integers(20, 200)))
        path, _ = left_alone(stage.position, stage.velocity, milliseconds)
        _, velocity, acceleration = after_silence(
            INNER, stage.position, stage.velocity, stage.acceleration, milliseconds / 1000
        )
        wanted, here, since = rng.choice([-1e9, 1e9], 8), path[-1], milliseconds / 1000
        for _ in range(40):
            sent = stage.filter(wanted, here, since).velocity
            now = (sent - velocity) / DT
            assert np.all(np.abs(now) <= ACCELERATION * (1.0 + 1e-6))
            assert np.all(np.abs(now - acceleration) <= JERK * DT * (1.0 + 1e-6))
            velocity, acceleration, here, since = sent, now, here + DT * sent, DT
            assert np.all((here >= LOW) & (here <= HIGH))
            assert outside(INNER, here) <= LIMITS.workspace_margin


def test_arm_comes_to_rest_inside_wherever_a_pause_ends() -> None:
    for seed in range(6):
        rng, stage = np.random.default_rng(seed), SafetyStage()
        attacked(stage, rng, 100)
        for milliseconds in (24, 40, 52, 60, 70, 90):
            resumed = copy.deepcopy(stage)
            here = left_alone(stage.position, stage.velocity, milliseconds)[0][-1]
            resumed.brake(milliseconds / 1000)
            for _ in range(60):
                here = here + DT * resumed.velocity
                resumed.brake(DT)
                assert np.all((here >= LOW) & (here <= HIGH))
                assert outside(INNER, here) <= LIMITS.workspace_margin
            assert resumed.standing
