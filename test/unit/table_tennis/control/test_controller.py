from dataclasses import replace

import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.controller import (
    ControllerConfig,
    ControllerState,
    LowLevelController,
)
from llm_policy_improver.table_tennis.control.stroke import HOME
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation, Command
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

STEP = 20_000_000
"""ns, one control period."""
Tick = tuple[ArmObservation, tuple[BallObservation, ...]]


@pytest.fixture(scope='module')
def trial() -> list[Tick]:
    """What the controller gets to see while the neutral one plays the standard ball."""
    simulator, controller = Simulator(), LowLevelController()
    simulator.launch(0)
    seen = []
    while not simulator.finished:
        arm_now, sightings = simulator.observe()
        seen.append((arm_now, sightings))
        simulator.step(answer(controller, seen[-1]).applied)
    return seen


def answer(controller: LowLevelController, tick: Tick, shift: int = 0) -> Command:
    arm_now, sightings = tick
    for sighting in sightings:
        controller.observe_ball(sighting._replace(stamp=sighting.stamp + shift))
    return controller.command(replace(arm_now, stamp=arm_now.stamp + shift))


def answers(controller: LowLevelController, trial: list[Tick], shift: int = 0) -> list[Command]:
    return [answer(controller, tick, shift) for tick in trial]


def playing(controller: LowLevelController) -> bool:
    return controller.state is ControllerState.PLAYING


def still(stamp: int) -> ArmObservation:
    return ArmObservation(stamp, HOME, np.zeros(8))


def test_neutral_parameters_leave_the_bare_command_bit_for_bit(trial: list[Tick]) -> None:
    controller = LowLevelController()
    controller.offer(Modulation())
    commands = answers(controller, trial)
    assert any(np.abs(command.requested).max() > 1.0 for command in commands)
    for (arm_now, _), command in zip(trial, commands, strict=True):
        allowed, limited = controller.config.limits.enforce(command.requested, arm_now.position)
        assert command.applied.tobytes() == allowed.tobytes()
        assert limited or command.applied.tobytes() == command.requested.tobytes()


def test_attenuation_multiplies_and_residual_adds_before_the_limits(trial: list[Tick]) -> None:
    attenuation, residual = np.linspace(0.6, 1.3, 8), np.linspace(-0.2, 0.2, 8)
    controller = LowLevelController()
    controller.offer(Modulation(tuple(attenuation), tuple(residual)))
    bare, modulated = answers(LowLevelController(), trial), answers(controller, trial)
    moving = 0
    for tick, before, after in zip(trial, bare, modulated, strict=True):
        assert after.requested.tobytes() == before.requested.tobytes()
        if not np.any(before.requested):
            continue
        moving += 1
        wanted = attenuation * before.requested + residual
        allowed, limited = controller.config.limits.enforce(wanted, tick[0].position)
        assert after.applied == pytest.approx(allowed, abs=1e-12)
        assert after.limited == limited
    assert moving > 30


def test_residual_does_not_move_an_arm_that_waits() -> None:
    controller = LowLevelController()
    controller.offer(Modulation(residual=(0.5,) * 8))
    assert not np.any(controller.command(still(0)).applied)


def test_arm_that_never_sees_a_ball_stands_still() -> None:
    controller = LowLevelController()
    for tick in range(200):
        command = controller.command(still(tick * STEP))
        assert not np.any(command.applied)
        assert not np.any(command.requested)
    assert not playing(controller)


def test_arm_away_from_its_ready_pose_returns_to_it() -> None:
    controller = LowLevelController()
    away = HOME + 0.1 * np.array([1, -1, 1, 1, 1, -1, 1, -1])
    for tick in range(300):
        command = controller.command(ArmObservation(tick * STEP, away, np.zeros(8)))
        away = away + 0.02 * command.applied
    assert away == pytest.approx(HOME, abs=1e-4)


def test_parameters_offered_during_play_wait_for_its_end(trial: list[Tick]) -> None:
    first, second, third = (Modulation((value,) * 8, version=n) for n, value in enumerate((0.9, 0.8, 0.7)))
    controller, untouched = LowLevelController(), LowLevelController()
    controller.offer(first)
    untouched.offer(first)
    for n, tick in enumerate(trial):
        command = answer(controller, tick)
        if n in (5, 30):
            controller.offer(second if n == 5 else third)
        assert controller.parameters == first
        assert playing(controller)
        assert command.applied.tobytes() == answer(untouched, tick).applied.tobytes()
    end = trial[-1][0].stamp + 400_000_000
    controller.command(still(end))
    assert not playing(controller)
    assert controller.parameters == third
    away = HOME - 0.01
    command = controller.command(ArmObservation(end + STEP, away, np.zeros(8)))
    # Between balls the arm goes home by itself: the parameters shape strokes alone.
    assert command.applied.tobytes() == command.requested.tobytes()
    assert command.requested == pytest.approx(2.0 * 0.01)


def test_new_ball_after_a_pause_starts_anew_whenever_that_is(trial: list[Tick]) -> None:
    fresh = answers(LowLevelController(), trial)
    shift = 1_763_000_000 * 1_000_000_000 + 123
    used = LowLevelController()
    answers(used, trial)
    for again in (answers(LowLevelController(), trial, shift), answers(used, trial, shift)):
        assert [command.stamp - shift for command in again] == [command.stamp for command in fresh]
        for before, after in zip(fresh, again, strict=True):
            assert before.requested.tobytes() == after.requested.tobytes()
            assert before.applied.tobytes() == after.applied.tobytes()


def test_play_ends_when_the_ball_is_out_of_sight_for_300_ms() -> None:
    controller = LowLevelController()
    controller.observe_ball(BallObservation(0, (0.0, 1.5, 0.3)))
    controller.command(still(290_000_000))
    assert playing(controller)
    controller.command(still(310_000_000))
    assert not playing(controller)


def lying(stamp: int) -> BallObservation:
    """A ball that does not move."""
    return BallObservation(stamp, (0.3, -0.5, 0.02))


def test_play_of_a_ball_that_stays_in_view_ends_after_5_s() -> None:
    controller = LowLevelController()
    parameters = Modulation((0.9,) * 8, version=2)
    for tick in range(1000):
        stamp = tick * STEP
        controller.observe_ball(lying(stamp))
        controller.command(still(stamp))
        assert playing(controller) == (stamp <= 5_000_000_000), stamp
        if tick == 10:
            controller.offer(parameters)
    assert controller.parameters == parameters


def test_next_ball_is_played_once_the_one_that_stayed_in_view_is_away(trial: list[Tick]) -> None:
    fresh, controller = answers(LowLevelController(), trial), LowLevelController()
    for tick in range(300):
        controller.observe_ball(lying(tick * STEP))
        controller.command(still(tick * STEP))
    shift = 300 * STEP + 310_000_000
    for before, after in zip(fresh, answers(controller, trial, shift), strict=True):
        assert before.applied.tobytes() == after.applied.tobytes()


def test_blade_meets_the_ball_when_and_where_it_planned() -> None:
    simulator, controller, kinematics = Simulator(), LowLevelController(), ArmKinematics()
    simulator.launch(0)
    while not any(touch.what == 'blade' for touch in simulator.contacts):
        arm_now, sightings = simulator.observe()
        simulator.step(answer(controller, (arm_now, sightings)).applied)
    hit = simulator.contacts[-1]
    centre = np.array(kinematics.blade(simulator.observe()[0].position).centre)
    assert np.linalg.norm(centre - hit.position) < 0.06


@pytest.mark.parametrize(
    ('wrong', 'sentence'),
    [
        ({'period': 0.1}, 'period must be between 0.001 and 0.02 s'),
        ({'first_plan': 1}, 'first_plan must be between 3 and 1000 sightings'),
        ({'ball_lost': -1.0}, 'ball_lost must be between 0.05 and 5 s'),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=f'^{sentence}'):
        ControllerConfig(**wrong)  # type: ignore[arg-type]
